#include "engine/base/plain_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace redoubt;

TEST_CASE("a text is plain up to the first byte that JSON escapes or that is not ASCII") {
  CHECK(plain_end("", 0) == 0);
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
    for (std::size_t at = 0; at < 24; ++at) {
      std::string text(24, 'x');
      text[at] = static_cast<char>(byte);
      CHECK(plain_end(text, 0) == (plain ? text.size() : at));
      CHECK(plain_end(text, at + 1) == text.size());
    }
  }
}

TEST_CASE("the length of a UTF-8 sequence, where it is well-formed") {
  CHECK(utf8_length("a", 0) == 1);
  CHECK(utf8_length("a\xc3\xa9", 1) == 2);
  CHECK(utf8_length("\xe2\x82\xac", 0) == 3);
  CHECK(utf8_length("\xf0\x9f\x98\x80", 0) == 4);
  for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xe2\x82",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    CHECK(utf8_length(bad, 0) == 0);
  CHECK(utf8_length("a", 1) == 0);
}

TEST_CASE("a text is cut at its bound, between two characters") {
  CHECK(bounded_text("", 0).empty());
  CHECK(bounded_text("abc", 3) == "abc");
  CHECK(bounded_text("abcd", 3) == "abc...");
  CHECK(bounded_text("a\xe2\x82\xac", 4) == "a\xe2\x82\xac");
  CHECK(bounded_text("a\xe2\x82\xac!", 3) == "a...");
  CHECK(bounded_text("\x80\x80\x80", 2) == "...");
  CHECK(bounded_text(std::string(100'000, 'x')).size() == error_text_bytes_max + 3);
}
