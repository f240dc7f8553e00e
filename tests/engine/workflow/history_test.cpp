#include "engine/workflow/history.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

struct Written {
  std::string bytes;
  std::vector<std::size_t> ends;  ///< where each event's frame ends
};

Written three_events() {
  Written written{history_header(sha256("definition")), {}};
  ChainHead head = chain_start(written.bytes);
  const Event events[] = {
      {0, 1000, EventKind::started, kNoStep, kNoStep, "{\"id\":\"r\"}"},
      {0, 1000, EventKind::scheduled, 2, 7, ""},
      {0, 2500, EventKind::completed, 2, 7, "{\"text\":\"yes\"}"},
  };
  for (const Event& event : events) {
    append_event(event, head, written.bytes);
    written.ends.push_back(written.bytes.size());
  }
  return written;
}

// "ok N" for a whole history of N events, else the error's code and the event that it names.
std::string read_all(std::string_view bytes) {
  auto reader = HistoryReader::open(bytes);
  if (!reader) return reader.error().code;
  Event event;
  for (;;) {
    const auto more = reader->next(event);
    if (!more) return more.error().code + " " + more.error().path;
    if (!*more) return "ok " + std::to_string(reader->head().seq);
  }
}

}  // namespace

TEST_SUITE("workflow/history") {
  TEST_CASE("what was appended is read back") {
    const Written written = three_events();
    auto reader = HistoryReader::open(written.bytes);
    REQUIRE(reader);
    CHECK(reader->definition() == sha256("definition"));
    Event event;
    REQUIRE(reader->next(event));
    CHECK(describe(event, "") == "0 started {\"id\":\"r\"}");
    REQUIRE(reader->next(event));
    CHECK(event.step == 2);
    CHECK(event.instance == 7);
    REQUIRE(reader->next(event));
    CHECK(event.stamp_ms == 2500);
    CHECK(describe(event, "plan") == "2 completed plan {\"text\":\"yes\"}");
    const auto end = reader->next(event);
    REQUIRE(end);
    CHECK_FALSE(*end);
    CHECK(reader->position() == written.bytes.size());
  }

  TEST_CASE("cut at any byte, it holds up to the last whole event and names the torn one") {
    const Written written = three_events();
    const std::size_t header = history_header(sha256("definition")).size();
    for (std::size_t cut = 0; cut <= written.bytes.size(); ++cut) {
      std::size_t whole = 0;
      while (whole < written.ends.size() && written.ends[whole] <= cut)
        ++whole;
      const std::size_t last_end = whole == 0 ? header : written.ends[whole - 1];
      std::string expected = "bad_history";
      if (cut >= header) {
        expected = cut == last_end ? "ok " + std::to_string(whole)
                                   : "torn_history event " + std::to_string(whole);
      }
      CAPTURE(cut);
      CHECK(read_all(std::string_view(written.bytes).substr(0, cut)) == expected);
    }
  }

  TEST_CASE("a changed byte is found at the event that holds it") {
    const Written written = three_events();
    const std::size_t header = history_header(sha256("definition")).size();
    for (std::size_t at = 0; at < written.bytes.size(); ++at) {
      std::string changed = written.bytes;
      changed[at] = static_cast<char>(changed[at] ^ 0x20);
      std::size_t touched = 0;
      while (written.ends[touched] <= at)
        ++touched;
      const std::string found = read_all(changed);
      CAPTURE(at);
      CAPTURE(found);
      if (at < 12) {
        CHECK(found == "bad_history");
      } else {
        if (at < header) touched = 0;
        const std::string name = "event " + std::to_string(touched);
        const bool named = found == "broken_chain " + name || found == "torn_history " + name;
        CHECK(named);
      }
    }
  }

  TEST_CASE("an event that is dropped, repeated or moved breaks the chain") {
    const Written w = three_events();
    const std::size_t header = history_header(sha256("definition")).size();
    const std::string head = w.bytes.substr(0, header);
    const std::string a = w.bytes.substr(header, w.ends[0] - header);
    const std::string b = w.bytes.substr(w.ends[0], w.ends[1] - w.ends[0]);
    const std::string c = w.bytes.substr(w.ends[1]);
    CHECK(read_all(head + a + b + c) == "ok 3");
    CHECK(read_all(head + a + c) == "broken_chain event 1");
    CHECK(read_all(head + a + a + b + c) == "broken_chain event 1");
    CHECK(read_all(head + a + c + b) == "broken_chain event 1");
  }
}
