// Orders and attributes in snapshots.
#pragma once

#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/territory/world.hpp"

namespace redoubt::strategy {

constexpr std::size_t saved_orders_max = 4096;

void write_order(ByteWriter& out, const territory::Order& order);
/// False where the bytes are no order.
bool read_order(ByteReader& in, territory::Order& order);
void write_orders(ByteWriter& out, const std::vector<territory::Order>& orders);
bool read_orders(ByteReader& in, std::vector<territory::Order>& orders);

}  // namespace redoubt::strategy
