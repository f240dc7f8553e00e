#include "engine/strategy/match_snapshot.hpp"

#include <utility>

#include "engine/base/hash64.hpp"
#include "engine/strategy/order_bytes.hpp"
#include "engine/territory/view_bytes.hpp"

namespace redoubt::strategy {
namespace {

using territory::Team;
using territory::TimedOrder;

constexpr std::uint32_t magic = 0x534d4452;  // "RDMS"
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t pending_max = 65536;

Error bad_snapshot(std::string part, std::string expected) {
  return {.code = "bad_snapshot",
          .message = "the snapshot is damaged at its " + part + ": expected " + expected,
          .path = part,
          .expected = std::move(expected)};
}

void write_team(ByteWriter& out, const Match& match, std::size_t team) {
  const Thought& thought = match.thoughts[team];
  out.u8(thought.open ? 1 : 0);
  out.i32(thought.tick);
  out.i32(thought.work);
  territory::write_view(out, match.views[team]);
  const Player* player = match.players[team].get();
  out.text(player == nullptr ? "" : player->name());
  ByteWriter state;
  if (player != nullptr) player->save(state);
  out.text(state.take());
}

Result<void> read_player(ByteReader& in, Match& match, std::size_t team) {
  const std::string_view name = in.text(name_bytes_max);
  const std::string_view state = in.text(match_snapshot_bytes_max);
  if (in.failed()) return bad_snapshot("players", "a name and a state for each team");
  Result<void> set = set_player(match, static_cast<Team>(team), name);
  if (!set.ok()) return set;
  if (!match.players[team]) return {};
  ByteReader bytes(state);
  return match.players[team]->restore(bytes);
}

Result<void> read_team(ByteReader& in, Match& match, std::size_t team) {
  Thought thought;
  thought.open = in.u8() != 0;
  thought.tick = in.i32();
  thought.work = in.i32();
  if (in.failed()) return bad_snapshot("thoughts", "one a team");
  Result<territory::View> view = territory::read_view(in, match.board, static_cast<Team>(team));
  if (!view.ok()) return view.error();
  Result<void> player = read_player(in, match, team);
  if (!player.ok()) return player;
  match.views[team] = std::move(*view);
  match.thoughts[team] = thought;
  return {};
}

Result<void> read_pending(ByteReader& in, Match& match) {
  const std::size_t count = in.u32();
  if (in.failed() || count > pending_max) return bad_snapshot("pending orders", "a count");
  std::vector<TimedOrder> pending(count);
  for (TimedOrder& timed : pending) {
    timed.tick = in.i32();
    if (!read_order(in, timed.order) || in.failed() || timed.order.team >= match.board.teams()) {
      return bad_snapshot("pending orders", std::to_string(count) + " orders");
    }
  }
  match.pending = std::move(pending);
  return {};
}

void write_minds(ByteWriter& out, const Match& match) {
  for (std::size_t team = 0; team < match.players.size(); ++team) {
    write_team(out, match, team);
  }
  out.u32(static_cast<std::uint32_t>(match.pending.size()));
  for (const TimedOrder& timed : match.pending) {
    out.i32(timed.tick);
    write_order(out, timed.order);
  }
}

Result<void> read_minds(ByteReader& in, Match& match) {
  const std::vector<std::string> names = match.replay.players;
  const bool exact = match.exact;
  for (std::size_t team = 0; team < match.players.size(); ++team) {
    const Result<void> read = read_team(in, match, team);
    if (!read.ok()) return read;
  }
  const Result<void> pending = read_pending(in, match);
  if (!pending.ok()) return pending;
  if (in.remaining() != 0) return bad_snapshot("end", "nothing after the pending orders");
  // Putting the saved players back is no change of players.
  match.replay.players = names;
  match.exact = exact;
  return {};
}

// The recording and the world, on a board made from the recording's map and rules.
Result<Match> read_world(std::string_view recording, std::string_view world) {
  Result<territory::Replay> replay = territory::read_replay(recording);
  if (!replay.ok()) {
    if (replay.error().code == "bad_replay") replay.error().code = "bad_snapshot";
    return replay.error();
  }
  MatchOptions options{
      .map = replay->map, .rules = replay->rules, .seed = replay->seed, .lots = replay->lots};
  Result<Match> match = start_match(options);
  if (!match.ok()) return match;
  Result<territory::World> loaded = territory::load(match->board, world);
  if (!loaded.ok()) return loaded.error();
  match->world = *loaded;
  match->replay = std::move(*replay);
  return match;
}

Result<void> check_version(ByteReader& in) {
  if (in.u32() != magic || in.failed()) return bad_snapshot("start", "the letters RDMS");
  const int version = in.u16();
  if (version == match_snapshot_version) return {};
  return Error{.code = "version_mismatch",
               .message = "the snapshot has format " + std::to_string(version) +
                          ", this engine reads " + std::to_string(match_snapshot_version),
               .path = "version",
               .expected = std::to_string(match_snapshot_version),
               .got = std::to_string(version)};
}

}  // namespace

std::string save_minds(const Match& match) {
  ByteWriter out;
  write_minds(out, match);
  return out.take();
}

Result<void> restore_minds(Match& match, std::string_view bytes) {
  ByteReader in(bytes);
  return read_minds(in, match);
}

std::string save_match(const Match& match) {
  ByteWriter out;
  out.u32(magic);
  out.u16(match_snapshot_version);
  out.text(territory::write_replay(recorded(match)));
  out.text(territory::save(match.board, match.world));
  out.i32(match.work_per_tick);
  out.u8(match.exact ? 1 : 0);
  write_minds(out, match);
  return out.take();
}

Result<Match> load_match(std::string_view bytes) {
  ByteReader in(bytes);
  const Result<void> version = check_version(in);
  if (!version.ok()) return version.error();
  const std::string_view recording = in.text(match_snapshot_bytes_max);
  const std::string_view world = in.text(match_snapshot_bytes_max);
  const int work_per_tick = in.i32();
  const bool exact = in.u8() != 0;
  if (in.failed()) return bad_snapshot("world", "a recording and a world");
  Result<Match> match = read_world(recording, world);
  if (!match.ok()) return match;
  match->work_per_tick = work_per_tick;
  match->exact = exact;
  const Result<void> minds = read_minds(in, *match);
  if (!minds.ok()) return minds.error();
  return match;
}

Result<void> restore_match(Match& match, std::string_view bytes) {
  Result<Match> loaded = load_match(bytes);
  if (!loaded.ok()) return loaded.error();
  if (loaded->board.map_hash() != match.board.map_hash() ||
      loaded->board.rules_hash() != match.board.rules_hash()) {
    return Error{.code = "bad_snapshot",
                 .message = "the snapshot is of a match on another map or by other rules",
                 .path = "map",
                 .expected = hex16(match.board.map_hash()) + " " + hex16(match.board.rules_hash()),
                 .got = hex16(loaded->board.map_hash()) + " " + hex16(loaded->board.rules_hash())};
  }
  match = std::move(*loaded);
  return {};
}

}  // namespace redoubt::strategy
