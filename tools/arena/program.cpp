#include "tools/arena/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

extern char** environ;

namespace redoubt::arena {
namespace {

constexpr std::size_t chunk_bytes = 64 << 10;
constexpr int look_ms = 5;  // between two looks whether it has ended

Error fault(const char* code, std::string what) {
  return {.code = code, .message = std::string(code) + ": " + std::move(what)};
}

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  bool open() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  ~Pipe() {
    close_fd(read_end);
    close_fd(write_end);
  }
};

// A program that is gone must not take the arena with it: writing to it fails with EPIPE instead.
void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int spawn(const std::vector<std::string>& command, const Pipe& in, const Pipe& out, const Pipe& err,
          pid_t& pid) {
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.write_end, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  const int failed = posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return failed;
}

}  // namespace

Result<std::unique_ptr<Program>> Program::start(const std::vector<std::string>& command) {
  block_sigpipe();
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.open() || !out.open() || !err.open()) {
    return fault("crashed", std::string("no pipe for it: ") + std::strerror(errno));
  }
  std::unique_ptr<Program> program(new Program());
  if (const int failed = spawn(command, in, out, err, program->pid_); failed != 0) {
    program->pid_ = -1;
    return fault("crashed", command[0] + " cannot be started: " + std::strerror(failed));
  }
  program->in_ = std::exchange(in.write_end, -1);
  program->out_ = std::exchange(out.read_end, -1);
  program->err_ = std::exchange(err.read_end, -1);
  for (const int fd : {program->in_, program->out_, program->err_})
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return program;
}

Program::~Program() {
  close_fd(in_);
  if (pid_ > 0 && !reaped_) reap();
  close_fd(out_);
  close_fd(err_);
}

bool Program::has_ended() const {
  siginfo_t info{};
  if (reaped_) return true;
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid_;
}

// The group may outlive its first process; until that one is waited for, the group's number cannot
// be anybody else's.
void Program::reap() {
  kill(-pid_, SIGKILL);
  rusage used{};
  while (wait4(pid_, &status_, 0, &used) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  const auto us = [](const timeval& t) { return std::int64_t{1'000'000} * t.tv_sec + t.tv_usec; };
  cpu_us_ = us(used.ru_utime) + us(used.ru_stime);
}

bool Program::write_some(std::string_view& rest) {
  while (!rest.empty()) {
    const ssize_t sent = write(in_, rest.data(), rest.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Program::read_some() {
  std::array<char, chunk_bytes> chunk;
  const ssize_t got = read(out_, chunk.data(), chunk.size());
  if (got > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

void Program::drain_errors() {
  std::array<char, chunk_bytes> chunk;
  const ssize_t got = err_ < 0 ? 0 : read(err_, chunk.data(), chunk.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close_fd(err_);
  last_words_.append(chunk.data(), static_cast<std::size_t>(got));
  if (last_words_.size() > last_words_bytes_max) {
    last_words_.erase(0, last_words_.size() - last_words_bytes_max);
  }
}

bool Program::wait(bool writing, Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  std::array<pollfd, 3> fds{
      {{out_, POLLIN, 0}, {err_, POLLIN, 0}, {writing ? in_ : -1, POLLOUT, 0}}};
  poll(fds.data(), fds.size(), static_cast<int>(std::min<long long>(left, 1'000'000)));
  if (fds[1].revents != 0) drain_errors();
  return true;
}

std::optional<std::string> Program::take_line() {
  const std::size_t end = buffer_.find('\n');
  if (end == buffer_.npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// It closed a stream: either it has ended, or it is about to.
Error Program::crashed() {
  const auto deadline = Clock::now() + std::chrono::milliseconds(farewell_ms_max);
  while (!has_ended() && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(look_ms));
  drain_errors();
  const bool ended = has_ended();
  if (!reaped_) reap();
  std::string what = "it closed its streams and went on";
  if (ended && WIFEXITED(status_)) {
    what = "it ended with exit code " + std::to_string(WEXITSTATUS(status_));
  } else if (ended && WIFSIGNALED(status_)) {
    what = "it was ended by signal " + std::to_string(WTERMSIG(status_));
  }
  while (!last_words_.empty() && (last_words_.back() == '\n' || last_words_.back() == '\r'))
    last_words_.pop_back();
  if (!last_words_.empty()) {
    const std::size_t begin = last_words_.rfind('\n');
    what += ", its last words: " + last_words_.substr(begin == last_words_.npos ? 0 : begin + 1);
  }
  return fault("crashed", what);
}

Result<std::string> Program::ask(std::string_view line, int patience_ms, std::size_t bytes_max) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(patience_ms);
  const std::string whole = std::string(line) + "\n";
  std::string_view rest = whole;
  for (bool open = true;;) {
    if (!rest.empty() && !write_some(rest)) return crashed();
    // An answer counts once the question was sent: nobody can have answered before.
    std::optional<std::string> answer = rest.empty() ? take_line() : std::nullopt;
    const std::size_t bytes = answer ? answer->size() : buffer_.size();
    if (bytes > bytes_max) {
      return fault("babbled", "a line of more than " + std::to_string(bytes_max) + " bytes");
    }
    if (answer) return std::move(*answer);
    if (!open) return crashed();
    if (!wait(!rest.empty(), deadline)) {
      return fault("stalled", "no answer within " + std::to_string(patience_ms) + " ms");
    }
    open = read_some();
  }
}

void Program::end(std::string_view line) {
  const std::string whole = std::string(line) + "\n";
  std::string_view rest = whole;
  if (in_ >= 0) write_some(rest);
  close_fd(in_);
  const auto deadline = Clock::now() + std::chrono::milliseconds(farewell_ms_max);
  while (!has_ended() && Clock::now() < deadline) {
    // It may be busy writing to us.
    read_some();
    buffer_.clear();
    drain_errors();
    std::this_thread::sleep_for(std::chrono::milliseconds(look_ms));
  }
  if (!reaped_) reap();
}

}  // namespace redoubt::arena
