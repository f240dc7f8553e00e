#include "relay/services/runs/live_texts.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

namespace redoubt::runs {
namespace {

/// The event's name and data.
std::pair<std::string, Json> read(const std::string& event) {
  REQUIRE(event.rfind("event: ", 0) == 0);
  const std::size_t line = event.find('\n');
  const std::size_t data = event.find("data: ");
  REQUIRE(event.substr(event.size() - 2) == "\n\n");
  return {event.substr(7, line - 7), *parse_json(event.substr(data + 6, event.size() - data - 8),
                                                 {.bytes_max = 1u << 20, .depth_max = 8})};
}

constexpr std::size_t much = 8'192;

}  // namespace

TEST_CASE("a watcher is shown a text piece by piece, each once") {
  LiveTexts texts;
  LiveTexts::Seen seen;
  CHECK(!texts.next(seen, much));
  texts.begin("plan");
  CHECK(!texts.has_news(seen));
  texts.add("plan", "One ");
  texts.add("plan", "two");
  auto [name, data] = read(texts.next(seen, much).value());
  CHECK(name == "text");
  CHECK(data == Json{{"effect", "plan"}, {"stream", 1}, {"at", 0}, {"text", "One two"}});
  CHECK(!texts.has_news(seen));
  CHECK(!texts.next(seen, much));
  texts.add("plan", "!");
  CHECK(read(texts.next(seen, much).value()).second["at"] == 7);
  LiveTexts::Seen joined_late;
  CHECK(read(texts.next(joined_late, much).value()).second["text"] == "One two!");
  texts.finish("plan");
  CHECK(texts.empty());
  CHECK(texts.bytes() < 10'000);
  CHECK(!texts.next(seen, much));
  CHECK(seen.empty());
}

TEST_CASE("a stream that breaks off stays, and a retry is another one") {
  LiveTexts texts;
  LiveTexts::Seen seen;
  texts.begin("a");
  texts.add("a", "Hel");
  CHECK(texts.next(seen, much));
  texts.break_off("a", "cut");
  texts.add("a", "lost");
  CHECK(read(texts.next(seen, much).value()) ==
        std::pair<std::string, Json>{"text_broken",
                                     {{"effect", "a"}, {"stream", 1}, {"reason", "cut"}}});
  CHECK(!texts.has_news(seen));
  texts.begin("a");
  texts.add("a", "Hello");
  CHECK(read(texts.next(seen, much).value()).second ==
        Json{{"effect", "a"}, {"stream", 2}, {"at", 0}, {"text", "Hello"}});
  // Who joins now sees both.
  LiveTexts::Seen other;
  CHECK(read(texts.next(other, much).value()).second["text"] == "Hel");
  CHECK(read(texts.next(other, much).value()).first == "text_broken");
  CHECK(read(texts.next(other, much).value()).second["text"] == "Hello");
  CHECK(!texts.next(other, much));
}

TEST_CASE("of a long text the end is kept, and the gap is told") {
  LiveTexts texts;
  LiveTexts::Seen seen;
  texts.begin("a");
  std::string all;
  for (int i = 0; i < 10'000; ++i) {
    texts.add("a", "über dem Meer ");
    all += "über dem Meer ";
  }
  CHECK(texts.bytes() < 3 * LiveTexts::kept_bytes_max);
  std::string shown;
  std::size_t first = 0;
  while (const auto event = texts.next(seen, much)) {
    CHECK(event->size() <= much);
    const Json data = read(*event).second;
    if (shown.empty()) first = data["at"].get<std::size_t>();
    CHECK(data["at"] == first + shown.size());
    shown += data["text"].get<std::string>();
  }
  CHECK(first > 0);
  CHECK(shown == all.substr(first));
}

TEST_CASE("an event fits its room, whatever its text is, and is not cut inside of a character") {
  LiveTexts texts;
  for (const std::string& piece : {std::string(5'000, '\x01'), std::string(3'000, '"')}) {
    texts.begin("a");
    texts.add("a", piece);
    LiveTexts::Seen seen;
    std::string shown;
    while (const auto event = texts.next(seen, 2'600)) {
      CHECK(event->size() <= 2'600);
      shown += read(*event).second["text"].get<std::string>();
    }
    CHECK(shown == piece);
    texts.finish("a");
  }
  texts.begin("a");
  texts.add("a", "x");
  LiveTexts::Seen seen;
  CHECK(!texts.next(seen, 100));
  CHECK(texts.has_news(seen));
}

TEST_CASE("streams of a run are bounded") {
  LiveTexts texts;
  for (int i = 0; i < 100; ++i) {
    texts.begin("e" + std::to_string(i));
    texts.add("e" + std::to_string(i), "x");
  }
  LiveTexts::Seen seen;
  std::size_t shown = 0;
  while (texts.next(seen, much))
    ++shown;
  CHECK(shown == LiveTexts::streams_max);
}

}  // namespace redoubt::runs
