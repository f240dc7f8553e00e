#include "engine/strategy/order_bytes.hpp"

namespace redoubt::strategy {

using namespace territory;

void write_order(ByteWriter& out, const Order& order) {
  out.u8(static_cast<std::uint8_t>(order.kind));
  out.u8(order.team);
  out.u32(order.agent);
  out.u16(order.cell);
  out.u32(order.target);
  out.u8(static_cast<std::uint8_t>(order.role));
  const Attributes& a = order.attributes;
  for (const std::int16_t v : {a.speed, a.health, a.attack, a.defense, a.carry_capacity}) {
    out.u16(static_cast<std::uint16_t>(v));
  }
}

bool read_order(ByteReader& in, Order& order) {
  const std::uint8_t kind = in.u8();
  order.team = in.u8();
  order.agent = in.u32();
  order.cell = in.u16();
  order.target = in.u32();
  const std::uint8_t role = in.u8();
  Attributes& a = order.attributes;
  for (std::int16_t* v : {&a.speed, &a.health, &a.attack, &a.defense, &a.carry_capacity}) {
    *v = static_cast<std::int16_t>(in.u16());
  }
  if (in.failed() || kind > static_cast<std::uint8_t>(OrderKind::spawn) || role >= roles) {
    return false;
  }
  order.kind = static_cast<OrderKind>(kind);
  order.role = static_cast<Role>(role);
  return true;
}

void write_orders(ByteWriter& out, const std::vector<Order>& orders) {
  out.u32(static_cast<std::uint32_t>(orders.size()));
  for (const Order& order : orders)
    write_order(out, order);
}

bool read_orders(ByteReader& in, std::vector<Order>& orders) {
  const std::uint32_t count = in.u32();
  if (in.failed() || count > saved_orders_max) return false;
  orders.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!read_order(in, orders.emplace_back())) return false;
  }
  return true;
}

}  // namespace redoubt::strategy
