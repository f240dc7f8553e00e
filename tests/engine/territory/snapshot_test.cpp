#include <doctest/doctest.h>

#include "engine/territory/step.hpp"
#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

World played(const Board& board, std::uint64_t seed, int count) {
  World w = start(board, seed);
  Rng rng(seed);
  for (int i = 0; i < count && w.over == 0; ++i) {
    REQUIRE(step(board, w, random_orders(board, w, rng, 2)).ok());
  }
  return w;
}

}  // namespace

TEST_CASE("a snapshot restored continues identically, at any tick") {
  const Board board = generated(2, 5);
  World w = start(board, 11);
  Rng rng(11);
  for (int i = 0; i < 40; ++i) {
    for (int k = 0; k < 13 && w.over == 0; ++k) {
      REQUIRE(step(board, w, random_orders(board, w, rng, 2)).ok());
    }
    if (w.over != 0) break;
    Result<World> restored = load(board, save(board, w));
    REQUIRE_MESSAGE(restored.ok(), (restored.ok() ? "" : restored.error().message));
    World original = w;
    REQUIRE(state_hash(board, *restored) == state_hash(board, original));
    Rng ahead = rng;
    for (int k = 0; k < 30 && original.over == 0; ++k) {
      const std::vector<Order> orders = random_orders(board, original, ahead, 2);
      REQUIRE(step(board, original, orders).ok());
      REQUIRE(step(board, *restored, orders).ok());
      REQUIRE(state_hash(board, *restored) == state_hash(board, original));
    }
  }
  CHECK(w.tick > 300);
}

TEST_CASE("a snapshot cut anywhere is an error, and so are more bytes") {
  const Board board = board_of(field());
  const std::string bytes = save(board, played(board, 2, 100));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const Result<World> cut = load(board, std::string_view(bytes).substr(0, n));
    REQUIRE(!cut.ok());
    REQUIRE(cut.error().code == "bad_snapshot");
  }
  CHECK(!load(board, bytes + "x").ok());
}

TEST_CASE("a snapshot of another map or other rules names both hashes") {
  const Board board = board_of(field());
  const std::string bytes = save(board, start(board, 1));
  Rules other = default_rules();
  other.cooldown_ticks = 11;
  const Board ruled = board_of(field(), other);
  const Result<World> by_rules = load(ruled, bytes);
  REQUIRE(!by_rules.ok());
  CHECK(by_rules.error().code == "version_mismatch");
  CHECK(by_rules.error().path == "rules");
  CHECK(by_rules.error().got == hex16(board.rules_hash()));
  const Result<World> by_map = load(generated(), bytes);
  REQUIRE(!by_map.ok());
  CHECK(by_map.error().path == "map");
}

TEST_CASE("a snapshot with any byte changed is refused or stays within every bound") {
  const Board board = board_of(field());
  const std::string bytes = save(board, played(board, 4, 200));
  Rng rng(9);
  int accepted = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string bad = bytes;
    bad[n] = static_cast<char>(bad[n] ^ static_cast<char>(1 + rng.below(255)));
    Result<World> world = load(board, bad);
    if (!world.ok()) continue;
    ++accepted;
    // What is accepted can be played on without leaving a bound (the sanitizers look on).
    for (int k = 0; k < 20 && world->over == 0; ++k)
      REQUIRE(step(board, *world, {}).ok());
    const Result<World> again = load(board, save(board, *world));
    REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().message));
  }
  CHECK(accepted > 0);
}
