#include "relay/services/runs/watchers.hpp"

#include <doctest/doctest.h>

#include "engine/base/message.hpp"
#include "relay/services/runs/catalogue.hpp"

namespace redoubt::runs {
namespace {

using workflow::ChainHead;
using workflow::EventKind;

class Reader final : public http::BodyStream, public std::enable_shared_from_this<Reader> {
 public:
  void write(std::string bytes) override {
    text += bytes;
    waiting += bytes.size();
    most = std::max(most, waiting);
    if (reads) read();
  }
  void end() override { ended = true; }
  void abort() override { aborted = true; }
  bool open() const override { return !ended && !aborted; }
  std::size_t waiting_bytes() const override { return waiting; }
  void on_gone(std::function<void()>) override {}
  std::shared_ptr<const void> hold(std::size_t bytes) override {
    if (!has_memory) return nullptr;
    held += bytes;
    return {this, [self = shared_from_this(), bytes](const void*) { self->held -= bytes; }};
  }
  void on_sent(std::function<void()> callback) override {
    sent = std::move(callback);
    if (waiting == 0 || !open()) std::exchange(sent, nullptr)();
  }

  /// Takes what waits.
  void read() {
    waiting = 0;
    if (sent) std::exchange(sent, nullptr)();
  }
  void leave() {
    aborted = true;
    if (sent) std::exchange(sent, nullptr)();
  }

  std::string text;
  std::function<void()> sent;
  std::size_t held = 0;
  bool has_memory = true;
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

/// Those who watch one run, and what the host does for them.
struct Watched {
  explicit Watched(WatchCaches& caches, std::uint64_t run = 1, std::string owner = "ada")
      : watchers(caches, {.tenant = "t", .subject = std::move(owner)}, run,
                 StepNames(*story.definition), 0, [this] { ++woken; }) {}

  void store(int events, std::size_t bytes = 10) {
    const std::string& frames = story.grow(events, bytes);
    watchers.stored(frames, story.count() - 1);
  }
  /// A read of the store, of one piece.
  void read() {
    const std::int64_t piece = watchers.ask();
    ++reads;
    watchers.give(piece, {story.pieces[static_cast<std::size_t>(piece)]});
  }
  /// Turns until there is nothing to do. How many of them sent something.
  int catch_up() {
    int sent = 0;
    for (;;) {
      while (watchers.step(nullptr))
        ++sent;
      if (!watchers.want()) return sent;
      read();
    }
  }
  bool caught_up() { return !watchers.step(nullptr) && !watchers.want(); }

