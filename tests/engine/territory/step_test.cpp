#include "engine/territory/step.hpp"

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

TEST_CASE("a match starts with three agents a team, full stores and the rings around the base") {
  const Board board = generated();
  const World world = start(board, 7);
  CHECK(__builtin_popcountll(world.living) == 6);
  CHECK(world.next_id == 6);
  CHECK(world.store[0] == std::array<std::int32_t, 3>{40, 40, 40});
  CHECK(world.control[board.base(0)] == 10000);
  CHECK(world.owner[board.base(1)] == 1);
  CHECK(world.held[0] == world.held[1]);
  CHECK(world.held[0] > 10);
}

TEST_CASE("the same orders give the same hashes, and a random game stays playable") {
  const Board board = generated();
  World a = start(board, 3);
  World b = a;
  Rng rng(5);
  for (int i = 0; i < 2000 && a.over == 0; ++i) {
    const std::vector<Order> orders = random_orders(board, a, rng, 3);
    REQUIRE(step(board, a, orders).ok());
    REQUIRE(step(board, b, orders).ok());
    REQUIRE(state_hash(board, a) == state_hash(board, b));
  }
  CHECK(a.tick > 100);
}
