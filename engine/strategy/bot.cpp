#include "engine/strategy/bot.hpp"

#include "engine/base/json.hpp"
#include "engine/strategy/directive.hpp"
#include "engine/strategy/order_bytes.hpp"

namespace redoubt::strategy {

using territory::Order;
using territory::OrderKind;
using territory::View;
using territory::ViewAgent;

namespace {

constexpr std::uint32_t bot_state_version = 1;
constexpr int bot_work_units = 1;

}  // namespace

ThinkResult Bot::think(const View& view, int work) {
  if (work < bot_work_units) return {.done = false, .work_used = 0};
  orders_.clear();
  tick_ = view.tick;
  decide(view);
  return {.done = true, .work_used = bot_work_units};
}

void Bot::order(const ViewAgent& agent, OrderKind kind, Cell cell, territory::AgentId target) {
  Order wanted{.kind = kind, .team = team_, .agent = agent.id, .cell = cell, .target = target};
  // Saying again what already stands would only fill the replay.
  const bool stands = agent.order.kind == wanted.kind && agent.order.cell == wanted.cell &&
                      agent.order.target == wanted.target;
  if (!stands) orders_.push_back(wanted);
}

bool can_spawn(const Ground& ground, const View& view, territory::Role role,
               const territory::Attributes& attributes) {
  const int living = static_cast<int>(view.own.size());
  if (living >= ground.rules.agents_per_team_max) return false;
  const territory::Amounts cost = territory::cost(ground.rules, role, attributes, living);
  for (std::size_t r = 0; r < cost.size(); ++r) {
    if (view.store[r] < cost[r]) return false;
  }
  return true;
}

bool Bot::spawn(const View& view, territory::Role role, const territory::Attributes& attributes) {
  if (view.tick < view.spawn_ready_tick || !can_spawn(ground_, view, role, attributes)) {
    return false;
  }
  orders_.push_back(
      {.kind = OrderKind::spawn, .team = team_, .role = role, .attributes = attributes});
  return true;
}

Json Bot::explain() const {
  Json out = to_json(strategy());
  out["team"] = team_;
  out["tick"] = tick_;
  out["source"] = name();
  out["confidence"] = 1;
  out["reasons"] = Json::array();
  out["plan"] = Json::array();
  out["tasks"] = Json::array();
  for (const Order& o : orders_) {
    if (o.kind == OrderKind::spawn) continue;
    constexpr std::array<std::string_view, 7> words{"idle",    "move",   "collect", "return",
                                                    "capture", "attack", "guard"};
    Json cell = o.cell == no_cell ? Json(nullptr) : Json(o.cell);
    out["tasks"].push_back({{"agent", o.agent},
                            {"task", words[static_cast<std::size_t>(o.kind)]},
                            {"cell", std::move(cell)}});
  }
  return out;
}

Result<void> Bot::direct(const Json& team_strategy, std::int32_t) {
  const auto read = read_directive(team_strategy);
  if (!read) return read.error();
  return {};
}

void Bot::save(ByteWriter& out) const {
  out.u32(bot_state_version);
  out.text(name());
  out.u64(rng_.state());
  out.i32(tick_);
  write_orders(out, orders_);
  save_more(out);
}

Result<void> Bot::restore(ByteReader& in) {
  const std::uint32_t version = in.u32();
  constexpr std::size_t name_bytes_max = 64;
  const std::string_view saved_name = in.text(name_bytes_max);
  const std::uint64_t state = in.u64();
  const std::int32_t tick = in.i32();
  std::vector<Order> orders;
  if (in.failed() || version != bot_state_version || saved_name != name() ||
      !read_orders(in, orders) || !restore_more(in)) {
    return Error{.code = "bad_snapshot",
                 .message = "the saved state of player \"" + std::string(name()) +
                            "\" is damaged or of another player or version",
                 .path = "byte " + std::to_string(in.position())};
  }
  rng_ = Rng(state);
  tick_ = tick;
  orders_ = std::move(orders);
  return {};
}

}  // namespace redoubt::strategy
