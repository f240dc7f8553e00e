// What every adapter of runs::RunStore does.
#include "relay/services/runs/run_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <set>

#include "relay/storage/memory_run_store.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_run_store.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::runs {
namespace {

const auth::Identity ada{"default", "ada"};

struct InMemory {
  explicit InMemory(OwnerBounds bounds) : store(bounds) {}
  storage::MemoryRunStore store;
};

struct InSqlite {
  explicit InSqlite(OwnerBounds bounds) : store(writer, reads, bounds) {}
  storage::Writer writer{storage::open(std::string(storage::in_memory)).value()};
  storage::Reader reads{writer, {}};
  storage::SqliteRunStore store;
};

/// What is read is read on a connection of its own.
struct InFile {
  explicit InFile(OwnerBounds bounds) : store(writer, reads, bounds) {}
  ~InFile() {
    writer.flush();
    reads.flush();
  }
  storage::Folder folder;
  storage::Writer writer{storage::open(folder.file("relay.db")).value()};
  storage::Reader reads{writer, storage::Database::open(folder.file("relay.db")).value()};
  storage::SqliteRunStore store;
};

/// A store, each call waited for.
template <class Adapter>
struct Kept {
  explicit Kept(OwnerBounds bounds = {}) : adapter(bounds) {}

  template <class T, class Call>
  Result<T> ask(Call call) {
    std::promise<Result<T>> promise;
    call([&promise](Result<T> said) { promise.set_value(std::move(said)); });
    return promise.get_future().get();
  }
  Result<OwnerUse> put(StoredRun run, std::int64_t epoch = -1) {
    return ask<OwnerUse>(
        [&](Callback<OwnerUse> callback) { store.put(run, epoch, std::move(callback)); });
  }
  Result<OwnerUse> append(RunPiece piece) {
    return ask<OwnerUse>(
        [&](Callback<OwnerUse> callback) { store.append(piece, std::move(callback)); });
  }
  std::optional<StoredRun> take(const RunKey& key, ReadRoom room = {}) {
    return ask<std::optional<StoredRun>>(
               [&](auto callback) { store.take(key, room, std::move(callback)); })
        .value();
  }
  /// The runs that a start sets aside.
  std::vector<RunKey> begin_recovery(std::int64_t now_ms = 0) {
    return ask<std::vector<RunKey>>(
               [&](auto callback) { store.begin_recovery(now_ms, std::move(callback)); })
        .value();
  }
  std::vector<RunKey> to_recover(std::size_t count = 100) {
    return ask<std::vector<RunKey>>(
               [&](auto callback) { store.to_recover(count, std::move(callback)); })
        .value();
  }
  DueRuns due(std::int64_t now_ms) {
    return ask<DueRuns>([&](auto callback) { store.due(now_ms, 10, std::move(callback)); }).value();
  }
  std::vector<StoredRun> list(const auth::Identity& owner) {
    return ask<std::vector<StoredRun>>(
               [&](auto callback) { store.list(owner, std::move(callback)); })
        .value();
  }

  Adapter adapter;
  RunStore& store = adapter.store;
};

StoredRun run(const auth::Identity& owner, const std::string& id, std::int64_t started_ms = 1,
              std::int64_t ended_ms = 0) {
  StoredRun one;
  one.key = {owner, id};
  one.workflow = "w";
  one.definition = "{}";
  one.status = ended_ms > 0 ? "done" : "running";
  one.started_ms = started_ms;
  one.ended_ms = ended_ms;
  one.root = id;
  one.history = "history";
  return one;
}

bool has(const std::vector<StoredRun>& runs, const std::string& id) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const StoredRun& one) { return one.key.id == id; });
}

}  // namespace

