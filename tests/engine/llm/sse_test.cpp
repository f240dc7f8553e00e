#include "engine/llm/sse.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace redoubt::llm;

namespace {

// Each event as NAME=DATA, a comment as ":", too_large as "!".
std::vector<std::string> read(std::string_view bytes, std::size_t piece, std::size_t bound = 1000) {
  SseParser parser(bound);
  std::vector<std::string> seen;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view part = bytes.substr(at, piece);
    while (!part.empty()) {
      const SseStep step = parser.next(part);
      if (step == SseStep::event) seen.push_back(parser.name() + "=" + parser.data());
      if (step == SseStep::comment) seen.emplace_back(":");
      if (step == SseStep::too_large) {
        seen.emplace_back("!");
        return seen;
      }
    }
  }
  if (parser.finish() == SseStep::event) seen.push_back(parser.name() + "=" + parser.data());
  return seen;
}

using Seen = std::vector<std::string>;

}  // namespace

TEST_SUITE("llm sse") {
  TEST_CASE("every line end is one, in pieces of every size") {
    const std::string text =
        "\xEF\xBB\xBF"
        "data: a\r\n\r\n"
        "event: x\ndata: b\ndata:c\n\n"
        "data: d\r\r"
        ": beat\r\n"
        "id: 7\nretry: 3\ndata\n\n"
        "event: lonely\n\n"
        "data: {\"e\":1}\n\ndata: [DONE]";
    const Seen expected{"=a", "x=b\nc", "=d", ":", "=", "={\"e\":1}", "=[DONE]"};
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      CAPTURE(piece);
      CHECK(read(text, piece) == expected);
    }
  }

  TEST_CASE("a name stands for one event") {
    CHECK(read("event: a\ndata: 1\n\ndata: 2\n\n", 100) == Seen{"a=1", "=2"});
  }

  TEST_CASE("only one space is taken, and only a first colon parts") {
    CHECK(read("data:  a: b\n\n", 100) == Seen{"= a: b"});
  }

  TEST_CASE("a line and an event over the bound are refused, in any pieces") {
    const std::string line = "data: " + std::string(90, 'x');
    CHECK(read(line, 1, 80) == Seen{"!"});
    CHECK(read(line + "\n\n", 1000, 80) == Seen{"!"});
    const std::string many = "data: 123456789\ndata: 123456789\ndata: 123456789\n\n";
    CHECK(read(many, 1, 25) == Seen{"!"});
    CHECK(read(many, 7, 40).size() == 1);
    CHECK(read(many, 7, 40) != Seen{"!"});
  }
}
