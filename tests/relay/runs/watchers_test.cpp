#include "relay/runs/watchers.hpp"

#include <doctest/doctest.h>

#include "engine/base/message.hpp"
#include "relay/runs/catalogue.hpp"

namespace redoubt::runs {
namespace {

using workflow::ChainHead;
using workflow::EventKind;

class Reader final : public http::BodyStream {
 public:
  void write(std::string bytes) override {
    text += bytes;
    waiting += bytes.size();
    most = std::max(most, waiting);
    if (reads) waiting = 0;
  }
  void end() override { ended = true; }
  void abort() override { aborted = true; }
  bool open() const override { return !ended && !aborted; }
  std::size_t waiting_bytes() const override { return waiting; }
  void on_gone(std::function<void()>) override {}

  std::string text;
  std::size_t waiting = 0;
  std::size_t most = 0;
  bool reads = true;
  bool ended = false;
  bool aborted = false;
};

/// A history that grows, as the store keeps it.
struct Story {
  workflow::DefinitionPtr definition = Catalogue::shipped().value().find("triage");
  std::string header = workflow::history_header(definition->hash);
  ChainHead head = workflow::chain_start(header);
  std::vector<std::string> pieces;

  const std::string& grow(int events, std::size_t bytes = 10) {
    std::string frames = pieces.empty() ? header : std::string();
    const std::string payload = joined({"\"", std::string(bytes, 'x'), "\""});
    for (int i = 0; i < events; ++i)
      workflow::append_event(
          {0, 1, EventKind::signalled, workflow::kNoStep, workflow::kNoStep, payload}, head,
          frames);
    pieces.push_back(std::move(frames));
    return pieces.back();
  }
  std::int64_t count() const { return static_cast<std::int64_t>(pieces.size()); }
};

/// What the host does in turns: asks the store for what is wanted, and takes slices. How many.
int catch_up(Watchers& watchers, const Story& story) {
  int slices = 0;
  for (;;) {
    const auto wanted = watchers.wants(story.count());
    for (const Watchers::Want& want : wanted)
      watchers.give(want.watcher, {story.pieces[static_cast<std::size_t>(want.piece)]});
    const bool stepped = watchers.step(*story.definition);
    slices += stepped;
    if (!stepped && wanted.empty()) return slices;
  }
}

void store(Watchers& watchers, Story& story, int events, std::size_t bytes = 10) {
  const std::string& frames = story.grow(events, bytes);
  watchers.stored(*story.definition, frames, story.count() - 1);
}

std::uint64_t events_in(const std::string& text) {
  std::uint64_t events = 0;
  for (std::size_t at = text.find("id: "); at != std::string::npos; at = text.find("id: ", at + 1))
    ++events;
  return events;
}

}  // namespace

TEST_CASE("live watchers get what is stored and nothing is read again for them") {
  Story story;
  Watchers watchers;
  const auto one = std::make_shared<Reader>(), two = std::make_shared<Reader>();
  story.grow(3);
  REQUIRE(watchers.add(one, 0));
  REQUIRE(watchers.add(two, 0));
  catch_up(watchers, story);
  CHECK(events_in(one->text) == 3);
  for (int piece = 0; piece < 1'000; ++piece) {
    store(watchers, story, 1);
    // However long the history is, the store is not asked.
    REQUIRE(watchers.wants(story.count()).empty());
    REQUIRE(!watchers.step(*story.definition));
  }
  CHECK(events_in(one->text) == 1'003);
  CHECK((one->text == two->text));
}

TEST_CASE("a late watcher reads the history once, in slices, and gets the same bytes") {
  Story story;
  Watchers watchers;
  const auto early = std::make_shared<Reader>(), late = std::make_shared<Reader>(),
             resumed = std::make_shared<Reader>();
  story.grow(1);
  REQUIRE(watchers.add(early, 0));
  catch_up(watchers, story);
  for (int piece = 0; piece < 20; ++piece)
    store(watchers, story, 100);
  store(watchers, story, 2'000);
  REQUIRE(watchers.add(late, 0));
  REQUIRE(watchers.add(resumed, 3'000));
  const int slices = catch_up(watchers, story);
  CHECK(slices >= 2 * (20 + 2'000 / static_cast<int>(slice_events_max)));
  CHECK((late->text == early->text));
  CHECK(events_in(resumed->text) == 4'001 - 3'000);
  CHECK(early->text.ends_with(resumed->text));
  // All of them are live now.
  store(watchers, story, 1);
  CHECK(watchers.wants(story.count()).empty());
  CHECK((late->text == early->text));
  CHECK(events_in(resumed->text) == 4'002 - 3'000);
}

TEST_CASE("a reader that takes nothing holds no more than its share, and goes on where it was") {
  Story story;
  Watchers watchers;
  const auto fast = std::make_shared<Reader>(), slow = std::make_shared<Reader>();
  slow->reads = false;
  story.grow(1);
  REQUIRE(watchers.add(fast, 0));
  REQUIRE(watchers.add(slow, 0));
  catch_up(watchers, story);
  for (int piece = 0; piece < 100; ++piece) {
    store(watchers, story, 1, 50'000);
    catch_up(watchers, story);
  }
  CHECK(fast->text.size() > 5'000'000);
  CHECK(slow->most <= waiting_bytes_max + 2 * slice_bytes_max);
  CHECK(watchers.stalled());
  while (slow->text.size() < fast->text.size()) {
    const std::size_t before = slow->text.size();
    slow->waiting = 0;
    catch_up(watchers, story);
    REQUIRE(slow->text.size() > before);
  }
  CHECK((slow->text == fast->text));
  CHECK(slow->most <= waiting_bytes_max + 2 * slice_bytes_max);
}

TEST_CASE("an event that is longer than what may wait goes out in parts") {
  Story story;
  Watchers watchers;
  const auto slow = std::make_shared<Reader>();
  slow->reads = false;
  story.grow(1);
  REQUIRE(watchers.add(slow, 0));
  catch_up(watchers, story);
  store(watchers, story, 1, 2'000'000);
  store(watchers, story, 1);
  for (int read = 0; read < 100 && events_in(slow->text) < 3; ++read) {
    slow->waiting = 0;
    catch_up(watchers, story);
  }
  CHECK(events_in(slow->text) == 3);
  CHECK(slow->text.size() > 2'000'000);
  CHECK(slow->most <= 2 * waiting_bytes_max);
}

TEST_CASE("a run's end ends those who have seen it all, and the others when they have") {
  Story story;
  Watchers watchers;
  const auto live = std::make_shared<Reader>(), behind = std::make_shared<Reader>();
  story.grow(5);
  REQUIRE(watchers.add(live, 0));
  catch_up(watchers, story);
  REQUIRE(watchers.add(behind, 0));
  watchers.end_finished(story.count());
  CHECK(live->ended);
  CHECK(!behind->ended);
  catch_up(watchers, story);
  watchers.end_finished(story.count());
  CHECK(behind->ended);
  CHECK((behind->text == live->text));
  CHECK(watchers.empty());
}

TEST_CASE("a watcher of a run that is gone from the store ends") {
  Story story;
  Watchers watchers;
  const auto reader = std::make_shared<Reader>();
  story.grow(1);
  REQUIRE(watchers.add(reader, 0));
  const auto wanted = watchers.wants(story.count());
  REQUIRE(wanted.size() == 1);
  watchers.give(wanted[0].watcher, {});
  CHECK(reader->ended);
  CHECK(watchers.empty());
}

TEST_CASE("so many watch one run, and no more") {
  Watchers watchers;
  for (std::size_t i = 0; i < watchers_max; ++i)
    CHECK(watchers.add(std::make_shared<Reader>(), 0));
  CHECK(!watchers.add(std::make_shared<Reader>(), 0));
}

}  // namespace redoubt::runs
