// The strategist's part of a snapshot. What follows from the next view is not carried.
#include <cmath>

#include "engine/base/json.hpp"
#include "engine/strategy/bot.hpp"
#include "engine/strategy/order_bytes.hpp"
#include "engine/strategy/strategist.hpp"

namespace redoubt::strategy {
namespace {

constexpr std::uint32_t state_version = 1;
constexpr std::size_t text_bytes_max = 1024;
constexpr std::size_t reasons_saved_max = 64;

void write_double(ByteWriter& out, double v) {
  out.u64(__builtin_bit_cast(std::uint64_t, v));
}

bool read_double(ByteReader& in, double& v) {
  v = __builtin_bit_cast(double, in.u64());
  return std::isfinite(v);
}

void write_strategy(ByteWriter& out, const TeamStrategy& s) {
  out.u8(static_cast<std::uint8_t>(s.stance));
  out.u8(static_cast<std::uint8_t>(s.focus));
  out.u8(static_cast<std::uint8_t>(s.priorities.size()));
  for (Priority p : s.priorities)
    out.u8(static_cast<std::uint8_t>(p));
  out.text(s.description);
}

bool read_strategy(ByteReader& in, TeamStrategy& s) {
  const std::uint8_t stance = in.u8();
  const std::uint8_t focus = in.u8();
  const std::uint8_t count = in.u8();
  if (in.failed() || stance >= stances || focus >= focuses || count > priorities_max) return false;
  s.stance = static_cast<Stance>(stance);
  s.focus = static_cast<Focus>(focus);
  s.priorities.clear();
  for (int i = 0; i < count; ++i) {
    const std::uint8_t p = in.u8();
    if (p >= priorities_max) return false;
    s.priorities.push_back(static_cast<Priority>(p));
  }
  s.description = in.text(text_bytes_max);
  return !in.failed();
}

void write_decision(ByteWriter& out, const Decision& d) {
  write_strategy(out, d.strategy);
  write_double(out, d.confidence);
  out.u32(static_cast<std::uint32_t>(d.reasons.size()));
  for (const Reason& r : d.reasons) {
    out.text(r.feature);
    out.text(r.text);
    write_double(out, r.value);
    out.text(r.unit);
    write_double(out, r.weight);
    out.u32(static_cast<std::uint32_t>(r.cells.size()));
    for (Cell c : r.cells)
      out.u16(c);
  }
}

bool read_decision(ByteReader& in, int cells, Decision& d) {
  if (!read_strategy(in, d.strategy) || !read_double(in, d.confidence)) return false;
  const std::uint32_t count = in.u32();
  if (in.failed() || count > reasons_saved_max) return false;
  d.reasons.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    Reason& r = d.reasons.emplace_back();
    r.feature = in.text(text_bytes_max);
    r.text = in.text(text_bytes_max);
    if (!read_double(in, r.value)) return false;
    r.unit = in.text(text_bytes_max);
    if (!read_double(in, r.weight)) return false;
    const std::uint32_t shown = in.u32();
    if (in.failed() || shown > static_cast<std::uint32_t>(cells)) return false;
    for (std::uint32_t k = 0; k < shown; ++k) {
      r.cells.push_back(in.u16());
      if (r.cells.back() >= cells) return false;
    }
  }
  return !in.failed();
}

void write_duties(ByteWriter& out, const std::vector<Duty>& duties) {
  out.u32(static_cast<std::uint32_t>(duties.size()));
  for (const Duty& duty : duties) {
    out.u32(duty.agent);
    out.u16(duty.at);
    out.u8(static_cast<std::uint8_t>(duty.task.kind));
    out.u16(duty.task.cell);
    out.u32(duty.task.target);
  }
}

bool read_duties(ByteReader& in, int cells, std::vector<Duty>& duties) {
  const std::uint32_t count = in.u32();
  if (in.failed() || count > territory::agents_max) return false;
  duties.assign(count, {});
  for (Duty& duty : duties) {
    duty.agent = in.u32();
    duty.at = in.u16();
    const std::uint8_t kind = in.u8();
    duty.task.cell = in.u16();
    duty.task.target = in.u32();
    const bool on_map = duty.task.cell == no_cell || duty.task.cell < cells;
    if (in.failed() || kind >= task_kinds || duty.at >= cells || !on_map) return false;
    duty.task.kind = static_cast<TaskKind>(kind);
  }
  return true;
}

}  // namespace

void Strategist::save(ByteWriter& out) const {
  out.u32(state_version);
  out.text(name());
  out.i32(tick_);
  out.i32(strategy_tick_);
  write_decision(out, decision_);
  opponent_.save(out);
  out.u8(directive_ ? 1 : 0);
  if (directive_) {
    write_decision(out, directive_->decision);
    out.text(directive_->source);
  }
  out.i32(directive_until_tick_);
  write_duties(out, duties_);
  write_orders(out, orders_);
}

Result<void> Strategist::restore(ByteReader& in) {
  const std::uint32_t version = in.u32();
  const bool ours = in.text(text_bytes_max) == name() && version == state_version;
  const std::int32_t tick = in.i32();
  const std::int32_t strategy_tick = in.i32();
  Decision decision;
  OpponentModel opponent;
  std::optional<Directive> directive;
  std::vector<Duty> duties;
  std::vector<territory::Order> orders;
  bool good = ours && read_decision(in, ground_.cells(), decision) && opponent.restore(in);
  if (good && in.u8() != 0) {
    good = read_decision(in, ground_.cells(), directive.emplace().decision);
    directive->source = in.text(text_bytes_max);
  }
  const std::int32_t until = in.i32();
  good = good && read_duties(in, ground_.cells(), duties) && read_orders(in, orders);
  if (!good || in.failed()) {
    return Error{.code = "bad_snapshot",
                 .message =
                     "the saved state of player \"strategist\" is damaged or of another "
                     "player or version",
                 .path = "byte " + std::to_string(in.position())};
  }
  tick_ = tick;
  strategy_tick_ = strategy_tick;
  decision_ = std::move(decision);
  opponent_ = opponent;
  directive_ = std::move(directive);
  directive_until_tick_ = until;
  duties_ = std::move(duties);
  orders_ = std::move(orders);
  stage_ = Stage::read;
  return {};
}

}  // namespace redoubt::strategy
