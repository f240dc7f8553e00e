#include "engine/llm/context_overflow.hpp"

#include <algorithm>
#include <vector>

#include "engine/base/message.hpp"
#include "engine/base/plain_text.hpp"

namespace redoubt::llm {
namespace {

// Longer ones are ids or accounts; no context is as large.
constexpr std::size_t digits_max = 8;
// Of a text that says more than an overflow's numbers, none is sure.
constexpr std::size_t numbers_max = 6;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::string_view before = " (:";
  constexpr std::string_view after = " ).,;";
  const bool begins = begin == 0 || before.find(text[begin - 1]) != before.npos;
  const bool decimal = end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1]);
  const bool ends = end == text.size() || after.find(text[end]) != after.npos;
  return begins && ends && !decimal;
}

/// Those that are no part of a name ("gpt-4", "4o") or of another number.
std::vector<std::int64_t> numbers_in(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (std::size_t at = 0; at < text.size() && numbers.size() <= numbers_max;) {
    std::size_t end = at;
    std::int64_t number = 0;
    for (; end < text.size() && is_digit(text[end]); ++end)
      if (end - at < digits_max) number = number * 10 + (text[end] - '0');
    if (end > at && end - at <= digits_max && stands_alone(text, at, end))
      numbers.push_back(number);
    at = std::max(end, at + 1);
  }
  return numbers;
}

bool has(std::string_view text, std::string_view word) {
  return text.find(word) != text.npos;
}

ContextNumbers of_sum(std::int64_t prompt, std::int64_t output, std::int64_t limit) {
  if (prompt > limit) return {.prompt = prompt, .limit = limit};
  return {.prompt = prompt, .output = output, .limit = limit};
}

constexpr std::string_view what_to_do =
    "Shorten the messages or the tools, or ask for a model with a larger context.";

std::string anthropic_words(const std::optional<ContextNumbers>& of) {
  if (!of) return joined({"prompt is too long: it is over the model's maximum. ", what_to_do});
  if (of->output)
    return joined({"input length and `max_tokens` exceed context limit: ", of->prompt, " + ",
                   *of->output, " > ", of->limit,
                   ", decrease input length or `max_tokens` and try again"});
  return joined({"prompt is too long: ", of->prompt, " tokens > ", of->limit, " maximum"});
}

std::string gemini_words(const std::optional<ContextNumbers>& of) {
  if (!of)
    return joined(
        {"The input token count exceeds the maximum number of tokens allowed. ", what_to_do});
  if (of->output)
    return joined(
        {"The input token count plus maxOutputTokens exceeds the maximum number of tokens "
         "allowed: ",
         of->prompt, " + ", *of->output, " > ", of->limit, "."});
  return joined({"The input token count (", of->prompt,
                 ") exceeds the maximum number of tokens allowed (", of->limit, ")."});
}

std::string openai_words(const std::optional<ContextNumbers>& of) {
  if (!of)
    return joined(
        {"This model's maximum context length is less than the request needs. ", what_to_do});
  if (of->output)
    return joined({"This model's maximum context length is ", of->limit,
                   " tokens. However, you requested ", of->prompt + *of->output, " tokens (",
                   of->prompt, " in the messages, ", *of->output,
                   " in the completion). Please reduce the length of the messages or completion."});
  return joined({"This model's maximum context length is ", of->limit,
                 " tokens. However, your messages resulted in ", of->prompt,
                 " tokens. Please reduce the length of the messages."});
}

}  // namespace

std::optional<ContextNumbers> context_numbers(std::string_view text) {
  const std::vector<std::int64_t> n = numbers_in(text);
  // "190000 + 32000 > 200000"
  if (n.size() == 3 && has(text, joined({n[0], " + ", n[1], " > ", n[2]})) && n[0] + n[1] > n[2])
    return of_sum(n[0], n[1], n[2]);
  // "length is 8192 tokens, you requested 9000 tokens (8000 in the messages, 1000 in the
  // completion)"
  if (n.size() == 4 && n[1] == n[2] + n[3] && n[1] > n[0]) return of_sum(n[2], n[3], n[0]);
  // "the input (150 tokens) is longer than the context (100 tokens)", in either order
  if (n.size() == 2 && n[0] != n[1])
    return ContextNumbers{.prompt = std::max(n[0], n[1]), .limit = std::min(n[0], n[1])};
  return std::nullopt;
}

std::string context_words(WireFormat format, const std::optional<ContextNumbers>& numbers) {
  if (format == WireFormat::anthropic) return anthropic_words(numbers);
  if (format == WireFormat::gemini) return gemini_words(numbers);
  return openai_words(numbers);
}

bool is_context_overflow(const ChatFailure& failure) {
  return failure.failure_class == FailureClass::too_large && failure.code == context_overflow_code;
}

std::string client_message(WireFormat format, const ChatFailure& failure) {
  if (!is_context_overflow(failure)) return bounded_text(failure.message);
  return context_words(format, context_numbers(failure.message));
}

}  // namespace redoubt::llm
