#include "tools/cli/workflow/tool_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::cli {
namespace {

Error failed(std::string_view what, std::string_view why) {
  return make_error("command_failed", {what, ": ", why}, {}, {}, {});
}

// The groups that live, for the signal's handler; 0: a free place.
std::array<std::atomic<pid_t>, tools_at_once_max> groups{};
static_assert(std::atomic<pid_t>::is_always_lock_free);

void replace_group(pid_t from, pid_t to) {
  for (std::atomic<pid_t>& place : groups) {
    pid_t expected = from;
    if (place.compare_exchange_strong(expected, to)) return;
  }
}

// Programs of groups of their own do not hear the terminal's signals. SIGTERM, so that they can
// tidy up.
void end_with_groups(int signal) {
  for (const std::atomic<pid_t>& place : groups) {
    const pid_t group = place.load();
    if (group <= 0) continue;
    ::kill(-group, SIGTERM);
    ::kill(-group, SIGCONT);
  }
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void watch_signals() {
  static const bool watched = [] {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction old {};
      struct sigaction ours {};
      ours.sa_handler = end_with_groups;
      ours.sa_flags = static_cast<int>(SA_RESETHAND);
      // Whoever started us may want a signal to be passed over (nohup).
      const bool known = ::sigaction(signal, nullptr, &old) == 0;
      if (known && old.sa_handler == SIG_DFL) ::sigaction(signal, &ours, nullptr);
    }
    return true;
  }();
  (void)watched;
}

/// What a program is given.
struct Ends {
  int input;
  int output;
  int error;
};

// REQUIRES: runs in the child; never comes back.
[[noreturn]] void become(const std::vector<std::string>& command, const std::string& key,
                         Ends ends) {
  ::setpgid(0, 0);
  ::dup2(ends.input, STDIN_FILENO);
  ::dup2(ends.output, STDOUT_FILENO);
  ::dup2(ends.error, STDERR_FILENO);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (::signal(signal, SIG_DFL) == SIG_IGN) ::signal(signal, SIG_IGN);
  ::setenv("REDOUBT_KEY", key.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::dprintf(STDERR_FILENO, "%s: %s\n", words[0], std::strerror(errno));
  ::_exit(127);
}

void close_all(std::initializer_list<int> descriptors) {
  for (const int descriptor : descriptors)
    if (descriptor >= 0) ::close(descriptor);
}

/// Passes on what the program says on its standard error, and keeps the last of it.
void read_errors(ToolProcess& process) {
  std::array<char, 4096> piece{};
  while (process.error_fd >= 0) {
    const ssize_t got = ::read(process.error_fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      ::close(process.error_fd);
      process.error_fd = -1;
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    (void)std::fwrite(piece.data(), 1, size, stderr);
    process.said_last.append(piece.data(), size);
    if (process.said_last.size() > tool_error_bytes_max)
      process.said_last.erase(0, process.said_last.size() - tool_error_bytes_max);
  }
}

/// The exit status of the program; what it has begun and left behind in its group ends too.
int reap(ToolProcess& process) {
  siginfo_t ended{};
  // Not yet reaped: until then nobody else can have its number.
  while (::waitid(P_PID, static_cast<id_t>(process.pid), &ended, WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
  ::kill(-process.pid, SIGKILL);
  replace_group(process.pid, 0);
  int status = 0;
  while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
  }
  read_errors(process);
  close_all({process.output_fd, process.error_fd});
  return status;
}

/// The last line that it said on its standard error, or, where it said nothing there, on its
/// standard output; as the end of a sentence.
std::string last_words(const ToolProcess& process) {
  const auto last_line = [](std::string_view said) {
    const std::size_t end = said.find_last_not_of("\r\n ");
    said = said.substr(0, end == said.npos ? 0 : end + 1);
    if (const std::size_t line = said.rfind('\n'); line != said.npos) said.remove_prefix(line + 1);
    return said.substr(said.size() - std::min(said.size(), tool_error_bytes_max));
  };
  std::string_view said = last_line(process.said_last);
  if (said.empty()) said = last_line(process.output);
  return said.empty() ? std::string() : ": " + std::string(said);
}

}  // namespace

Result<ToolProcess> start_tool(const workflow::Effect& effect,
                               const std::vector<std::string>& command) {
  watch_signals();
  // A file in memory rather than a pipe: a program that does not read cannot hold the host up.
  const int input = ::memfd_create("request", MFD_CLOEXEC);
  std::array<int, 2> output{-1, -1};
  std::array<int, 2> error{-1, -1};
  const bool ready = input >= 0 && ::pipe2(output.data(), O_CLOEXEC | O_NONBLOCK) == 0 &&
                     ::pipe2(error.data(), O_CLOEXEC | O_NONBLOCK) == 0 &&
                     ::write(input, effect.request.data(), effect.request.size()) ==
                         static_cast<ssize_t>(effect.request.size()) &&
                     ::lseek(input, 0, SEEK_SET) == 0;
  const pid_t pid = ready ? ::fork() : -1;
  if (pid == 0) {
    ::fcntl(output[1], F_SETFL, 0);  // the program's own output waits as usual
    ::fcntl(error[1], F_SETFL, 0);
    become(command, effect.key, {input, output[1], error[1]});
  }
  const int fault = errno;
  close_all({input, output[1], error[1]});
  if (pid < 0) {
    close_all({output[0], error[0]});
    return failed(command[0], std::strerror(fault));
  }
  ::setpgid(pid, pid);  // here too: whichever of the two comes first
  replace_group(0, pid);
  ToolProcess process;
  process.effect = effect.id;
  process.pid = pid;
  process.output_fd = output[0];
  process.error_fd = error[0];
  return process;
}

bool read_tool(ToolProcess& process) {
  read_errors(process);
  std::array<char, 4096> piece{};
  while (process.output.size() <= tool_output_bytes_max) {
    const ssize_t got = ::read(process.output_fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) return true;
    process.output.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::kill(-process.pid, SIGKILL);
  return true;
}

Result<std::string> end_tool(ToolProcess& process) {
  const int status = reap(process);
  if (process.output.size() > tool_output_bytes_max)
    return failed(process.effect, "its program printed too much");
  if (!WIFEXITED(status))
    return failed(process.effect, joined({"its program was killed (", ::strsignal(WTERMSIG(status)),
                                          ")", last_words(process)}));
  if (WEXITSTATUS(status) == 127)
    return failed(process.effect, "its program cannot be run" + last_words(process));
  if (WEXITSTATUS(status) != 0)
    return failed(process.effect, joined({"its program's exit code is ", WEXITSTATUS(status),
                                          last_words(process)}));
  const auto json = parse_json(process.output, {tool_output_bytes_max});
  if (!json)
    return failed(process.effect, joined({"its program printed no JSON (", json.error().message,
                                          ")", last_words(process)}));
  return process.output;
}

Result<std::string> end_model(ToolProcess& process) {
  reap(process);
  const auto line = parse_json(process.output, {tool_output_bytes_max});
  if (!line || !line->is_object() || !line->contains("status"))
    return failed(process.effect, "its program did not come to an end");
  const Json& outcome = (*line)["outcome"];
  if ((*line)["status"] == "done") return canonical(outcome);
  Error error;
  error.code = outcome.is_object() ? outcome.value("code", "failed") : "failed";
  error.message = outcome.is_object() ? outcome.value("message", "") : "";
  return error;
}

void kill_tool(ToolProcess& process) {
  ::kill(-process.pid, SIGKILL);
  reap(process);
}

}  // namespace redoubt::cli
