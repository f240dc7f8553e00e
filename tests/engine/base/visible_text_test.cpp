#include "engine/base/visible_text.hpp"

#include <doctest/doctest.h>

namespace redoubt {
namespace {

TEST_CASE("names of all scripts are visible") {
  for (const char* name :
       {"", "player-7", "anonymous:2001:db8::", "Zo\xC3\xAB", "\xE6\x9D\x8E\xE5\x8D\x8E",
        "\xD9\x85\xD8\xB1\xD9\x8A\xD9\x85", "\xF0\x9F\xA6\x8A fox", "a b"})
    CHECK_MESSAGE(is_visible_text(name), name);
}

TEST_CASE("what hides, turns round or breaks a line is not") {
  struct Row {
    const char* what;
    std::string_view text;
  };
  using namespace std::string_view_literals;
  const Row rows[] = {
      {"nul", "a\0b"sv},
      {"line feed", "a\nb"},
      {"escape", "a\x1b[31m"},
      {"delete", "a\x7f"},
      {"C1 next line", "a\xC2\x85"},
      {"C1 control sequence introducer", "a\xC2\x9B"},
      {"soft hyphen", "a\xC2\xAD"},
      {"Arabic letter mark", "a\xD8\x9C"},
      {"zero width space", "a\xE2\x80\x8B"},
      {"zero width joiner", "a\xE2\x80\x8D"},
      {"left-to-right mark", "a\xE2\x80\x8E"},
      {"right-to-left mark", "a\xE2\x80\x8F"},
      {"line separator", "a\xE2\x80\xA8"},
      {"paragraph separator", "a\xE2\x80\xA9"},
      {"right-to-left override", "a\xE2\x80\xAE"},
      {"word joiner", "a\xE2\x81\xA0"},
      {"left-to-right isolate", "a\xE2\x81\xA6"},
      {"pop isolate", "a\xE2\x81\xA9"},
      {"Hangul filler", "a\xE3\x85\xA4"},
      {"variation selector", "a\xEF\xB8\x8F"},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "a"},
      {"noncharacter", "a\xEF\xBF\xBF"},
      {"tag", "a\xF3\xA0\x81\x81"},
      {"noncharacter of plane 16", "a\xF4\x8F\xBF\xBE"},
      {"lone surrogate", "a\xED\xA0\x80"},
      {"overlong slash", "a\xC0\xAF"},
      {"cut sequence", "a\xE2\x80"},
      {"Latin-1", "Zo\xEB"},
  };
  for (const Row& row : rows)
    CHECK_FALSE_MESSAGE(is_visible_text(row.text), row.what);
}

TEST_CASE("neighbours of what is hidden are not hidden") {
  for (const std::uint32_t c :
       {0x20u, 0x7Eu, 0xA0u, 0xACu, 0xAEu, 0x200Au, 0x2010u, 0x2027u, 0x202Fu, 0x205Fu, 0x2070u,
        0xFE10u, 0xFFFCu, 0xFFFDu, 0x10000u, 0xDFFFDu, 0xE1000u})
    CHECK_FALSE(is_hidden(c));
}

}  // namespace
}  // namespace redoubt