TEST_CASE_TEMPLATE("a run comes back as it was kept, with its limits", Adapter, InMemory, InSqlite,
                   InFile) {
  Kept<Adapter> kept;
  StoredRun first = run(ada, "a");
  first.limits.cost_microusd_per_day = 0;
  first.limits.tokens_per_minute = 7;
  first.root = "r";
  first.depth = 3;
  REQUIRE(kept.put(first));
  const auto use = kept.append({first.key, 1, " goes on", "parked", 0});
  REQUIRE(use);
  CHECK(use->bytes == 2 + 7 + 8);
  CHECK(use->under_way == 1);
  const auto back = kept.take(first.key);
  REQUIRE(back);
  CHECK(back->history == "history goes on");
  CHECK(back->definition == "{}");
  CHECK(back->pieces == 2);
  CHECK(back->status == "parked");
  CHECK(back->limits == first.limits);
  CHECK(back->root == "r");
  CHECK(back->depth == 3);
  CHECK(!kept.take({{"other", "ada"}, "a"}));
  CHECK(!kept.take({ada, "b"}));
  CHECK(kept.append({{ada, "b"}, 1, "x", "running", 0}).error().code == "unknown_run");
}

TEST_CASE_TEMPLATE("a run is marked while it is read back, until it is released or goes on",
                   Adapter, InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  for (const char* id : {"a", "b", "c", "d"})
    REQUIRE(kept.put(run(ada, id)));
  for (const char* id : {"a", "b", "c"})
    REQUIRE(kept.take({ada, id}));
  REQUIRE(kept.template ask<void>([&](Callback<void> callback) {
    kept.store.release({ada, "a"}, 0, std::move(callback));
  }));
  REQUIRE(kept.append({{ada, "b"}, 1, "x", "running", 0}));
  // The process ends here: c was being read.
  const auto aside = kept.begin_recovery();
  REQUIRE(aside.size() == 1);
  CHECK(aside[0] == RunKey{ada, "c"});
  CHECK(kept.take({ada, "c"})->set_aside);
  CHECK(kept.take({ada, "c"})->history.empty());
  CHECK(kept.to_recover().size() == 3);
  REQUIRE(kept.template ask<void>([&](Callback<void> callback) {
    kept.store.readmit({ada, "c"}, std::move(callback));
  }));
  CHECK(!kept.take({ada, "c"})->set_aside);
}

TEST_CASE_TEMPLATE("a run that works on after it was read back is marked until it rests", Adapter,
                   InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  REQUIRE(kept.put(run(ada, "a")));
  REQUIRE(kept.take({ada, "a"}));
  REQUIRE(kept.append({.key = {ada, "a"}, .number = 1, .status = "running", .rests = false}));
  CHECK(kept.begin_recovery().size() == 1);
}

TEST_CASE_TEMPLATE(
    "however many runs end the process, it ends twice before all others are read back", Adapter,
    InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  const std::set<std::string> bad{"b", "d", "f", "h"};
  for (const char* id : {"a", "b", "c", "d", "e", "f", "g", "h", "i"})
    REQUIRE(kept.put(run(ada, id)));
  std::set<std::string> aside, back;
  std::map<std::string, std::int64_t> numbers;
  int deaths = 0;
  for (bool died = true; died;) {
    for (const RunKey& key : kept.begin_recovery())
      aside.insert(key.id);
    back.clear();
    died = false;
    for (auto next = kept.to_recover(1); !next.empty() && !died; next = kept.to_recover(1)) {
      REQUIRE(kept.take(next[0]));
      died = bad.count(next[0].id) > 0;
      if (died) continue;
      REQUIRE(kept.append({.key = next[0], .number = ++numbers[next[0].id], .status = "running"}));
      back.insert(next[0].id);
    }
    deaths += died;
  }
  CHECK(deaths == 2);
  for (const std::string& id : bad)
    CHECK(aside.count(id) == 1);
  // The others work, or their owner is told how to go on with them.
  CHECK(aside.size() + back.size() == 9);
  for (const std::string& id : back)
    CHECK(aside.count(id) == 0);
  // One that ends by itself blames nobody.
  REQUIRE(kept.take({ada, *back.begin()}));
  kept.store.end_recovery();
  CHECK(kept.begin_recovery().empty());
  CHECK(kept.begin_recovery().empty());
}

