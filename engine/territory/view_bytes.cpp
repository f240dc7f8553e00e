#include "engine/territory/view_bytes.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::territory {
namespace {

// Remembered enemies are bounded by what can live at once; the slack is for those remembered dead.
constexpr std::size_t view_agents_max = 4096;

void write_order(ByteWriter& out, const Order& order) {
  out.u8(static_cast<std::uint8_t>(order.kind));
  out.u8(order.team);
  out.u32(order.agent);
  out.u16(order.cell);
  out.u32(order.target);
}

bool read_order(ByteReader& in, Order& order) {
  const std::uint8_t kind = in.u8();
  order.kind = static_cast<OrderKind>(kind);
  order.team = in.u8();
  order.agent = in.u32();
  order.cell = in.u16();
  order.target = in.u32();
  return kind <= static_cast<std::uint8_t>(OrderKind::spawn);
}

void write_agent(ByteWriter& out, const ViewAgent& agent) {
  out.u32(agent.id);
  out.u8(agent.team);
  out.u8(static_cast<std::uint8_t>(agent.role));
  out.u16(agent.cell);
  out.i32(agent.seen_tick);
  out.i32(agent.health);
  out.i32(agent.health_max);
  const Attributes& a = agent.attributes;
  for (std::int16_t value : {a.speed, a.health, a.attack, a.defense, a.carry_capacity}) {
    out.u16(static_cast<std::uint16_t>(value));
  }
  out.u16(agent.next);
  out.u8(static_cast<std::uint8_t>(agent.load_type));
  out.u16(static_cast<std::uint16_t>(agent.load));
  out.u16(static_cast<std::uint16_t>(agent.capacity));
  write_order(out, agent.order);
}

bool on_board(const Board& board, Cell cell) {
  return cell == no_cell || cell < board.cells();
}

bool read_agent(ByteReader& in, const Board& board, ViewAgent& agent) {
  agent.id = in.u32();
  agent.team = in.u8();
  const std::uint8_t role = in.u8();
  agent.role = static_cast<Role>(role);
  agent.cell = in.u16();
  agent.seen_tick = in.i32();
  agent.health = in.i32();
  agent.health_max = in.i32();
  Attributes& a = agent.attributes;
  for (std::int16_t* value : {&a.speed, &a.health, &a.attack, &a.defense, &a.carry_capacity}) {
    *value = static_cast<std::int16_t>(in.u16());
  }
  agent.next = in.u16();
  const std::uint8_t load_type = in.u8();
  agent.load_type = static_cast<Resource>(load_type);
  agent.load = static_cast<std::int16_t>(in.u16());
  agent.capacity = static_cast<std::int16_t>(in.u16());
  return read_order(in, agent.order) && role < roles && load_type < resources &&
         agent.team < board.teams() && agent.cell < board.cells() && on_board(board, agent.next) &&
         on_board(board, agent.order.cell);
}

void write_agents(ByteWriter& out, const std::vector<ViewAgent>& agents) {
  out.u32(static_cast<std::uint32_t>(agents.size()));
  for (const ViewAgent& agent : agents)
    write_agent(out, agent);
}

bool read_agents(ByteReader& in, const Board& board, std::vector<ViewAgent>& agents) {
  const std::size_t count = in.u32();
  if (in.failed() || count > view_agents_max) return false;
  agents.resize(count);
  return std::all_of(agents.begin(), agents.end(),
                     [&](ViewAgent& agent) { return read_agent(in, board, agent); });
}

void write_scores(ByteWriter& out, const View& view) {
  for (std::int32_t v : view.store)
    out.i32(v);
  for (std::int32_t v : view.income_permille)
    out.i32(v);
  for (std::size_t team = 0; team < teams_max; ++team) {
    out.i32(view.held[team]);
    out.i32(view.deposits[team]);
    out.i32(view.territory_ticks[team]);
    out.u8(view.alive[team] ? 1 : 0);
    out.u8(view.outcome.rank[team]);
  }
  out.i32(view.spawn_ready_tick);
  out.u8(view.outcome.over ? 1 : 0);
  out.u8(static_cast<std::uint8_t>(view.outcome.by));
  out.u8(view.outcome.winner);
  out.i32(view.outcome.tick);
}

bool read_scores(ByteReader& in, View& view) {
  for (std::int32_t& v : view.store)
    v = in.i32();
  for (std::int32_t& v : view.income_permille)
    v = in.i32();
  for (std::size_t team = 0; team < teams_max; ++team) {
    view.held[team] = in.i32();
    view.deposits[team] = in.i32();
    view.territory_ticks[team] = in.i32();
    view.alive[team] = in.u8() != 0;
    view.outcome.rank[team] = in.u8();
  }
  view.spawn_ready_tick = in.i32();
  view.outcome.over = in.u8() != 0;
  const std::uint8_t by = in.u8();
  view.outcome.by = static_cast<Victory>(by);
  view.outcome.winner = in.u8();
  view.outcome.tick = in.i32();
  return by <= static_cast<std::uint8_t>(Victory::time_limit);
}

void write_ground(ByteWriter& out, const View& view) {
  out.u32(static_cast<std::uint32_t>(view.sites.size()));
  for (const ViewSite& site : view.sites) {
    out.u16(site.cell);
    out.u8(static_cast<std::uint8_t>(site.type));
    out.u16(static_cast<std::uint16_t>(site.stock));
    out.i32(site.seen_tick);
  }
  out.u32(static_cast<std::uint32_t>(view.owner.size()));
  for (std::size_t cell = 0; cell < view.owner.size(); ++cell) {
    out.u8(view.owner[cell]);
    out.u16(view.control[cell]);
    out.u8(static_cast<std::uint8_t>(view.visible[cell] | view.explored[cell] << 1));
  }
}

bool read_sites(ByteReader& in, const Board& board, std::vector<ViewSite>& sites) {
  const std::vector<Site>& known = board.reachable_sites();
  const std::size_t count = in.u32();
  if (in.failed() || (count != 0 && count != known.size())) return false;
  sites.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    sites[i].cell = in.u16();
    const std::uint8_t type = in.u8();
    sites[i].type = static_cast<Resource>(type);
    sites[i].stock = static_cast<std::int16_t>(in.u16());
    sites[i].seen_tick = in.i32();
    if (sites[i].cell != known[i].cell || type >= resources) return false;
  }
  return true;
}

