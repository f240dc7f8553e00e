// Packed buffers for JavaScript: frames, sights and events. src/frame.ts reads them.
//
// Little-endian (WebAssembly's own order). A header of frame_header_words 32-bit words, then
// sections by falling alignment, so that every typed array lies aligned without padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/territory/board.hpp"
#include "engine/territory/step.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::wasm {

constexpr int frame_header_words = 14;
constexpr int event_words = 7;
constexpr int team_fields = 8;
constexpr int order_words = 11;

using Bytes = std::vector<std::uint8_t>;

/// The whole tick: Frame of types.ts.
void write_frame(const territory::Board& board, const territory::World& world,
                 std::span<const territory::Event> events, Bytes& out);
/// What one team may know: TeamSight of types.ts.
void write_sight(const territory::Board& board, const territory::View& view, Bytes& out);
/// A count, then the events.
void write_events(std::span<const territory::Event> events, Bytes& out);
/// A header of `header` words, then the orders.
void write_orders(std::span<const std::int32_t> header, std::span<const territory::Order> orders,
                  Bytes& out);
/// One row of team_fields numbers a team.
void append_team_rows(const territory::Board& board, const territory::World& world,
                      std::vector<std::int32_t>& out);

/// Orders as src/orders.ts packs them; what is out of its type's range is error bad_order.
Result<std::vector<territory::Order>> read_orders(std::string_view bytes);

}  // namespace redoubt::wasm
