// ToolProcess: a tool of a workflow that is a program: `{_type: command, command: [program, ...]}`.
//
// The request is its standard input, the effect's idempotency key the variable REDOUBT_KEY; what it
// prints is the result, as JSON. An exit code other than 0 is a failure "command_failed".
//
// 1. A program leads a process group of its own: it ends with all that it has begun, be it by its
//    own end, by a timeout, by cancelling, or by SIGINT, SIGTERM or SIGHUP of this process. What
//    leaves the group (setsid) is on its own.
// 2. What a program says on its standard error goes on to ours as it comes, and the last line of it
//    (of its output, where it says nothing there) is part of its failure, which the run's events
//    have and an agent's model reads. It never waits for whoever reads it here.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::cli {

constexpr std::size_t tool_output_bytes_max = 1 << 20;
constexpr std::size_t tool_error_bytes_max = 500;  // the last that is kept
constexpr std::size_t tools_at_once_max = 64;

struct ToolProcess {
  std::string effect;
  pid_t pid = -1;
  int output_fd = -1;
  int error_fd = -1;  ///< -1 once it has ended
  std::string output;
  std::string said_last;  ///< on its standard error
  bool model = false;     ///< it asks a model
};

Result<ToolProcess> start_tool(const workflow::Effect& effect,
                               const std::vector<std::string>& command);
/// Reads what is there. True when the program has said all.
bool read_tool(ToolProcess& process);
/// Waits for the end of a program that has said all. Its output, or why it is none.
Result<std::string> end_tool(ToolProcess& process);
/// The same of `redoubt workflow ask`: what the model said, or why it did not.
Result<std::string> end_model(ToolProcess& process);
void kill_tool(ToolProcess& process);

}  // namespace redoubt::cli
