// Files in the shape of NVIDIA NeMo Agent Toolkit: `workflow: {_type: react_agent, llm_name: ...}`
// over the same llms and functions.
//
// 1. A file whose workflow has a `_type` other than `sequence` is rewritten into agents and steps,
//    then loaded like any other: what a run pins is the rewritten file.
// 2. Every part keeps the place in the file that it came from, so faults are told there.
// 3. What has no counterpart is a fault that says how to write it; what has no effect is a note.
//
// | `_type` | becomes |
// |---|---|
// | react_agent, tool_calling_agent, responses_api_agent | an agent, and a step that asks it |
// | chat_completion | a model step |
// | rewoo_agent | a model step that plans, and an agent that carries the plan out |
// | reasoning_agent | a model step that plans, and `augmented_fn` as a step |
// | sequential_executor, sequential_execution | a tool or agent step for each name of the list |
// | parallel_executor | `parallel` over the list |
// | router_agent | a model step that chooses, and a branch |
#pragma once

#include <vector>

#include "engine/base/document.hpp"

namespace redoubt::workflow {

bool is_toolkit_file(const Json& file);

struct Rewritten {
  Document document;          ///< in our form; of no use where there are faults
  std::vector<Error> faults;  ///< with their places in the given file
  std::vector<Error> notes;
};
/// REQUIRES: is_toolkit_file(file.value())
Rewritten rewrite_toolkit_file(const Document& file);

}  // namespace redoubt::workflow
