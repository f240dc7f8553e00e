// A View in snapshots: what a team remembers is state, so it must survive them.
#pragma once

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world.hpp"

namespace redoubt::territory {

void write_view(ByteWriter& out, const View& view);

/// Error bad_snapshot where the bytes do not make a View of `team` on `board`; a View that was
/// never observed (no cells) is one.
Result<View> read_view(ByteReader& in, const Board& board, Team team);

}  // namespace redoubt::territory