bool read_ground(ByteReader& in, const Board& board, View& view) {
  if (!read_sites(in, board, view.sites)) return false;
  const std::size_t cells = in.u32();
  if (in.failed() || (cells != 0 && cells != static_cast<std::size_t>(board.cells()))) return false;
  view.owner.resize(cells);
  view.control.resize(cells);
  view.visible.resize(cells);
  view.explored.resize(cells);
  for (std::size_t cell = 0; cell < cells; ++cell) {
    view.owner[cell] = in.u8();
    view.control[cell] = in.u16();
    const std::uint8_t seen = in.u8();
    view.visible[cell] = seen & 1;
    view.explored[cell] = static_cast<std::uint8_t>(seen >> 1 & 1);
    if (view.owner[cell] >= board.teams() && view.owner[cell] != no_team) return false;
  }
  return true;
}

}  // namespace

void write_view(ByteWriter& out, const View& view) {
  out.i32(view.tick);
  out.u8(view.team);
  out.u8(view.teams);
  write_scores(out, view);
  write_agents(out, view.own);
  write_agents(out, view.enemies);
  write_ground(out, view);
}

Result<View> read_view(ByteReader& in, const Board& board, Team team) {
  View view;
  view.tick = in.i32();
  view.team = in.u8();
  view.teams = in.u8();
  const bool whole = read_scores(in, view) && read_agents(in, board, view.own) &&
                     read_agents(in, board, view.enemies) && read_ground(in, board, view);
  const bool blank = view.owner.empty();  // never observed
  if (!whole || in.failed() || (!blank && (view.team != team || view.teams != board.teams()))) {
    return Error{.code = "bad_snapshot",
                 .message = "the snapshot is damaged: what team " + std::to_string(team) +
                            " remembers makes no sense at byte " + std::to_string(in.position()),
                 .path = "view of team " + std::to_string(team),
                 .expected = "a view on this map"};
  }
  return view;
}

}  // namespace redoubt::territory
