// What every adapter of runs::AgentMemoryStore does.
#include "relay/services/runs/agent_memory_store.hpp"

#include <doctest/doctest.h>

#include <future>

#include "engine/base/json.hpp"
#include "relay/storage/memory_agent_memory_store.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_agent_memory_store.hpp"

namespace redoubt::runs {
namespace {

struct InMemory {
  storage::MemoryAgentMemoryStore store;
};

struct InSqlite {
  storage::Writer writer{storage::open(std::string(storage::in_memory)).value()};
  storage::Reader reads{writer, {}};
  storage::SqliteAgentMemoryStore store{writer, reads};
};

agents::MemoryEntry entry(std::uint64_t id, std::string content) {
  agents::MemoryEntry one;
  one.id = id;
  one.content = std::move(content);
  return one;
}

void keep(AgentMemoryStore& store, const auth::Identity& owner,
          std::vector<agents::MemoryEntry> written, std::vector<std::uint64_t> dropped = {}) {
  std::promise<Result<void>> kept;
  store.keep(owner, std::move(written), std::move(dropped),
             [&kept](Result<void> result) { kept.set_value(std::move(result)); });
  REQUIRE(kept.get_future().get());
}

/// "1=a 2=b ".
std::string read(AgentMemoryStore& store, const auth::Identity& owner, std::uint64_t after = 0,
                 std::size_t count_max = 100) {
  std::promise<Result<std::vector<std::string>>> promise;
  store.read(owner, after, count_max, [&promise](Result<std::vector<std::string>> entries) {
    promise.set_value(std::move(entries));
  });
  const std::vector<std::string> entries = promise.get_future().get().value();
  std::string out;
  for (const std::string& text : entries) {
    const auto one = agents::read_entry(*parse_json(text));
    REQUIRE(one);
    out += std::to_string(one->id) + "=" + one->content + " ";
  }
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("memories are read in their order, in slices, and are their owner's alone",
                   Adapter, InMemory, InSqlite) {
  Adapter adapter;
  const auth::Identity ada{"a", "ada"};
  CHECK(read(adapter.store, ada).empty());
  keep(adapter.store, ada, {entry(3, "c"), entry(1, "a"), entry(2, "b")});
  keep(adapter.store, {"b", "ada"}, {entry(1, "another")});
  CHECK(read(adapter.store, ada) == "1=a 2=b 3=c ");
  CHECK(read(adapter.store, ada, 0, 2) == "1=a 2=b ");
  CHECK(read(adapter.store, ada, 2, 2) == "3=c ");
  CHECK(read(adapter.store, {"b", "ada"}) == "1=another ");
}

TEST_CASE_TEMPLATE("a memory takes the place of the one with its id, and what is dropped is gone",
                   Adapter, InMemory, InSqlite) {
  Adapter adapter;
  const auth::Identity ada{"a", "ada"};
  keep(adapter.store, ada, {entry(1, "a"), entry(2, "b"), entry(3, "c")});
  keep(adapter.store, {"b", "ada"}, {entry(2, "another")});
  keep(adapter.store, ada, {entry(3, "later"), entry(4, "d")}, {2, 9});
  CHECK(read(adapter.store, ada) == "1=a 3=later 4=d ");
  CHECK(read(adapter.store, {"b", "ada"}) == "2=another ");
}

}  // namespace redoubt::runs
