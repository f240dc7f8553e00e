// A request brought to the values that a target takes.
//
// Dialect::takes says which members a provider takes; this says which values: lengths and alphabets
// of identifiers, what a message may be, ranges of numbers, words of efforts. A client cannot mend
// a 400 for what its own format allows, and no other target is tried after one.
//
// 1. The rules are a table (fit_rules.cpp), by dialect and by what the model's card says.
// 2. What changes nothing for the answer is changed silently: identifiers of the history (the same
//    in a call and in its result), numbers brought into their range, messages that say nothing,
//    results that stand elsewhere than behind their calls. A tool whose name the target cannot take
//    gets another there, in the history as well, and the answer has its own again
//    (Decoder::rename). What the answer depends on, and has no other form, is refused: too many
//    tools, images by their addresses.
// 3. A client of the target's own format knows its rules: its messages stay as they are, but for
//    blank texts, which models write themselves and providers do not take back, and for what
//    Claude models of another age refuse (system messages further down).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

struct Fit {
  std::optional<ChatRequest> request;  ///< nothing where it fits as it is: a prompt may be long
  std::vector<ToolAlias> tool_names;   ///< of the tools that got another name
};

/// The nearest of the words of effort that a model takes, rather less than more; the word itself
/// where it, or what the model takes, is not known.
std::string nearest_effort(const std::string& asked, std::span<const std::string> taken);

/// The request as the target takes it. Errors: unsupported.
Result<Fit> fitted(const ChatRequest& request, const Target& target);

}  // namespace redoubt::llm
