// Session: what one JavaScript Engine or Replay holds: a match, and a playhead over its recording.
//
// 1. The live match only goes forward. `seek` moves the playhead; what is shown is the past while
// the
//    playhead is before the live tick. A replay has no live match beyond its recording.
// 2. branch() makes the shown tick the newest. Players go on with the minds they had: saved every
//    keyframe_interval_ticks and thought through again from there.
// 3. No function throws but for lack of memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/strategy/match.hpp"
#include "engine/territory/playback.hpp"
#include "wasm/frame_bytes.hpp"

namespace redoubt::wasm {

/// Events kept between two frames, and returned by one step call; the oldest give way.
constexpr std::size_t events_max = 65536;

constexpr std::size_t directives_max = 1024;

struct MindKeyframe {
  std::int32_t tick = 0;
  std::string minds;
};

/// A strategy given from outside: part of a player's past, so a branch gives it again.
struct Directive {
  std::int32_t tick = 0;
  territory::Team team = 0;
  std::string strategy;
  std::int32_t until_tick = 0;
};

struct Session {
  strategy::Match match;
  bool is_replay = false;
  std::vector<territory::Event> events;  ///< since the last frame that took them
  std::optional<territory::Playback> playback;
  bool past = false;
  std::vector<MindKeyframe> keyframes;
  std::vector<Directive> directives;
  /// Looks at what no player explains: replays, teams led from outside, bots without fields.
  std::unique_ptr<strategy::Player> observer;
  Bytes out;
};

Result<territory::Map> read_source(const std::string& kind, const std::string& text,
                                   const std::string& name);

Result<Session> open_session(const std::string& kind, const std::string& map,
                             const std::string& name, const std::string& rules,
                             const std::string& seed);
Result<Session> open_replay(std::string_view bytes);
Result<Session> open_snapshot(std::string_view bytes);

/// Everything that stays the same over a match, as JSON.
std::string describe(const Session& session);
std::string describe(const territory::Board& board);

const territory::World& shown(const Session& session);
std::int32_t head_tick(const Session& session);

/// One live tick; begins the thoughts that are due. Shows the live match.
Result<void> advance(Session& session, std::string_view orders);
/// `ticks` live ticks at most without thinking; `orders` act in the first.
Result<void> step(Session& session, std::string_view orders, int ticks);
/// `ticks` live ticks at most, waiting for every thought.
Result<void> play(Session& session, int ticks, int work_per_tick);

/// One team's thought about the present live tick, for a host that gives the orders itself.
struct Thinking {
  bool done = false;
  int work_used = 0;
  std::span<const territory::Order> orders;
};
Result<Thinking> think(Session& session, territory::Team team, int work);

Result<void> direct(Session& session, territory::Team team, const std::string& team_strategy,
                    int ticks);
Result<std::string> explain(Session& session, territory::Team team);
Result<std::vector<std::int16_t>> heat_map(Session& session, territory::Team team,
                                           strategy::HeatMap which);
/// What the team may know at the shown tick; asking does not change what it remembers.
territory::View sight(const Session& session, territory::Team team);

/// Moves the playhead. Events are kept for a step of one tick forward.
Result<void> seek(Session& session, std::int32_t tick);
/// `players`: a name a team; none: as they are (a replay: strategists).
Result<void> branch(Session& session, const std::vector<std::string>& players);

Result<void> restore(Session& session, std::string_view snapshot);

/// Rows of Frame.teams every `every_ticks` from tick 0, then deaths and the end as events.
struct History {
  std::vector<std::int32_t> rows;
  std::vector<territory::Event> events;
};
Result<History> history(const Session& session, std::int32_t every_ticks);

}  // namespace redoubt::wasm