  Story story;
  int woken = 0;
  int reads = 0;
  Watchers watchers;
};

std::uint64_t events_in(const std::string& text) {
  std::uint64_t events = 0;
  for (std::size_t at = text.find("id: "); at != std::string::npos; at = text.find("id: ", at + 1))
    ++events;
  return events;
}

}  // namespace

TEST_CASE("live watchers get what is stored and nothing is read again for them") {
  WatchCaches caches;
  Watched run(caches);
  const auto one = std::make_shared<Reader>(), two = std::make_shared<Reader>();
  run.store(3);
  REQUIRE(run.watchers.add(one, 0));
  REQUIRE(run.watchers.add(two, 0));
  run.catch_up();
  CHECK(events_in(one->text) == 3);
  for (int piece = 0; piece < 1'000; ++piece) {
    run.store(1);
    // However long the history is, the store is not asked.
    REQUIRE(run.caught_up());
  }
  CHECK(events_in(one->text) == 1'003);
  CHECK((one->text == two->text));
  CHECK(run.reads == 1);
}

TEST_CASE("a late watcher reads the history once, in slices, and gets the same bytes") {
  WatchCaches caches;
  Watched run(caches);
  const auto early = std::make_shared<Reader>(), late = std::make_shared<Reader>(),
             resumed = std::make_shared<Reader>();
  run.store(1);
  REQUIRE(run.watchers.add(early, 0));
  run.catch_up();
  for (int piece = 0; piece < 20; ++piece)
    run.store(100);
  run.store(2'000);
  run.catch_up();
  REQUIRE(run.watchers.add(late, 0));
  REQUIRE(run.watchers.add(resumed, 3'000));
  const int slices = run.catch_up();
  CHECK(slices >= 2 * (20 + 2'000 / static_cast<int>(slice_events_max)));
  CHECK((late->text == early->text));
  CHECK(events_in(resumed->text) == 4'001 - 3'000);
  CHECK(early->text.ends_with(resumed->text));
  // All of them are live now.
  const int reads = run.reads;
  run.store(1);
  CHECK(run.caught_up());
  CHECK(run.reads == reads);
  CHECK((late->text == early->text));
  CHECK(events_in(resumed->text) == 4'002 - 3'000);
}

TEST_CASE("a reader that takes nothing holds no more than its share, and goes on where it was") {
  WatchCaches caches;
  Watched run(caches);
  const auto fast = std::make_shared<Reader>(), slow = std::make_shared<Reader>();
  slow->reads = false;
  run.store(1);
  REQUIRE(run.watchers.add(fast, 0));
  REQUIRE(run.watchers.add(slow, 0));
  run.catch_up();
  for (int piece = 0; piece < 100; ++piece) {
    run.store(1, 50'000);
    run.catch_up();
  }
  CHECK(fast->text.size() > 5'000'000);
  CHECK(fast->held == 0);
  CHECK(slow->held == waiting_held_bytes);
  while (slow->text.size() < fast->text.size()) {
    const std::size_t before = slow->text.size();
    const int woken = run.woken;
    slow->read();
    REQUIRE(run.woken == woken + 1);
    run.catch_up();
    REQUIRE(slow->text.size() > before);
  }
  CHECK((slow->text == fast->text));
  CHECK(slow->most <= waiting_bytes_max);
  slow->read();
  run.catch_up();
  CHECK(slow->held == 0);
}

TEST_CASE("a reader whose connection has no memory gets on in small parts") {
  WatchCaches caches;
  Watched run(caches);
  const auto reader = std::make_shared<Reader>();
  reader->reads = reader->has_memory = false;
  run.store(1);
  REQUIRE(run.watchers.add(reader, 0));
  run.catch_up();
  run.store(1, 100'000);
  run.store(3);
  for (int read = 0; read < 100 && events_in(reader->text) < 5; ++read) {
    reader->read();
    run.catch_up();
  }
  CHECK(events_in(reader->text) == 5);
  CHECK(reader->most <= waiting_bytes_min);
}

TEST_CASE("an event that is longer than what may wait goes out in parts") {
  WatchCaches caches;
  Watched run(caches);
  const auto slow = std::make_shared<Reader>();
  slow->reads = false;
  run.store(1);
  REQUIRE(run.watchers.add(slow, 0));
  run.catch_up();
  run.store(1, 2'000'000);
  run.store(1);
  for (int read = 0; read < 100 && events_in(slow->text) < 3; ++read) {
    slow->read();
    run.catch_up();
  }
  CHECK(events_in(slow->text) == 3);
  CHECK(slow->text.size() > 2'000'000);
  CHECK(slow->most <= waiting_bytes_max);
  // The store is not asked for each part.
  CHECK(run.reads <= 4);
}

TEST_CASE("watchers at the same place share what is read and formatted") {
  WatchCaches caches;
  Watched run(caches);
  std::vector<std::shared_ptr<Reader>> readers;
  run.store(1, 1'000'000);
  for (std::size_t i = 0; i < watchers_max; ++i) {
    readers.push_back(std::make_shared<Reader>());
    REQUIRE(run.watchers.add(readers.back(), 0));
  }
  run.catch_up();
  CHECK(run.reads == 1);
  for (const auto& reader : readers)
    CHECK((reader->text == readers[0]->text));
  CHECK(events_in(readers[0]->text) == 1);
}

TEST_CASE("what is kept for watchers is bounded, and each of them gets on, in order and once") {
  WatchCaches caches;
  std::vector<std::unique_ptr<Watched>> runs;
  std::vector<std::shared_ptr<Reader>> readers;
  for (std::uint64_t i = 0; i < 12; ++i) {
    runs.push_back(std::make_unique<Watched>(caches, i, joined({"owner ", i / 2})));
    for (int piece = 0; piece < 3; ++piece)
      runs.back()->store(2, 1'500'000);
    for (int watcher = 0; watcher < 4; ++watcher) {
      readers.push_back(std::make_shared<Reader>());
      readers.back()->reads = readers.size() % 5 == 0;
      REQUIRE(runs.back()->watchers.add(readers.back(), 0));
    }
  }
  const auto turns = [&] {
    for (const auto& run : runs)
      run->catch_up();
    REQUIRE(caches.stretches.bytes() <= watch_cache_bytes_max);
    REQUIRE(caches.slices.bytes() <= watch_cache_bytes_max);
  };
  turns();
  // Who reads has everything, though all the others read nothing.
  for (const auto& reader : readers)
    REQUIRE((!reader->reads || events_in(reader->text) == 6));
  for (int round = 0; round < 800; ++round) {
    for (std::size_t i = 0; i < readers.size(); ++i)
      if ((i + static_cast<std::size_t>(round)) % 3 > 0) readers[i]->read();
    turns();
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    CAPTURE(i);
    REQUIRE((readers[i]->text == readers[i / 4 * 4]->text));
    REQUIRE(readers[i]->most <= waiting_bytes_max);
  }
  CHECK(events_in(readers[0]->text) == 6);
}

TEST_CASE("a watcher that leaves while it waits, or while something is read for it, is forgotten") {
  WatchCaches caches;
  Watched run(caches);
  const auto gone = std::make_shared<Reader>(), stays = std::make_shared<Reader>();
  gone->reads = false;
  run.store(1, 500'000);
  REQUIRE(run.watchers.add(gone, 0));
  run.catch_up();
  const int woken = run.woken;
  gone->leave();
  CHECK(run.woken == woken + 1);
  run.catch_up();
  CHECK(run.watchers.empty());
  CHECK(gone->held == 0);

  const auto leaves = std::make_shared<Reader>();
  WatchCaches others;
  Watched again(others);
  again.store(3);
  REQUIRE(again.watchers.add(leaves, 0));
  REQUIRE(!again.watchers.step(nullptr));
  REQUIRE(again.watchers.want() == 0);
  const std::int64_t piece = again.watchers.ask();
  leaves->leave();
  REQUIRE(again.watchers.add(stays, 0));
  again.watchers.give(piece, {again.story.pieces[0]});
  again.catch_up();
  CHECK(leaves->text.empty());
  CHECK(events_in(stays->text) == 3);
}

TEST_CASE("a run's end ends those who have seen it all, and the others when they have") {
  WatchCaches caches;
  Watched run(caches);
  const auto live = std::make_shared<Reader>(), behind = std::make_shared<Reader>(),
             slow = std::make_shared<Reader>();
  run.store(5, 5'000);
  slow->reads = false;
  REQUIRE(run.watchers.add(live, 0));
  REQUIRE(run.watchers.add(slow, 0));
  run.catch_up();
  REQUIRE(run.watchers.add(behind, 0));
  run.watchers.finish();
  CHECK(live->ended);
  CHECK(!behind->ended);
  run.catch_up();
  run.watchers.finish();
  CHECK(behind->ended);
  CHECK((behind->text == live->text));
  // What it has not read yet is counted until it has.
  CHECK(!slow->ended);
  slow->read();
  run.catch_up();
  run.watchers.finish();
  CHECK(slow->ended);
  CHECK((slow->text == live->text));
  CHECK(run.watchers.empty());
}

TEST_CASE("a watcher of a run that is gone from the store ends") {
  WatchCaches caches;
  Watched run(caches);
  const auto reader = std::make_shared<Reader>();
  run.store(1);
  REQUIRE(run.watchers.add(reader, 0));
  REQUIRE(!run.watchers.step(nullptr));
  REQUIRE(run.watchers.want() == 0);
  run.watchers.give(run.watchers.ask(), {});
  CHECK(reader->ended);
  CHECK(run.watchers.empty());
}

TEST_CASE("so many watch one run, and no more") {
  WatchCaches caches;
  Watched run(caches);
  for (std::size_t i = 0; i < watchers_max; ++i)
    CHECK(run.watchers.add(std::make_shared<Reader>(), 0));
  CHECK(!run.watchers.add(std::make_shared<Reader>(), 0));
}

}  // namespace redoubt::runs
