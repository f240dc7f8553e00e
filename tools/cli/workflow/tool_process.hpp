// ToolProcess: a tool of a workflow that is a program: `{_type: command, command: [program, ...]}`.
//
// The request is its standard input, the effect's idempotency key the variable REDOUBT_KEY; what it
// prints is the result, as JSON. An exit code other than 0 is a failure "command_failed".
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::cli {

constexpr std::size_t tool_output_bytes_max = 1 << 20;

struct ToolProcess {
  std::string effect;
  pid_t pid = -1;
  int output_fd = -1;
  std::string output;
  bool child = false;  ///< it carries a child run out
};

Result<ToolProcess> start_tool(const workflow::Effect& effect,
                               const std::vector<std::string>& command);
/// Reads what is there. True when the program has said all.
bool read_tool(ToolProcess& process);
/// Waits for the end of a program that has said all. Its output, or why it is none.
Result<std::string> end_tool(ToolProcess& process);
/// The same of `redoubt workflow run --json`, which stands for a child run: the run's outcome, or
/// its failure.
Result<std::string> end_child(ToolProcess& process);
void kill_tool(ToolProcess& process);

}  // namespace redoubt::cli
