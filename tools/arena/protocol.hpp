// Protocol: the lines between the arena and a program, JSON, one a line (docs/arena.md). Pure: text
// in, text out.
//
//   arena                     program
//   hello  --------------->
//          <---------------   ready
//   view   --------------->
//          <---------------   orders    (as often as a player thinks)
//   result --------------->             then its standard input is closed
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "tools/arena/contestant.hpp"

namespace redoubt::arena {

constexpr int protocol_version = 1;
/// A longer answer is babble.
constexpr std::size_t line_bytes_max = 256 << 10;
/// Of one answer: more than a full team could follow.
constexpr std::size_t orders_max = 256;

/// Rules, formulas and map, all that stays the same. Without a line end, as all of these.
std::string hello_line(const Place& place);
std::string view_line(const territory::View& view);
/// `rank` 1 is best; `fault`: why the receiver lost by its own doing, or empty.
std::string result_line(int rank, std::string_view by, int tick, std::string_view fault);

/// Error bad_line: what was expected where.
Result<void> read_ready(std::string_view line);
/// The orders of team `team` in answer to the view of `tick`. Whether the rules allow them is not
/// looked at here. Error bad_line.
Result<std::vector<territory::Order>> read_orders(std::string_view line, territory::Team team,
                                                  int tick);

}  // namespace redoubt::arena