TEST_CASE_TEMPLATE("what is to be taken up is listed without what is over, parked, or only waits",
                   Adapter, InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  std::set<RunKey> expected;
  for (const char* tenant : {"a", "b"})
    for (const char* id : {"1", "2", "3", "4"}) {
      const RunKey key{{tenant, "x"}, id};
      REQUIRE(kept.put(run(key.owner, id)));
      if (std::string(id) == "1") REQUIRE(kept.append({key, 1, "x", "done", 5}));
      if (std::string(id) == "2") REQUIRE(kept.append({key, 1, "x", "parked", 0}));
      if (std::string(id) == "3") REQUIRE(kept.append({key, 1, "x", "running", 0, true}));
      if (std::string(id) == "4") expected.insert(key);
    }
  CHECK(kept.begin_recovery().empty());
  const auto found = kept.to_recover();
  CHECK(std::set<RunKey>(found.begin(), found.end()) == expected);
  CHECK(kept.to_recover(1).size() == 1);
}

TEST_CASE_TEMPLATE(
    "however many runs that their clock wakes end the process, it ends twice at most", Adapter,
    InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    REQUIRE(kept.put(run(ada, id)));
    REQUIRE(kept.append({{ada, id}, 1, "x", "running", 0, true, 500}));
  }
  // Nobody's time has come: none is to be read.
  CHECK(kept.begin_recovery(100).empty());
  CHECK(kept.to_recover().empty());
  std::set<std::string> aside;
  for (int death = 0; death < 2; ++death) {
    for (const RunKey& key : kept.begin_recovery(500))
      aside.insert(key.id);
    // The clock leaves alone what is read back one after the other.
    CHECK(kept.due(500).runs.empty());
    const auto next = kept.to_recover(1);
    REQUIRE(next.size() == 1);
    REQUIRE(kept.take(next[0]));
  }
  for (const RunKey& key : kept.begin_recovery(500))
    aside.insert(key.id);
  CHECK(aside.size() == 5);
  CHECK(kept.to_recover().empty());
}

TEST_CASE_TEMPLATE("a run that only waits is due when its clock's time comes", Adapter, InMemory,
                   InSqlite, InFile) {
  Kept<Adapter> kept;
  for (const char* id : {"a", "b", "c"})
    REQUIRE(kept.put(run(ada, id)));
  REQUIRE(kept.append({{ada, "a"}, 1, "x", "running", 0, true, 500}));
  REQUIRE(kept.append({{ada, "b"}, 1, "x", "running", 0, true, 700}));
  REQUIRE(kept.append({{ada, "c"}, 1, "x", "running", 0, true, 0}));
  CHECK(kept.due(100).runs.empty());
  CHECK(kept.due(100).next_ms == 500);
  CHECK(kept.due(600).runs == std::vector<RunKey>{{ada, "a"}});
  CHECK(kept.due(600).next_ms == 700);
  CHECK(kept.due(700).next_ms == 0);
  REQUIRE(kept.template ask<void>([&](Callback<void> callback) {
    kept.store.set_clock({ada, "a"}, 0, std::move(callback));
  }));
  CHECK(kept.due(700).runs == std::vector<RunKey>{{ada, "b"}});
}

TEST_CASE_TEMPLATE("runs that are due are told by owners in turn", Adapter, InMemory, InSqlite,
                   InFile) {
  Kept<Adapter> kept;
  const auth::Identity bob{"here", "bob"};
  for (int i = 0; i < 30; ++i) {
    const std::string id = "a" + std::to_string(i);
    REQUIRE(kept.put(run(ada, id)));
    REQUIRE(kept.append({{ada, id}, 1, "x", "running", 0, true, 100 + i}));
  }
  REQUIRE(kept.put(run(bob, "b")));
  REQUIRE(kept.append({{bob, "b"}, 1, "x", "running", 0, true, 500}));
  const auto runs = kept.due(600).runs;
  REQUIRE(runs.size() == 10);
  CHECK(runs[1] == RunKey{bob, "b"});
}

