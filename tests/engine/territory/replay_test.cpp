#include "engine/territory/replay.hpp"

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

Replay record(const Board& board, std::uint64_t seed, std::int32_t until) {
  Replay replay{.map = board.map(), .rules = board.rules(), .seed = seed};
  replay.players = {"one", "two"};
  replay.work_units = {100, 0};
  World w = start(board, seed, replay.lots);
  Rng rng(seed);
  while (w.tick < until && w.over == 0) {
    const std::vector<Order> orders = random_orders(board, w, rng, 2);
    for (const Order& order : orders)
      replay.orders.push_back({.tick = w.tick, .order = order});
    REQUIRE(step(board, w, orders).ok());
    if (w.tick % replay_hash_interval_ticks == 0) replay.hashes.push_back(state_hash(board, w));
  }
  replay.final_tick = w.tick;
  replay.final_hash = state_hash(board, w);
  return replay;
}

}  // namespace

TEST_CASE("a replay written and read replays to the same hashes") {
  const Board board = generated(2, 8);
  const Replay replay = record(board, 21, 1000);
  const std::string bytes = write_replay(replay);
  const Result<Replay> read = read_replay(bytes);
  REQUIRE_MESSAGE(read.ok(), (read.ok() ? "" : read.error().message));
  CHECK(read->players == replay.players);
  CHECK(read->work_units == replay.work_units);
  CHECK(read->rules == replay.rules);
  CHECK(read->orders.size() == replay.orders.size());
  CHECK(write_replay(*read) == bytes);
  const Result<Verdict> verdict = verify(*read);
  REQUIRE_MESSAGE(verdict.ok(), (verdict.ok() ? "" : verdict.error().message));
  CHECK(verdict->same);
  CHECK(verdict->tick == 1000);
}

TEST_CASE("verify names the first recorded tick that differs") {
  const Board board = board_of(field());
  Replay replay = record(board, 3, 400);
  REQUIRE(replay.hashes.size() == 6);
  replay.hashes[3] ^= 1;
  const Result<Verdict> changed = verify(replay);
  REQUIRE(changed.ok());
  CHECK(!changed->same);
  CHECK(changed->tick == 256);
  CHECK(changed->recorded == replay.hashes[3]);
  CHECK(changed->computed == (replay.hashes[3] ^ 1));
  replay.hashes[3] ^= 1;
  replay.final_hash ^= 1;
  const Result<Verdict> end = verify(replay);
  REQUIRE(end.ok());
  CHECK(!end->same);
  CHECK(end->tick == 400);
}

TEST_CASE("a replay cut anywhere is an error that names the byte") {
  const Board board = board_of(field());
  const std::string bytes = write_replay(record(board, 3, 200));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const Result<Replay> cut = read_replay(std::string_view(bytes).substr(0, n));
    REQUIRE(!cut.ok());
    REQUIRE(cut.error().code == "bad_replay");
    REQUIRE(cut.error().path.substr(0, 5) == "byte ");
  }
  CHECK(!read_replay(bytes + "x").ok());
}

TEST_CASE("a replay of other rules says what was expected") {
  const Board board = board_of(field());
  std::string bytes = write_replay(record(board, 3, 100));
  const std::size_t at = bytes.find("\"cooldown_ticks\": 10");
  REQUIRE(at != std::string::npos);
  bytes[at + 19] = '1';  // 10 -> 11, the recorded hash stays
  const Result<Replay> other = read_replay(bytes);
  REQUIRE(!other.ok());
  CHECK(other.error().code == "version_mismatch");
  CHECK(other.error().expected.find(hex16(board.rules_hash())) != std::string::npos);
}

TEST_CASE("a replay of another version is a mismatch") {
  const Board board = board_of(field());
  std::string bytes = write_replay(record(board, 3, 10));
  bytes[4] = 9;
  const Result<Replay> other = read_replay(bytes);
  REQUIRE(!other.ok());
  CHECK(other.error().code == "version_mismatch");
  CHECK(other.error().got == "9");
}

TEST_CASE("an order that the rules refuse makes the replay bad") {
  const Board board = board_of(field());
  Replay replay = record(board, 3, 100);
  replay.orders.insert(replay.orders.begin(),
                       {.tick = 0, .order = {.kind = OrderKind::move, .agent = 900, .cell = 5}});
  const Result<Verdict> verdict = verify(replay);
  REQUIRE(!verdict.ok());
  CHECK(verdict.error().code == "bad_replay");
  CHECK(verdict.error().message.find("tick 0") != std::string::npos);
}

TEST_CASE("a replay with any byte changed never crashes the reader or the playback") {
  const Board board = board_of(field());
  const std::string bytes = write_replay(record(board, 3, 150));
  Rng rng(2);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string bad = bytes;
    bad[n] = static_cast<char>(bad[n] ^ static_cast<char>(1 + rng.below(255)));
    const Result<Replay> read = read_replay(bad);
    if (read.ok()) (void)verify(*read).ok();
  }
  CHECK(bytes.size() > 1000);
}
