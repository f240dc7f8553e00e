#include "relay/auth/secret_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

extern char** environ;

namespace redoubt::auth {
namespace {

constexpr mode_t too_open = S_IWGRP | S_IRWXO;

Error fault(const std::string& where, std::string what) {
  return {.code = "bad_secret", .message = where + ": " + std::move(what), .path = where};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  int get() const { return number_; }

 private:
  int number_;
};

using Clock = std::chrono::steady_clock;

int left_ms(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// Until the end of the input; an Error's message says what went wrong.
Result<Secret> read_all(int descriptor, Clock::time_point deadline) {
  Secret secret = Secret::of_size(secret_file_bytes_max + 1);
  std::size_t size = 0;
  while (size < secret.size()) {
    pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, left_ms(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error{.code = "bad_secret", .message = "took too long"};
    const ssize_t got = read(descriptor, secret.writable().data() + size, secret.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{.code = "bad_secret", .message = std::strerror(errno)};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > secret_file_bytes_max) {
    return Error{.code = "bad_secret",
                 .message = "more than " + std::to_string(secret_file_bytes_max) + " bytes"};
  }
  secret.shrink(size);
  secret.trim_end();
  // What is kept is as large as the secret, so that the secure heap holds many.
  if (secret.empty()) return Error{.code = "bad_secret", .message = "empty"};
  return secret.copy();
}

struct Child {
  pid_t pid = 0;
  Descriptor output;
};

Result<Child> spawn_shell(const std::string& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fault("the command", std::strerror(errno));
  Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh";
  std::string flag = "-c";
  std::string text = command;
  std::array<char*, 4> arguments{shell.data(), flag.data(), text.data(), nullptr};
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return fault("the command", std::strerror(failed));
  return Child{.pid = pid, .output = std::move(reading)};
}

// Waits for the command's end; at the deadline it is ended.
int end_of(pid_t pid, Clock::time_point deadline) {
  constexpr int look_ms = 5;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (left_ms(deadline) > 0) {
      poll(nullptr, 0, look_ms);
      continue;
    }
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
    break;
  }
  return status;
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.get() < 0) return fault(path, std::strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return fault(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fault(path, "not a file");
  if ((status.st_mode & too_open) != 0) {
    return fault(path, "others can read or change it; chmod 600 it (or 440 for a group)");
  }
  auto secret = read_all(file.get(), Clock::now() + std::chrono::milliseconds(command_ms_max));
  if (!secret) return fault(path, secret.error().message);
  return secret;
}

Result<void> write_secret_file(const std::string& path, const Secret& secret) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return fault(path, std::strerror(errno));
  const auto bytes = secret.bytes();
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = write(file.get(), bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  if (written == bytes.size() && fsync(file.get()) == 0) return {};
  const std::string reason = std::strerror(errno);
  unlink(path.c_str());
  return fault(path, reason);
}

Result<Secret> read_secret_command(const std::string& command) {
  auto child = spawn_shell(command);
  if (!child) return child.error();
  const auto deadline = Clock::now() + std::chrono::milliseconds(command_ms_max);
  auto secret = read_all(child->output.get(), deadline);
  child->output.close();
  const int status = end_of(child->pid, secret ? deadline : Clock::now());
  if (!secret) return fault("the command", secret.error().message);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fault("the command", "failed with status " +
                                    std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1));
  }
  return secret;
}

}  // namespace redoubt::auth
