// Freeform tools ("custom" of OpenAI's formats): the argument of a call is a text, which a grammar
// may describe, and no JSON. Coding agents have them to edit files (Codex's apply_patch).
//
// 1. The neutral form of a call has its text as arguments, {"input": TEXT}; a part's `extra` says
//    what it was in its own format.
// 2. Targets that have no such tools are offered a function with that one argument; the grammar is
//    told in its description, and held to by the model's good will alone.
// 3. The answer's calls of these tools become freeform calls again for the client that has them
//    (AnswerStamp::freeform). Their text is told in one piece, when the arguments are complete.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "engine/llm/dialect.hpp"

namespace redoubt::llm {

/// The function that stands for a freeform tool of one of OpenAI's formats.
ToolDefinition freeform_function(const ToolDefinition& tool);

/// The arguments of a call with that text.
std::string freeform_arguments(std::string_view input);

/// The text of a call's arguments: of models that do not keep to the form, their only text, or the
/// arguments as they are.
std::string freeform_input(std::string_view arguments);

/// The names of the request's freeform tools.
std::vector<std::string> freeform_tools(const ChatRequest& request);

/// The request with functions instead of freeform tools and an agent's (agent_tools.hpp), where the
/// target has none or the client another format; nothing where it goes as it is.
std::optional<ChatRequest> with_functions(const ChatRequest& request, const Target& target);

}  // namespace redoubt::llm
