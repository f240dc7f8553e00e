// A request brought to the values that a target takes.
//
// Dialect::takes says which members a provider takes; this says which values: lengths and alphabets
// of identifiers, what a message may be, ranges of numbers, words of efforts. A client cannot mend
// a 400 for what its own format allows, and no other target is tried after one.
//
// 1. The rules are a table (fit.cpp), by dialect and by what the model's card says.
// 2. What changes nothing for the answer is changed silently: identifiers of the history (the same
//    in a call and in its result), numbers brought into their range, messages that say nothing.
//    What the answer depends on is refused: a tool whose name the target cannot take.
// 3. A client of the target's own format knows its rules: its messages stay as they are, but for
//    blank texts, which models write themselves and providers do not take back.
// Sources: the providers' API references and error texts, gathered 2026-11-29.
#pragma once

#include <optional>

#include "engine/base/result.hpp"
#include "engine/llm/dialect.hpp"

namespace redoubt::llm {

/// The request as the target takes it, or nothing where it fits as it is (a prompt may be long).
/// Errors: unsupported.
Result<std::optional<ChatRequest>> fitted(const ChatRequest& request, const Target& target);

}  // namespace redoubt::llm
