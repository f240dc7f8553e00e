#include "relay/limits/token_bound.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>

namespace redoubt::limits {
namespace {

// `count` things at `each`, held to tokens_max before it can overflow.
std::int64_t times(std::int64_t count, std::int64_t each) {
  return std::clamp<std::int64_t>(count, 0, tokens_max) * each;
}

// Tokens for each byte of the character that begins so (the header's table).
int byte_factor(unsigned char first, unsigned char second) {
  if (first < 0xe0) return 3;
  if (first < 0xe3) return 4;
  if (first == 0xe3) return second >= 0x81 && second <= 0x83 ? 2 : 6;
  if (first < 0xef) return 1;
  return first == 0xef ? 11 : 3;
}

// Bytes from `from` on that are ASCII, as far as eight at a time show it; at least one.
std::size_t ascii_run(std::string_view text, std::size_t from) {
  constexpr std::uint64_t high_bits = 0x8080808080808080u;
  std::uint64_t word = 0;
  std::size_t end = from;
  for (; end + sizeof word <= text.size(); end += sizeof word) {
    std::memcpy(&word, text.data() + end, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  return std::max<std::size_t>(1, end - from);
}

}  // namespace

void PromptSize::add_text(std::string_view text) {
  int factor = 3;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      const std::size_t run = ascii_run(text, i);
      tokens += static_cast<std::int64_t>(run);
      i += run - 1;
      continue;
    }
    if (byte >= 0xc0)
      factor = byte_factor(byte, i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0);
    tokens += factor;
  }
  text_tokens += tokens;
}

std::int64_t input_tokens_estimate(const PromptSize& prompt) {
  constexpr std::int64_t bytes_a_token = 3;
  constexpr std::int64_t tokens_an_image = 1'600;
  return std::min(prompt.text_tokens / bytes_a_token + times(prompt.images, tokens_an_image) + 1,
                  tokens_max);
}

std::int64_t input_tokens_upper(const PromptSize& prompt, std::int64_t image_tokens_each) {
  // Held to tokens_max, so that the product with a count of them does not overflow.
  const std::int64_t image = std::clamp(image_tokens_each, image_tokens, tokens_max);
  const std::int64_t total = call_tokens + times(prompt.text_tokens, 1) +
                             times(prompt.messages, message_tokens) +
                             times(prompt.tools, tool_tokens) + times(prompt.images, image);
  return std::min(total, tokens_max);
}

std::int64_t output_tokens_upper(std::optional<std::int64_t> asked_max, std::int64_t model_max) {
  assert(model_max > 0);
  const std::int64_t bound = std::min(model_max, tokens_max);
  return asked_max && *asked_max > 0 ? std::min(*asked_max, bound) : bound;
}

}  // namespace redoubt::limits
