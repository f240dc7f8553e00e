#include "engine/territory/playback.hpp"

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

struct Recording {
  std::vector<TimedOrder> orders;
  std::vector<std::uint64_t> hashes;  // by tick, from tick 0
};

Recording play_randomly(const Board& board, std::uint64_t seed, std::int32_t until) {
  Recording recording;
  World w = start(board, seed, default_lots);
  Rng rng(seed);
  recording.hashes.push_back(state_hash(board, w));
  while (w.tick < until && w.over == 0) {
    const std::vector<Order> orders = random_orders(board, w, rng, 2);
    for (const Order& order : orders)
      recording.orders.push_back({.tick = w.tick, .order = order});
    REQUIRE(step(board, w, orders).ok());
    recording.hashes.push_back(state_hash(board, w));
  }
  return recording;
}

std::uint64_t hash_at(Playback& playback, const Recording& recording, std::int32_t tick) {
  REQUIRE(playback.seek(recording.orders, tick).ok());
  REQUIRE(playback.tick() == tick);
  return state_hash(playback.board(), playback.world());
}

}  // namespace

TEST_CASE("a playback shows every tick as it was, in whatever order they are asked for") {
  const Board board = generated(2, 8);
  const Recording recording = play_randomly(board, 5, 1500);
  Playback playback(board, 5, default_lots);
  for (std::int32_t tick : {0, 700, 699, 1, 1500, 256, 255, 257, 1024, 1023, 0, 1499}) {
    CHECK(hash_at(playback, recording, tick) == recording.hashes[static_cast<std::size_t>(tick)]);
  }
}

TEST_CASE("after the recording is cut, a playback follows the new one") {
  const Board board = generated(2, 8);
  const Recording first = play_randomly(board, 5, 900);
  Recording second = first;
  std::erase_if(second.orders, [](const TimedOrder& o) { return o.tick >= 600; });
  Playback playback(board, 5, default_lots);
  const std::uint64_t before = hash_at(playback, first, 600);
  hash_at(playback, first, 900);
  playback.forget(600);
  CHECK(hash_at(playback, second, 600) == before);
  CHECK(hash_at(playback, second, 900) != first.hashes[900]);
}

TEST_CASE("keyframes stay bounded and right when a match is very long") {
  Rules rules = default_rules();
  rules.time_limit_ticks = 40'000;
  Result<Board> board = Board::make(generated(2, 8).map(), rules);
  REQUIRE(board.ok());
  Playback playback(*board, 9, default_lots);
  REQUIRE(playback.seek({}, 40'000).ok());
  const std::int32_t end = playback.tick();
  const std::uint64_t last = state_hash(*board, playback.world());
  World w = start(*board, 9, default_lots);
  while (w.tick < 300)
    REQUIRE(step(*board, w, {}).ok());
  REQUIRE(playback.seek({}, 300).ok());
  CHECK(state_hash(*board, playback.world()) == state_hash(*board, w));
  REQUIRE(playback.seek({}, end).ok());
  CHECK(state_hash(*board, playback.world()) == last);
}

TEST_CASE("a recorded order that the rules refuse names its tick; the playback stands before it") {
  const Board board = generated(2, 8);
  const std::vector<TimedOrder> orders{
      {.tick = 40, .order = {.kind = OrderKind::idle, .team = 0, .agent = 4000}}};
  Playback playback(board, 1, default_lots);
  const Result<void> moved = playback.seek(orders, 100);
  REQUIRE(!moved.ok());
  CHECK(moved.error().code == "bad_replay");
  CHECK(moved.error().path == "tick 40");
  CHECK(playback.tick() == 40);
  CHECK(playback.seek(orders, 39).ok());
}