TEST_CASE_TEMPLATE("a run for which there is no room is neither read nor marked", Adapter, InMemory,
                   InSqlite, InFile) {
  Kept<Adapter> kept;
  StoredRun one = run(ada, "a");
  one.memory_bytes = 1'000;
  REQUIRE(kept.put(one));
  // What it took once it may take again while it is read back.
  REQUIRE(kept.append({{ada, "a"}, 1, "xyz", "running", 0, true, 0, 3'000}));
  REQUIRE(kept.append({{ada, "a"}, 2, "xyz", "running", 0, true, 0, 2'000}));
  const auto refused = kept.take({ada, "a"}, {.memory_bytes_max = 2'999});
  CHECK(refused->unread);
  CHECK(refused->history.empty());
  CHECK(refused->memory_bytes == 3'000);
  CHECK(kept.take({ada, "a"}, {.text_bytes_max = 5})->unread);
  // No death is put down to it.
  CHECK(kept.begin_recovery().empty());
  const auto read = kept.take({ada, "a"}, {3'000, 1'000});
  CHECK(!read->unread);
  CHECK(!read->history.empty());
  CHECK(kept.begin_recovery() == std::vector<RunKey>{{ada, "a"}});
}

TEST_CASE_TEMPLATE("a run that nobody has weighed needs the most, until it was read back once",
                   Adapter, InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  REQUIRE(kept.put(run(ada, "a")));
  CHECK(kept.take({ada, "a"}, {.memory_bytes_max = workflow::kStateBytesMax - 1})->unread);
  CHECK_FALSE(kept.take({ada, "a"})->unread);
  REQUIRE(kept.template ask<void>([&](Callback<void> callback) {
    kept.store.release({ada, "a"}, 2'000, std::move(callback));
  }));
  CHECK(kept.take({ada, "a"}, {.memory_bytes_max = 1'999})->unread);
  CHECK_FALSE(kept.take({ada, "a"}, {.memory_bytes_max = 2'000})->unread);
}

TEST_CASE_TEMPLATE("an owner's ended runs give way, the oldest first, by number and by bytes",
                   Adapter, InMemory, InSqlite, InFile) {
  OwnerBounds bounds;
  bounds.ended_max = 5;
  bounds.bytes_max = 1'000;
  Kept<Adapter> kept(bounds);
  const auth::Identity bob{"default", "bob"};
  REQUIRE(kept.put(run(bob, "bobs", 1, 2)));
  for (int i = 0; i < 8; ++i)
    REQUIRE(kept.put(run(ada, "r" + std::to_string(i), i, 10)));
  CHECK(kept.list(ada).size() == 5);
  CHECK(!has(kept.list(ada), "r2"));
  CHECK(has(kept.list(ada), "r3"));
  StoredRun large = run(ada, "large", 20, 21);
  large.history.assign(980, 'x');
  REQUIRE(kept.put(large));
  CHECK(has(kept.list(ada), "large"));
  CHECK(kept.list(ada).size() <= 3);
  CHECK(has(kept.list(bob), "bobs"));
  // What is under way is never dropped: a new one is refused.
  StoredRun lives = run(ada, "lives", 30);
  lives.history.assign(900, 'x');
  REQUIRE(kept.put(lives));
  CHECK(!has(kept.list(ada), "large"));
  const auto refused = kept.put(lives.key.id == "lives" ? [&] {
    StoredRun another = lives;
    another.key.id = "another";
    return another;
  }()
                                                        : lives);
  REQUIRE(!refused);
  CHECK(refused.error().code == "owner_full");
  CHECK(has(kept.list(ada), "lives"));
  // One that grows is told of, so that its host can end it.
  CHECK(kept.append({lives.key, 1, std::string(200, 'x'), "running", 0})->bytes > bounds.bytes_max);
}

TEST_CASE_TEMPLATE("imports are remembered when their run is gone, and bounded", Adapter, InMemory,
                   InSqlite, InFile) {
  OwnerBounds bounds;
  bounds.imports_max = 2;
  Kept<Adapter> kept(bounds);
  REQUIRE(kept.put(run(ada, "a"), 0));
  CHECK(kept.template ask<bool>([&](auto callback) {
              kept.store.remove({ada, "a"}, std::move(callback));
            })
            .value());
  CHECK(!kept.template ask<bool>([&](auto callback) {
               kept.store.remove({ada, "a"}, std::move(callback));
             })
             .value());
  const auto epochs = [&](const auth::Identity& owner) {
    return kept
        .template ask<std::vector<std::uint32_t>>([&](auto callback) {
          kept.store.epochs({owner, "a"}, std::move(callback));
        })
        .value();
  };
  CHECK(epochs(ada) == std::vector<std::uint32_t>{0});
  CHECK(epochs({"other", "ada"}).empty());
  REQUIRE(kept.put(run(ada, "b"), 0));
  CHECK(kept.put(run(ada, "c"), 0).error().code == "too_many_imports");
  REQUIRE(kept.put(run({"other", "ada"}, "c"), 0));
}

TEST_CASE_TEMPLATE("a run leads to so many others, whichever of them are still kept", Adapter,
                   InMemory, InSqlite, InFile) {
  OwnerBounds bounds;
  bounds.descendants_max = 3;
  bounds.ended_max = 1;
  Kept<Adapter> kept(bounds);
  REQUIRE(kept.put(run(ada, "root")));
  for (int i = 0; i < 3; ++i) {
    StoredRun child = run(ada, "child" + std::to_string(i), i, 5);
    child.root = "root";
    REQUIRE(kept.put(child));
  }
  StoredRun last = run(ada, "last", 9, 10);
  last.root = "root";
  CHECK(kept.put(last).error().code == "too_many_descendants");
  last.root = "another";
  CHECK(kept.put(last));
}

TEST_CASE_TEMPLATE("pieces are read in slices", Adapter, InMemory, InSqlite, InFile) {
  Kept<Adapter> kept;
  REQUIRE(kept.put(run(ada, "a")));
  for (int i = 1; i < 6; ++i)
    REQUIRE(
        kept.append({{ada, "a"}, i, std::string(100, static_cast<char>('0' + i)), "running", 0}));
  const auto slice = [&](std::int64_t from, std::size_t bytes) {
    return kept
        .template ask<std::vector<std::string>>([&](auto callback) {
          kept.store.pieces({ada, "a"}, from, bytes, std::move(callback));
        })
        .value();
  };
  CHECK(slice(0, 1).size() == 1);
  CHECK(slice(1, 250).size() == 3);
  CHECK(slice(4, 1'000).size() == 2);
  CHECK(slice(6, 1'000).empty());
}

TEST_CASE_TEMPLATE("a run is read from its last snapshot on, or whole", Adapter, InMemory, InSqlite,
                   InFile) {
  Kept<Adapter> kept;
  const RunKey key{ada, "a"};
  REQUIRE(kept.put(run(ada, "a")));
  CHECK(kept.take(key)->snapshot.empty());
  const auto bytes = [&] { return kept.take(key)->text_bytes; };
  const std::uint64_t before = bytes();
  const auto append = [&](std::int64_t number, const std::string& frames, std::string snapshot,
                          std::uint64_t seq) {
    REQUIRE(kept.append({.key = key,
                         .number = number,
                         .frames = frames,
                         .status = "running",
                         .snapshot = std::move(snapshot),
                         .snapshot_seq = seq}));
  };
  append(1, "-1", std::string("old\0snapshot", 12), 7);
  append(2, "-2", {}, 0);
  CHECK(bytes() == before + 4 + 12);
  auto read = kept.take(key);
  CHECK(read->snapshot == std::string("old\0snapshot", 12));
  CHECK(read->snapshot_seq == 7);
  CHECK(read->history == "-2");
  CHECK(read->pieces == 3);
  CHECK(read->definition == "{}");
  // Another one takes its place.
  append(3, "-3", "new", 9);
  CHECK(bytes() == before + 6 + 3);
  read = kept.take(key);
  CHECK(read->snapshot == "new");
  CHECK(read->snapshot_seq == 9);
  CHECK(read->history.empty());
  CHECK(read->pieces == 4);
  read = kept.take(key, {.whole = true});
  CHECK(read->snapshot.empty());
  CHECK(read->history == "history-1-2-3");
  CHECK(read->pieces == 4);
  CHECK(kept.template ask<std::string>([&](auto callback) { kept.store.history(key, callback); })
            .value() == "history-1-2-3");
  // It goes with its run, and with one that is replaced whole.
  StoredRun again = run(ada, "a");
  again.snapshot = "other";
  again.snapshot_seq = 1;
  REQUIRE(kept.put(again));
  CHECK(kept.take(key)->snapshot == "other");
  CHECK(kept.take(key)->history.empty());
  CHECK(bytes() == before + 5);
  REQUIRE(kept.put(run(ada, "a")));
  CHECK(kept.take(key)->snapshot.empty());
  CHECK(bytes() == before);
}

}  // namespace redoubt::runs
