#include "engine/schema/pattern.hpp"

#include <doctest/doctest.h>

#include <string>

using redoubt::schema::Pattern;

namespace {

bool found(std::string_view source, std::string_view text) {
  const auto pattern = Pattern::compile(source);
  REQUIRE_MESSAGE(pattern.ok(), source);
  return pattern.value().found_in(text);
}

std::string refusal(std::string_view source) {
  const auto pattern = Pattern::compile(source);
  REQUIRE_MESSAGE(!pattern.ok(), source);
  CHECK(pattern.error().code == "bad_pattern");
  return pattern.error().message;
}

}  // namespace

TEST_SUITE_BEGIN("schema pattern");

TEST_CASE("a pattern is found as ECMA-262 says") {
  struct Case {
    const char* pattern;
    const char* text;
    bool is_found;
  };
  const Case cases[] = {
      {"", "", true},
      {"a+", "xxaayy", true},
      {"^a*$", "aaa", true},
      {"^a*$", "aab", false},
      {"^(a|bc|)d$", "bcd", true},
      {"^(a|bc|)d$", "d", true},
      {"^(a|bc|)d$", "bd", false},
      {"^a{2,3}$", "a", false},
      {"^a{2,3}$", "aaa", true},
      {"^a{2,3}$", "aaaa", false},
      {"^a{2,}?$", "aaaaa", true},
      {"^(ab?){0,2}c$", "abac", true},
      {"^(ab?){0,2}c$", "ababac", false},
      {"^a{0}b$", "b", true},
      {"^[^a-c\\d]$", "d", true},
      {"^[^a-c\\d]$", "5", false},
      {"^[]$", "a", false},
      {"^[^]$", "\n", true},
      {"^.$", "\n", false},
      {"^.$", "\xF0\x9F\x90\xB2", true},
      {"^\\uD83D\\uDC32$", "\xF0\x9F\x90\xB2", true},
      {"^[\\u{1F400}-\\u{1F4FF}]$", "\xF0\x9F\x90\xB2", true},
      {"^\\p{Letter}+$", "L\xC3\xB6we\xCF\x80", true},
      {"^\\p{Letter}+$", "a1", false},
      {"^\\P{L}$", "1", true},
      {"^\\d$", "\xE0\xA7\xAA", false},
      {"^\\s$", "\xEF\xBB\xBF", true},
      {"^\\W\\S\\D$", "-ab", true},
      {"\\bfoo\\b", "a foo.", true},
      {"\\bfoo\\b", "afoo", false},
      {"o\\Bo", "foo", true},
      {"^a$", "a\n", false},
      {"^\\cA\\x41\\t\\-$",
       "\x01"
       "A\t-",
       true},
      {"(?<year>\\d{4})-(?:0[1-9]|1[0-2])", "on 2024-11", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(found(c.pattern, c.text) == c.is_found);
  }
}

TEST_CASE("what would need backtracking is refused by name") {
  CHECK(refusal("a(?=b)").find("at byte 2: lookahead") != std::string::npos);
  CHECK(refusal("(?<!a)b").find("lookbehind") != std::string::npos);
  CHECK(refusal("(a)\\1").find("back-references") != std::string::npos);
}

TEST_CASE("a faulty pattern is refused") {
  for (const char* source : {"(", ")", "[a", "a**", "*", "a{2,1}", "{", "a{1001}", "\\", "\\a",
                             "[b-a]", "[\\d-z]", "^*", "\\p{Nope}", "\\u{110000}", "(?i:a)"})
    refusal(source);
  refusal(std::string(65, '(') + std::string(65, ')'));
  CHECK(refusal("((a{100}){100}){100}").find("instructions") != std::string::npos);
  refusal(std::string(redoubt::schema::pattern_bytes_max + 1, 'a'));
}

TEST_CASE("nested stars over an adversary's text stay linear") {
  // A backtracking matcher would take 2^100000 steps, and this test would not end.
  const std::string text(100'000, 'a');
  CHECK_FALSE(found("(a*)*b", text));
  CHECK_FALSE(found("^(a|a)*$", text + "b"));
  CHECK(found("(()*)*$", text));
}

TEST_SUITE_END();
