#include "relay/limits/token_bound.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::limits {
namespace {

std::int64_t tokens_of(std::string_view text) {
  PromptSize prompt;
  prompt.add_text(text);
  return prompt.text_tokens;
}

TEST_CASE("a text has at most a token for each byte of its longest normal form") {
  CHECK(tokens_of("") == 0);
  CHECK(tokens_of("hello") == 5);
  // Wherever another character lies among those that are counted eight at a time.
  for (std::size_t at = 0; at <= 20; ++at) {
    const std::string around = std::string(at, 'x') + "\xce\x90" + std::string(20 - at, 'x');
    CHECK(tokens_of(around) == 26);
  }
  // NFKC makes 33 bytes of U+FDFA, NFD 6 bytes of U+0390: the factors are exact there.
  CHECK(tokens_of("\xef\xb7\xba") == 33);
  CHECK(tokens_of("\xce\x90") == 6);
  CHECK(tokens_of("\xe3\x8c\x87") == 18);             // U+3307, six-fold
  CHECK(tokens_of("\xe3\x81\x8b") == 6);              // hiragana, at most two-fold
  CHECK(tokens_of("\xe4\xb8\xad\xe6\x96\x87") == 6);  // ideographs stay as they are
  CHECK(tokens_of("\xed\x95\x9c") == 3);              // so does Hangul
  CHECK(tokens_of("\xf0\x9f\x98\x80") == 12);
  // Bytes that begin no character are not counted as less.
  CHECK(tokens_of("\x80\x80") >= 2);
  CHECK(tokens_of("\xe3") >= 1);
}

TEST_CASE("the bound of a call counts what the provider puts around the texts") {
  PromptSize prompt;
  CHECK(input_tokens_upper(prompt) == call_tokens);
  prompt = {.text_tokens = 100, .messages = 2, .tools = 3, .images = 1};
  CHECK(input_tokens_upper(prompt) ==
        call_tokens + 100 + 2 * message_tokens + 3 * tool_tokens + image_tokens);
  prompt.images = std::int64_t{1} << 62;
  CHECK(input_tokens_upper(prompt) == tokens_max);
}

TEST_CASE("output is bounded by what was asked and by what the model can") {
  CHECK(output_tokens_upper(std::nullopt, 8'192) == 8'192);
  CHECK(output_tokens_upper(100, 8'192) == 100);
  CHECK(output_tokens_upper(100'000, 8'192) == 8'192);
  CHECK(output_tokens_upper(0, 8'192) == 8'192);
}

}  // namespace
}  // namespace redoubt::limits
