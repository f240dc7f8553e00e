#include "relay/services/runs/memory_book.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "relay/storage/memory_agent_memory_store.hpp"

namespace redoubt::runs {
namespace {

const auth::Identity ada{"default", "ada"};

/// A book whose thread is the test's.
struct MemoryBookFixture {
  MemoryBookFixture() { open(); }

  void open() {
    book.emplace(store, [this](MemoryBook::Work work) {
      const std::lock_guard lock(mutex);
      works.push_back(std::move(work));
      filled.notify_one();
    });
  }
  void work_one() {
    std::unique_lock lock(mutex);
    filled.wait(lock, [this] { return !works.empty(); });
    const MemoryBook::Work work = std::move(works.front());
    works.pop_front();
    lock.unlock();
    work();
  }
  Result<std::string> call(const auth::Identity& owner, const std::string& name,
                           const Json& request, const std::string& key = {}) {
    std::optional<Result<std::string>> said;
    book->call({owner, name, request.dump(), key, 1'000},
               [&said](Result<std::string> answer) { said = std::move(answer); });
    while (!said)
      work_one();
    return *said;
  }
  Result<std::string> keep(const auth::Identity& owner, const std::string& content,
                           const std::string& key = {}) {
    return call(owner, "memory.store", {{"agent", "a"}, {"scope", "user"}, {"content", content}},
                key);
  }
  std::size_t found(const auth::Identity& owner, const std::string& query) {
    const auto answer = call(owner, "memory.search",
                             {{"agent", "a"}, {"scope", "user"}, {"query", query}, {"limit", 10}});
    REQUIRE_MESSAGE(answer.ok(), answer.error().message);
    return parse_json(*answer)->at("entries").size();
  }

  storage::MemoryAgentMemoryStore store;
  std::mutex mutex;
  std::condition_variable filled;
  std::deque<MemoryBook::Work> works;
  std::optional<MemoryBook> book;
};

}  // namespace

TEST_CASE("what was stored is found, by its owner alone, also by the next process") {
  MemoryBookFixture fixture;
  REQUIRE(fixture.keep(ada, "the colour was green"));
  REQUIRE(fixture.keep({"other", "ada"}, "the colour was red"));
  CHECK(fixture.found(ada, "green") == 1);
  CHECK(fixture.found(ada, "red") == 0);
  CHECK(fixture.found({"other", "ada"}, "red") == 1);
  for (int i = 0; i < 400; ++i)
    REQUIRE(fixture.keep(ada, "number " + std::to_string(i)));
  fixture.open();
  CHECK(fixture.found(ada, "green") == 1);
  CHECK(fixture.found(ada, "number") == 10);
}

TEST_CASE("an effect stores once, however often it is carried out") {
  MemoryBookFixture fixture;
  const auto first = fixture.keep(ada, "once", "key");
  fixture.open();
  const auto second = fixture.keep(ada, "once", "key");
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first == *second);
  CHECK(fixture.found(ada, "once") == 1);
}

TEST_CASE("calls of one owner come one after the other") {
  MemoryBookFixture fixture;
  int callback = 0;
  for (int i = 0; i < 20; ++i)
    fixture.book->call(
        {ada,
         "memory.store",
         Json{{"agent", "a"}, {"scope", "user"}, {"content", "x" + std::to_string(i)}}.dump(),
         {},
         1'000},
        [&callback, i](const Result<std::string>& answer) {
          CHECK(answer.ok());
          CHECK(callback++ == i);
        });
  while (callback < 20)
    fixture.work_one();
}

TEST_CASE("an owner's memory is bounded, in the store too: the oldest entries go") {
  MemoryBookFixture fixture;
  const std::string much(60'000, 'm');
  const int stored = static_cast<int>(2 * agents::kOwnerBytesMax / much.size());
  for (int i = 0; i < stored; ++i)
    REQUIRE(fixture.keep(ada, joined({"word", i, " ", much})));
  REQUIRE(fixture.keep({"default", "bob"}, "word0 of another"));
  fixture.open();
  CHECK(fixture.found(ada, "word0") == 0);
  CHECK(fixture.found(ada, joined({"word", stored - 1})) == 1);
  CHECK(fixture.found({"default", "bob"}, "word0") == 1);
  std::promise<std::size_t> kept;
  fixture.store.read(ada, 0, 100'000, [&kept](const Result<std::vector<std::string>>& entries) {
    kept.set_value(entries->size());
  });
  CHECK(kept.get_future().get() * much.size() <= agents::kOwnerBytesMax);
}

}  // namespace redoubt::runs
