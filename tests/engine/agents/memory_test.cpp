#include "engine/agents/memory.hpp"

#include <doctest/doctest.h>

#include "engine/agents/memory_call.hpp"
#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::agents;

namespace {

const Owner ada{"game", "ada", "desk", "s1"};
const Owner ada_later{"game", "ada", "desk", "s2"};
const Owner ada_other_agent{"game", "ada", "scout", "s1"};
const Owner bob{"game", "bob", "desk", "s1"};
const Owner other_tenant{"other", "ada", "desk", "s1"};

std::uint64_t put(Memory& memory, const Owner& owner, std::string content, std::int64_t now_ms,
                  std::uint32_t importance_permille = 1000) {
  std::vector<std::uint64_t> dropped;
  MemoryEntry entry;
  entry.owner = owner;
  entry.content = std::move(content);
  entry.importance_permille = importance_permille;
  const auto id = memory.store(std::move(entry), now_ms, dropped);
  REQUIRE(id);
  return *id;
}

std::vector<std::string> contents(const std::vector<MemoryEntry>& entries) {
  std::vector<std::string> texts;
  for (const MemoryEntry& entry : entries)
    texts.push_back(entry.content);
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_SUITE("agents/memory") {
  TEST_CASE("a reader sees its own, as far as its scope goes, and never another's") {
    Memory memory;
    put(memory, ada, "here", 1);
    put(memory, ada_later, "later", 2);
    put(memory, ada_other_agent, "scout", 3);
    put(memory, bob, "bob", 4);
    put(memory, other_tenant, "elsewhere", 5);
    const auto see = [&](const Owner& who, MemoryScope scope) {
      return contents(memory.retrieve(who, scope, 100, 10));
    };
    CHECK(see(ada, MemoryScope::session) == Texts{"here"});
    CHECK(see(ada, MemoryScope::agent) == Texts{"later", "here"});
    CHECK(see(ada, MemoryScope::user) == Texts{"scout", "later", "here"});
    CHECK(see(bob, MemoryScope::user) == Texts{"bob"});
    CHECK(see(other_tenant, MemoryScope::user) == Texts{"elsewhere"});
    CHECK(memory.search(bob, MemoryScope::user, {"here later scout", {}, 10}, 10).empty());
  }

  TEST_CASE("what was looked at is counted") {
    Memory memory;
    put(memory, ada, "once", 1);
    CHECK(memory.retrieve(ada, MemoryScope::session, 1, 7)[0].access_count == 1);
    CHECK(memory.search(ada, MemoryScope::session, {"once", {}, 1}, 9)[0].access_count == 2);
    CHECK(memory.entries().begin()->second.accessed_ms == 9);
  }

  TEST_CASE("retention drops the oldest, the least important or the longest not looked at") {
    const auto filled = [](Retention retention) {
      Memory memory({retention, 3});
      put(memory, ada, "first", 1, 900);
      put(memory, ada, "second", 2, 100);
      put(memory, ada, "third", 3, 500);
      (void)memory.search(ada, MemoryScope::session, {"first", {}, 1}, 4);
      put(memory, bob, "not his", 4);
      put(memory, ada, "fourth", 5, 700);
      return contents(memory.retrieve(ada, MemoryScope::session, 10, 6));
    };
    CHECK(filled(Retention::fifo) == Texts{"fourth", "third", "second"});
    CHECK(filled(Retention::importance) == Texts{"fourth", "third", "first"});
    CHECK(filled(Retention::recency) == Texts{"fourth", "third", "first"});
    Memory recency({Retention::recency, 2});
    put(recency, ada, "a", 1);
    put(recency, ada, "b", 2);
    (void)recency.retrieve(ada, MemoryScope::session, 1, 3);
    put(recency, ada, "c", 4);
    CHECK(contents(recency.retrieve(ada, MemoryScope::session, 9, 5)) == Texts{"c", "b"});
  }

  TEST_CASE("words and vectors are ranked apart and joined") {
    Memory memory;
    std::vector<std::uint64_t> dropped;
    const auto add = [&](const char* content, std::vector<float> embedding) {
      MemoryEntry entry;
      entry.owner = ada;
      entry.content = content;
      entry.embedding = std::move(embedding);
      REQUIRE(memory.store(std::move(entry), 1, dropped));
    };
    add("the enemy rushes early", {1, 0});
    add("data is in the north", {0, 1});
    add("rivals attack at once", {0.9f, 0.1f});
    const auto words = memory.search(ada, MemoryScope::session, {"enemy", {}, 10}, 2);
    CHECK(contents(words) == Texts{"the enemy rushes early"});
    const auto both = memory.search(ada, MemoryScope::session, {"enemy", {1, 0}, 2}, 2);
    CHECK(contents(both) == Texts{"the enemy rushes early", "rivals attack at once"});
    CHECK(memory.search(ada, MemoryScope::session, {"nothing here", {}, 10}, 2).empty());
  }

  TEST_CASE("equal ranks come by importance, then the newest, then the last") {
    Memory memory;
    put(memory, ada, "same words", 1);
    put(memory, ada, "same words", 3);
    put(memory, ada, "same words", 3);
    put(memory, ada, "same words", 2, 2000);
    std::vector<std::uint64_t> ids;
    for (const auto& entry : memory.search(ada, MemoryScope::session, {"words", {}, 10}, 9))
      ids.push_back(entry.id);
    CHECK(ids == std::vector<std::uint64_t>{4, 3, 2, 1});
  }

  TEST_CASE("a context shares what is put into it, with those who take part, until it ends") {
    Memory memory;
    const std::uint64_t mine = put(memory, ada, "the gate is open", 1);
    const std::uint64_t hers = put(memory, bob, "the moat is dry", 1);
    REQUIRE(memory.open_context({"c", "both", "game", {"desk"}, {}, 100}));
    CHECK(memory.open_context({"c", "again", "game", {}, {}, 0}).error().code == "bad_context");
    const Owner scout{"game", "carl", "scout", "s9"};
    const Owner stranger{"other", "x", "desk", "s"};
    const Query gate{"gate", {}, 10};
    CHECK(memory.share(ada, "c", hers, 2).error().code == "unknown_entry");
    CHECK(memory.share(scout, "c", mine, 2).error().code == "unknown_context");
    REQUIRE(memory.share(ada, "c", mine, 2));
    CHECK(memory.search(scout, MemoryScope::session, gate, 3).empty());
    REQUIRE(memory.join_context(ada, "c", "scout", 3));
    CHECK(memory.join_context(stranger, "c", "scout", 3).error().code == "unknown_context");
    CHECK(contents(memory.search(scout, MemoryScope::session, gate, 3)) ==
          Texts{"the gate is open"});
    CHECK(memory.search(stranger, MemoryScope::user, gate, 3).empty());
    CHECK(memory.summary(scout, MemoryScope::session, 3).shared_contexts == 1);
    CHECK(memory.search(scout, MemoryScope::session, gate, 100).empty());
    CHECK(memory.clean(100, 1000).empty());
    CHECK(memory.contexts().empty());
  }

  TEST_CASE("what is old is cleaned away, and one's own can be forgotten") {
    Memory memory;
    const auto old = put(memory, ada, "old", 1);
    const auto young = put(memory, ada, "young", kKeptMs);
    CHECK(memory.clean(kKeptMs + 2) == std::vector<std::uint64_t>{old});
    CHECK_FALSE(memory.forget(bob, young));
    CHECK(memory.forget(ada, young));
    CHECK(memory.entries().empty());
  }

  TEST_CASE("a summary of what a reader sees") {
    Memory memory;
    put(memory, ada, "a", 1, 400);
    put(memory, ada_later, "b", 5, 600);
    const MemorySummary sum = memory.summary(ada, MemoryScope::agent, 9);
    CHECK(sum.entries == 2);
    CHECK(sum.by_type[0] == 2);
    CHECK(sum.importance_permille == 500);
    CHECK(sum.sessions == 2);
    CHECK(sum.last_ms == 5);
  }

  TEST_CASE("an entry is kept as JSON and read again; what is wrong is refused") {
    Memory memory;
    put(memory, ada, "kept", 3);
    const auto back = read_entry(entry_json(memory.entries().begin()->second));
    REQUIRE(back);
    CHECK(entry_json(*back) == entry_json(memory.entries().begin()->second));
    Memory again;
    REQUIRE(again.restore(*back));
    CHECK(again.restore(*back).error().code == "bad_memory");
    CHECK(put(again, ada, "next", 4) == 2);
    for (const char* wrong :
         {R"({})", R"({"content": ""})", R"({"content": "x", "memory_type": "vague"})",
          R"({"content": "x", "id": "1x"})", R"({"content": "x", "embedding": 3})",
          R"({"content": "x", "extra": 1})"})
      CHECK_MESSAGE(!read_entry(*parse_json(wrong)), wrong);
  }

  TEST_CASE("agents in runs search and store by name; an effect that is repeated stores once") {
    Memory memory;
    MemoryChange change;
    const Owner who{"game", "ada", "", ""};
    const auto call = [&](const char* name, const char* request, const char* key) {
      change = {};
      return call_memory(memory, name, request, who, key, 5, change);
    };
    const char* kept =
        R"({"agent": "desk", "scope": "user", "run": "r1", "content": "likes green"})";
    CHECK(*call("memory.store", kept, "k1") == R"({"id":"1"})");
    CHECK(change.written.size() == 1);
    CHECK(*call("memory.store", kept, "k1") == R"({"id":"1"})");
    CHECK(change.written.empty());
    const char* asked =
        R"({"agent": "scout", "scope": "user", "run": "r2", "query": "green?", "limit": 3})";
    CHECK(
        *call("memory.search", asked, "") ==
        R"({"entries":[{"content":"likes green","id":"1","memory_type":"episodic","stored_ms":5}]})");
    CHECK(change.written.at(0).access_count == 1);
    CHECK(
        call("memory.search", R"({"agent": "a", "scope": "all", "query": "x"})", "").error().code ==
        "bad_request");
    CHECK(call("memory.search", R"({"query": "x"})", "").error().path == "agent");
    CHECK(call("memory.search", "{", "").error().code == "bad_json");
    CHECK(call("memory.burn", "{}", "").error().code == "unknown_builtin");
  }
}
