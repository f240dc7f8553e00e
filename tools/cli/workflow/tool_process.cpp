#include "tools/cli/workflow/tool_process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
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

// REQUIRES: runs in the child; never comes back.
[[noreturn]] void become(const std::vector<std::string>& command, const std::string& key, int input,
                         int output) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::setenv("REDOUBT_KEY", key.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

}  // namespace

Result<ToolProcess> start_tool(const workflow::Effect& effect,
                               const std::vector<std::string>& command) {
  // A file in memory rather than a pipe: a program that does not read cannot hold the host up.
  const int input = ::memfd_create("request", MFD_CLOEXEC);
  std::array<int, 2> pipe{-1, -1};
  const bool ready = input >= 0 && ::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) == 0 &&
                     ::write(input, effect.request.data(), effect.request.size()) ==
                         static_cast<ssize_t>(effect.request.size()) &&
                     ::lseek(input, 0, SEEK_SET) == 0;
  const pid_t pid = ready ? ::fork() : -1;
  if (pid == 0) {
    ::fcntl(pipe[1], F_SETFL, 0);  // the program's own output waits as usual
    become(command, effect.key, input, pipe[1]);
  }
  const int fault = errno;
  if (input >= 0) ::close(input);
  if (pipe[1] >= 0) ::close(pipe[1]);
  if (pid < 0) {
    if (pipe[0] >= 0) ::close(pipe[0]);
    return failed(command[0], std::strerror(fault));
  }
  ToolProcess process;
  process.effect = effect.id;
  process.pid = pid;
  process.output_fd = pipe[0];
  return process;
}

bool read_tool(ToolProcess& process) {
  std::array<char, 4096> piece{};
  while (process.output.size() <= tool_output_bytes_max) {
    const ssize_t got = ::read(process.output_fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) return true;
    process.output.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::kill(process.pid, SIGKILL);
  return true;
}

Result<std::string> end_tool(ToolProcess& process) {
  int status = 0;
  while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(process.output_fd);
  if (process.output.size() > tool_output_bytes_max)
    return failed(process.effect, "its program printed too much");
  if (!WIFEXITED(status)) return failed(process.effect, "its program was killed");
  if (WEXITSTATUS(status) == 127) return failed(process.effect, "its program cannot be run");
  if (WEXITSTATUS(status) != 0)
    return failed(process.effect, joined({"its program's exit code is ", WEXITSTATUS(status)}));
  const auto json = parse_json(process.output, {tool_output_bytes_max});
  if (!json) return failed(process.effect, "its program printed no JSON: " + json.error().message);
  return process.output;
}

Result<std::string> end_child(ToolProcess& process) {
  while (::waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(process.output_fd);
  const auto line = parse_json(process.output, {tool_output_bytes_max});
  if (!line || !line->is_object() || !line->contains("status"))
    return make_error("child_failed", {process.effect, ": the child run did not come to an end"},
                      {}, {}, {});
  const Json& outcome = (*line)["outcome"];
  if ((*line)["status"] == "done") return canonical(outcome);
  Error error;
  error.code = outcome.is_object() ? outcome.value("code", "child_failed") : "child_failed";
  error.message = outcome.is_object() ? outcome.value("message", "the run was cancelled") : "";
  return error;
}

void kill_tool(ToolProcess& process) {
  ::kill(process.pid, SIGKILL);
  while (::waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(process.output_fd);
}

}  // namespace redoubt::cli
