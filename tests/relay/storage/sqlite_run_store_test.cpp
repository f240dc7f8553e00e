#include "relay/storage/sqlite_run_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <optional>

#include "relay/storage/migrations.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::runs {
namespace {

const auth::Identity ada{"default", "ada"};

}  // namespace

TEST_CASE("a store of the twelve steps before keeps its runs, which are read whole") {
  const storage::Folder folder;
  const std::string path = folder.file("relay.db");
  {
    auto before = storage::Database::open(path);
    REQUIRE(before);
    REQUIRE(storage::migrate(*before, storage::migrations().first(12)));
    REQUIRE(before->execute(
        "INSERT INTO runs VALUES ('default', 'ada', 'a', '{}', 'w', 'running', 1, 0, 5, 'a', 0, 0,"
        " 0, 0, 9);"
        "INSERT INTO run_definitions VALUES ('default', 'ada', 'a', '{}');"
        "INSERT INTO run_pieces VALUES ('default', 'ada', 'a', 0, x'4142'),"
        "  ('default', 'ada', 'a', 1, x'43')"));
  }
  storage::Writer writer(storage::open(path).value());
  storage::Reader reads(writer, {});
  storage::SqliteRunStore runs(writer, reads);
  const auto take = [&] {
    std::promise<std::optional<StoredRun>> promise;
    runs.take({ada, "a"}, {}, [&](Result<std::optional<StoredRun>> said) {
      promise.set_value(std::move(said).value());
    });
    return promise.get_future().get();
  };
  CHECK(take()->history == "ABC");
  CHECK(take()->snapshot.empty());
  CHECK(take()->pieces == 2);
  runs.append({.key = {ada, "a"}, .number = 2, .frames = "D", .snapshot = "S", .snapshot_seq = 3},
              {});
  CHECK(take()->history.empty());
  CHECK(take()->snapshot == "S");
}

TEST_CASE("a store of the six steps before keeps its runs, owners, pieces and epochs") {
  const storage::Folder folder;
  const std::string path = folder.file("relay.db");
  const auto steps = storage::migrations();
  const auto own = std::find_if(steps.begin(), steps.end(), [](const storage::Migration& step) {
    return step.name == "run_owners";
  });
  REQUIRE(own != steps.end());
  {
    auto before = storage::Database::open(path);
    REQUIRE(before);
    REQUIRE(storage::migrate(*before, steps.first(6)));
    REQUIRE(before->execute(
        "INSERT INTO runs VALUES ('a', 'ada', 'default', 0, 'w', '{\"name\":\"w\"}', 1, 0),"
        "  ('b', 'ada', 'game', 0, 'w', '{}', 2, 9),"
        "  ('c', 'anonymous:10.0.0.1', 'anonymous', 1, 'w', '{}', 3, 0);"
        "INSERT INTO run_pieces VALUES ('a', 0, x'4142'), ('a', 1, x'43'), ('b', 0, x'44'),"
        "  ('c', 0, x'45');"
        "INSERT INTO run_epochs VALUES ('ada', 'a', 0), ('ada', 'b', 1), ('ada', 'gone', 2),"
        "  ('carl', 'gone', 0);"
        "INSERT INTO run_signing_keys VALUES ('k', x'01');"
        "INSERT INTO memories VALUES ('default', 'ada', 1, '{}')"));
  }
  auto database = storage::open(path);
  REQUIRE_MESSAGE(database.ok(), database.error().message);
  storage::Writer writer(std::move(*database));
  storage::Reader reads(writer, {});
  storage::SqliteRunStore runs(writer, reads);
  const auto take = [&](const RunKey& key) {
    std::promise<std::optional<StoredRun>> promise;
    runs.take(key, {}, [&](Result<std::optional<StoredRun>> said) {
      promise.set_value(std::move(said).value());
    });
    return promise.get_future().get();
  };
  const auto epochs = [&](const RunKey& key) {
    std::promise<std::vector<std::uint32_t>> promise;
    runs.epochs(key, [&](Result<std::vector<std::uint32_t>> said) {
      promise.set_value(std::move(said).value());
    });
    return promise.get_future().get();
  };
  const auto first = take({ada, "a"});
  REQUIRE(first);
  CHECK(first->history == "ABC");
  CHECK(first->definition == "{\"name\":\"w\"}");
  CHECK(first->pieces == 2);
  CHECK(first->limits == auth::CallerLimits{});
  CHECK(first->ended_ms == 0);
  CHECK(take({{"game", "ada"}, "b"})->ended_ms == 9);
  CHECK(!take({ada, "b"}));
  CHECK(take({{"anonymous", "anonymous:10.0.0.1"}, "c"})->history == "E");
  // No bundle can be imported again because its tenant was not known.
  CHECK(epochs({ada, "a"}) == std::vector<std::uint32_t>{0});
  CHECK(epochs({{"game", "ada"}, "gone"}) == std::vector<std::uint32_t>{2});
  CHECK(epochs({{"default", "carl"}, "gone"}) == std::vector<std::uint32_t>{0});
}

}  // namespace redoubt::runs
