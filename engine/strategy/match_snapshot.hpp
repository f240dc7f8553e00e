// A match as bytes: recording, world, and the minds in it (what teams remember, thoughts under way,
// plans that wait, players).
//
// Versioned little-endian; carries map and rules (inside the recording), so it opens by itself.
#pragma once

#include <string>
#include <string_view>

#include "engine/strategy/match.hpp"

namespace redoubt::strategy {

constexpr int match_snapshot_version = 1;
constexpr std::size_t match_snapshot_bytes_max = 64u << 20;

std::string save_match(const Match& match);

/// A match that goes on exactly as the saved one. Errors: bad_snapshot (with the part that is
/// wrong), version_mismatch.
Result<Match> load_match(std::string_view bytes);

/// Puts the saved match in the place of `match`, which must be on the same map and rules; on an
/// error `match` is unchanged.
Result<void> restore_match(Match& match, std::string_view bytes);

/// The minds alone: what must be added to a recording to go on from one of its ticks.
std::string save_minds(const Match& match);
/// REQUIRES: match.world is at the tick at which the minds were saved. On an error the minds are
/// unusable: set every player anew.
Result<void> restore_minds(Match& match, std::string_view bytes);

}  // namespace redoubt::strategy
