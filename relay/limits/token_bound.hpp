// Upper bounds of a call's tokens, which are what is reserved before it.
//
// Why a token is at least a byte. Every provider's tokenizer is byte-pair encoding or a unigram
// model with byte fallback: at worst it gives one token for each byte of UTF-8, and all it does is
// merge. It may normalise the text first, which leaves ASCII, CJK ideographs and Hangul as they are
// and lengthens the rest at most by the factors below (the largest of NFC, NFD, NFKC and NFKD over
// all code points of Unicode 14 with that first byte). Which tokenizer a model uses is often
// secret, so the bound takes the worst:
//
//   first byte          00-7F  C2-DF  E0-E2  E3 81-83 (kana)  other E3  E4-EE  EF   F0-F4
//   tokens for a byte     1      3      4          2              6       1     11     3
//
// What the provider puts around it (role markers, tool preambles) has no public bound; it is
// counted as message_tokens a message, tool_tokens a tool and call_tokens a call, above anything
// that providers document (OpenAI: 3 a message and 3 a call; Anthropic's tool preamble: 346-530).
// Images are not text: their bound is the provider's documented maximum, per image.
//
// If a provider charges more than the bound, the charge counts in full and the overrun is told
// (Limiter::settle), so that a wrong bound is seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace redoubt::limits {

constexpr std::int64_t message_tokens = 16;
constexpr std::int64_t tool_tokens = 64;
constexpr std::int64_t call_tokens = 1'024;
constexpr std::int64_t image_tokens = 8'192;
/// Counts above this are held to it (engine/llm/usage.hpp reads none larger either).
constexpr std::int64_t tokens_max = 100'000'000;

/// What a prompt is made of, added up by whoever reads the request.
struct PromptSize {
  std::int64_t text_tokens = 0;
  std::int64_t messages = 0;
  std::int64_t tools = 0;
  std::int64_t images = 0;

  /// Counts a text of the request: a message, a name, a tool's schema, an output schema.
  /// REQUIRES: UTF-8. O(bytes)
  void add_text(std::string_view text);
};

/// How many tokens a prompt probably has, where no tokenizer is at hand: a token for every three
/// bytes, which is rather too many for English and about right for the rest.
std::int64_t input_tokens_estimate(const PromptSize& prompt);
/// `image_tokens_each`: of a model whose images are dearer than others'; 0 is image_tokens.
std::int64_t input_tokens_upper(const PromptSize& prompt, std::int64_t image_tokens_each = 0);
/// The lower of what the call asks for and what the model can; the model's limit where it asks
/// for nothing. REQUIRES: model_max > 0
std::int64_t output_tokens_upper(std::optional<std::int64_t> asked_max, std::int64_t model_max);

}  // namespace redoubt::limits
