// step: one tick of the game. See rules.json for the numbers.
//
// Phases: orders read -> damage summed from the state before -> deaths -> moves -> capture ->
// collect, deposit, heal -> income -> spawn -> victory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::territory {

/// Raised when the same orders on the same board give another state hash.
constexpr int rules_version = 1;

World start(const Board& board, std::uint64_t seed, const Lots& lots = default_lots);

/// Whether `order` may be given by `order.team` now. Error bad_order or bad_attributes. An order
/// for an agent that lived and died is fine here and dropped (and counted) by step().
Result<void> check(const Board& board, const World& world, const Order& order);

/// Plays one tick. Checks every order first; on an error the world is unchanged. After the end of
/// the match it returns error match_over. Appends to `events` when it is given.
Result<void> step(const Board& board, World& world, std::span<const Order> orders,
                  std::vector<Event>* events = nullptr);

Outcome outcome(const Board& board, const World& world);

/// Snapshot: versioned little-endian, with the hashes of map and rules. load() refuses
/// (bad_snapshot, version_mismatch) what is truncated, of another map or rules, or out of any
/// bound.
std::string save(const Board& board, const World& world);
Result<World> load(const Board& board, std::string_view snapshot);

}  // namespace redoubt::territory
