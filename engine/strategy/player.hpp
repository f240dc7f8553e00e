// Player: whoever gives a team's orders, built-in strategist or scripted bot.
//
// 1. A Player decides from a View alone and from its own state; same seed, same views and same work
//    give the same orders, natively and in WebAssembly.
// 2. think() is resumable: it works for at most `work` units and says whether it is done. Orders
//    are valid once done. Work is counted in units (rollout ticks), never in milliseconds.
// 3. save()/restore() carry the whole state, so that a snapshot goes on identically.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world.hpp"

namespace redoubt::strategy {

/// Raised when the built-in players decide otherwise from the same views.
constexpr int strategy_version = 2;

struct ThinkResult {
  bool done = true;
  int work_used = 0;
};

/// A map-sized field for people to look at; values in permille of `unit_at_1000`.
enum class HeatMap : std::uint8_t { threat, influence, resource_pull };

class Player {
 public:
  virtual ~Player() = default;
  virtual std::string_view name() const = 0;
  virtual ThinkResult think(const territory::View& view, int work) = 0;
  /// The orders of the last finished think.
  virtual std::span<const territory::Order> orders() const = 0;
  /// What it wants and why, as JSON: the TeamStrategy
  /// members plus reasons, confidence, source, plan (at most three arrows) and tasks by agent.
  virtual nlohmann::json explain() const = 0;
  /// Fills `out` (one entry a cell) or returns false where this player has no such field.
  virtual bool heat_map(HeatMap which, std::vector<std::int16_t>& out) const = 0;
  /// Takes a TeamStrategy (CONTRACTS shape) from outside, e.g. from a model: it weighs the
  /// assignment until `until_tick`. Error bad_answer where the shape is wrong.
  virtual Result<void> direct(const nlohmann::json& team_strategy, std::int32_t until_tick) = 0;
  virtual void save(ByteWriter& out) const = 0;
  virtual Result<void> restore(ByteReader& in) = 0;
};

/// Names that make_player() knows: "strategist", "random", "agentarena", "rush".
std::span<const std::string_view> player_names();

/// Error bad_player where the name is unknown (the message lists the known ones).
Result<std::unique_ptr<Player>> make_player(std::string_view name, const territory::Board& board,
                                            territory::Team team, std::uint64_t seed);

}  // namespace redoubt::strategy
