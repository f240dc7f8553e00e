// Context overflow: a request over what the model takes, as a provider says it and as clients know
// it.
//
// 1. Every server words it anew; OpenAI's, Anthropic's and Gemini's sentences are what SDKs and
//    agents look for (litellm's ContextWindowExceededError, LangChain's overflow errors; Claude
//    Code reads the numbers of "input length and `max_tokens` exceed context limit" and asks for
//    less). So a client hears the sentence of its own format, whoever served the call.
// 2. A ChatFailure of it has the class too_large and context_overflow_code as its code, whatever
//    the provider's was.
// 3. The sentences are ours: of the provider's text only the numbers are taken, and they are read
//    back from each of our sentences, so that the message carries them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

/// OpenAI's.
constexpr std::string_view context_overflow_code = "context_length_exceeded";
/// And every format's: 413 is of bodies with too many bytes.
constexpr int context_overflow_status = 400;

/// Tokens. `output` is there where the prompt would fit without the answer that was asked for.
struct ContextNumbers {
  std::int64_t prompt = 0;
  std::optional<std::int64_t> output;
  std::int64_t limit = 0;

  bool operator==(const ContextNumbers&) const = default;
};

/// Of a provider's text, or of one of ours: nothing where it is not clear which number is which.
std::optional<ContextNumbers> context_numbers(std::string_view text);

/// The sentence by which clients of the format know an overflow.
std::string context_words(WireFormat format, const std::optional<ContextNumbers>& numbers);

bool is_context_overflow(const ChatFailure& failure);

/// What a client of the format is told: the failure's message, or of an overflow context_words().
std::string client_message(WireFormat format, const ChatFailure& failure);

}  // namespace redoubt::llm
