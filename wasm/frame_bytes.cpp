#include "wasm/frame_bytes.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/stable_order.hpp"

namespace redoubt::wasm {
namespace {

using namespace territory;

// Appends plain numbers; the order of the calls is the layout.
class Packer {
 public:
  explicit Packer(Bytes& out) : out_(out) { out_.clear(); }
  template <class T>
  void put(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof(T));
    std::memcpy(out_.data() + at, &value, sizeof(T));
  }
  template <class T>
  void array(const T* values, std::size_t count) {
    const std::size_t at = out_.size();
    out_.resize(at + count * sizeof(T));
    std::memcpy(out_.data() + at, values, count * sizeof(T));
  }
  template <class To, class Row, class Get>
  void column(const std::vector<Row>& rows, Get get) {
    for (const Row& row : rows)
      put<To>(static_cast<To>(get(row)));
  }

 private:
  Bytes& out_;
};

constexpr std::uint8_t no_load = 0xff;

// One agent as JavaScript sees it, from the world or from a view.
struct AgentRow {
  AgentId id;
  float health;
  float health_max;
  std::int32_t seen_tick;
  Cell cell;
  Cell next;
  std::uint16_t progress;
  Cell order_cell;
  Attributes attributes;
  Team team;
  Role role;
  std::uint8_t load_type;
  std::uint8_t load;
  std::uint8_t capacity;
  OrderKind order;
};
using Rows = std::vector<AgentRow>;

float points(std::int32_t millipoints) {
  return static_cast<float>(millipoints) / 1000.0f;
}

std::uint16_t progress_permille(const Board& board, const World& world, int slot) {
  const auto s = static_cast<std::size_t>(slot);
  if (world.next[s] == no_cell) return 0;
  const Rules& rules = board.rules();
  const bool rough = board.map().terrain[world.next[s]] == Terrain::rough;
  const int cost = rough ? rules.move_cost_rough : rules.move_cost_open;
  const int left = (world.wake_tick[s] - world.tick) * world.rate[s];
  return static_cast<std::uint16_t>(std::clamp(1000 - 1000 * left / cost, 0, 999));
}

AgentRow row_of(const Board& board, const World& world, int slot) {
  const auto s = static_cast<std::size_t>(slot);
  return {.id = world.id[s],
          .health = points(world.health[s]),
          .health_max = points(world.health_max[s]),
          .seen_tick = world.tick,
          .cell = world.cell[s],
          .next = world.next[s],
          .progress = progress_permille(board, world, slot),
          .order_cell = world.order_cell[s],
          .attributes = world.attributes[s],
          .team = static_cast<Team>(slot_team(slot)),
          .role = world.role[s],
          .load_type = world.load[s] > 0 ? static_cast<std::uint8_t>(world.load_type[s]) : no_load,
          .load = static_cast<std::uint8_t>(world.load[s]),
          .capacity = static_cast<std::uint8_t>(world.capacity[s]),
          .order = world.order[s]};
}

AgentRow row_of(const ViewAgent& agent) {
  return {.id = agent.id,
          .health = points(agent.health),
          .health_max = points(agent.health_max),
          .seen_tick = agent.seen_tick,
          .cell = agent.cell,
          .next = agent.next,
          .progress = 0,
          .order_cell = agent.order.cell,
          .attributes = agent.attributes,
          .team = agent.team,
          .role = agent.role,
          .load_type = agent.load > 0 ? static_cast<std::uint8_t>(agent.load_type) : no_load,
          .load = static_cast<std::uint8_t>(agent.load),
          .capacity = static_cast<std::uint8_t>(agent.capacity),
          .order = agent.order.kind};
}

Rows living_rows(const Board& board, const World& world) {
  Rows rows;
  for (int slot = 0; slot < agents_max; ++slot) {
    if (world.id[static_cast<std::size_t>(slot)] != no_agent) {
      rows.push_back(row_of(board, world, slot));
    }
  }
  sort_stable(rows, [](const AgentRow& a, const AgentRow& b) { return a.id < b.id; });
  return rows;
}

void put_agent_words(Packer& out, const Rows& rows) {
  out.column<std::uint32_t>(rows, [](const AgentRow& a) { return a.id; });
  out.column<float>(rows, [](const AgentRow& a) { return a.health; });
  out.column<float>(rows, [](const AgentRow& a) { return a.health_max; });
}
void put_agent_halves(Packer& out, const Rows& rows) {
  out.column<std::uint16_t>(rows, [](const AgentRow& a) { return a.cell; });
  out.column<std::uint16_t>(rows, [](const AgentRow& a) { return a.next; });
  out.column<std::uint16_t>(rows, [](const AgentRow& a) { return a.progress; });
  out.column<std::uint16_t>(rows, [](const AgentRow& a) { return a.order_cell; });
  for (const AgentRow& row : rows) {
    const Attributes& a = row.attributes;
    for (std::int16_t v : {a.speed, a.health, a.attack, a.defense, a.carry_capacity})
      out.put(v);
  }
}
void put_agent_bytes(Packer& out, const Rows& rows) {
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.team; });
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.role; });
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.load_type; });
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.load; });
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.capacity; });
  out.column<std::uint8_t>(rows, [](const AgentRow& a) { return a.order; });
}

std::int32_t or_none(std::uint32_t value, std::uint32_t none) {
  return value == none ? -1 : static_cast<std::int32_t>(value);
}

void put_events(Packer& out, std::span<const Event> events) {
  for (const Event& event : events) {
    out.put<std::int32_t>(static_cast<std::int32_t>(event.kind));
    out.put(event.tick);
    out.put(or_none(event.team, no_team));
    out.put(or_none(event.agent, no_agent));
    out.put(or_none(event.other, no_agent));
    out.put(or_none(event.cell, no_cell));
    out.put(event.amount);
  }
}

void put_outcome(Packer& out, const Outcome& outcome) {
  out.put<std::uint32_t>(outcome.over ? static_cast<std::uint32_t>(outcome.by) : 0);
  out.put<std::uint32_t>(outcome.winner);
  out.put<std::uint32_t>(static_cast<std::uint32_t>(outcome.tick));
  std::uint32_t ranks = 0;
  for (std::size_t team = 0; team < outcome.rank.size(); ++team) {
    ranks |= static_cast<std::uint32_t>(outcome.rank[team]) << (8 * team);
  }
  out.put(ranks);
}

void put_frame_header(Packer& out, const Board& board, const World& world, std::size_t agents,
                      std::size_t events) {
  constexpr int hash_interval_ticks = 64;
  const bool hashed = world.tick % hash_interval_ticks == 0 || world.over != 0;
  out.put<std::uint32_t>(static_cast<std::uint32_t>(world.tick));
  out.put<std::uint32_t>(hashed ? 1 : 0);
  out.put<std::uint64_t>(hashed ? state_hash(board, world) : 0);
  out.put<std::uint32_t>(static_cast<std::uint32_t>(board.cells()));
  out.put<std::uint32_t>(static_cast<std::uint32_t>(agents));
  out.put<std::uint32_t>(static_cast<std::uint32_t>(board.map().sites.size()));
  out.put<std::uint32_t>(static_cast<std::uint32_t>(board.teams()));
  put_outcome(out, outcome(board, world));
  out.put<std::uint32_t>(static_cast<std::uint32_t>(events));
  out.put<std::uint32_t>(no_team);
}

int living_agents(const World& world, int team) {
  const auto first = world.id.begin() + first_slot(team);
  return static_cast<int>(agents_per_team_max -
                          std::count(first, first + agents_per_team_max, no_agent));
}

}  // namespace

void append_team_rows(const Board& board, const World& world, std::vector<std::int32_t>& out) {
  for (int team = 0; team < board.teams(); ++team) {
    const auto t = static_cast<std::size_t>(team);
    out.insert(out.end(), {world.store[t][0], world.store[t][1], world.store[t][2],
                           world.deposits[t], world.held[t], living_agents(world, team),
                           world.spawn_ready_tick[t], world.territory_ticks[t]});
  }
}

void write_frame(const Board& board, const World& world, std::span<const Event> events,
                 Bytes& out) {
  const Rows rows = living_rows(board, world);
  const auto cells = static_cast<std::size_t>(board.cells());
  Packer pack(out);
  put_frame_header(pack, board, world, rows.size(), events.size());
  put_agent_words(pack, rows);
  std::vector<std::int32_t> teams;
  append_team_rows(board, world, teams);
  pack.array(teams.data(), teams.size());
  put_events(pack, events);
  pack.array(world.control.data(), cells);
  put_agent_halves(pack, rows);
  pack.array(world.owner.data(), cells);
  put_agent_bytes(pack, rows);
  pack.array(world.stock.data(), board.map().sites.size());
}

void write_sight(const Board& board, const View& view, Bytes& out) {
  Rows rows;
  for (const ViewAgent& agent : view.own)
    rows.push_back(row_of(agent));
  for (const ViewAgent& agent : view.enemies)
    rows.push_back(row_of(agent));
  const auto cells = static_cast<std::size_t>(board.cells());
  const auto teams = static_cast<std::size_t>(board.teams());
  Packer pack(out);
  const std::uint32_t header[frame_header_words] = {static_cast<std::uint32_t>(view.tick),
                                                    0,
                                                    0,
                                                    0,
                                                    static_cast<std::uint32_t>(cells),
                                                    static_cast<std::uint32_t>(rows.size()),
                                                    static_cast<std::uint32_t>(view.sites.size()),
                                                    static_cast<std::uint32_t>(teams),
                                                    0,
                                                    0,
                                                    0,
                                                    0,
                                                    0,
                                                    view.team};
  pack.array(header, frame_header_words);
  put_agent_words(pack, rows);
  pack.column<std::int32_t>(rows, [](const AgentRow& a) { return a.seen_tick; });
  pack.array(view.store.data(), view.store.size());
  pack.array(view.held.data(), teams);
  pack.array(view.deposits.data(), teams);
  pack.put(view.spawn_ready_tick);
  pack.column<std::int32_t>(view.sites, [](const ViewSite& s) { return s.seen_tick; });
  pack.array(view.control.data(), cells);
  put_agent_halves(pack, rows);
  pack.column<std::uint16_t>(view.sites, [](const ViewSite& s) { return s.cell; });
  pack.array(view.owner.data(), cells);
  put_agent_bytes(pack, rows);
  pack.array(view.visible.data(), cells);
  pack.array(view.explored.data(), cells);
  pack.column<std::uint8_t>(view.sites, [](const ViewSite& s) { return s.type; });
  pack.column<std::uint8_t>(view.sites, [](const ViewSite& s) { return s.stock; });
  for (std::size_t team = 0; team < teams; ++team)
    pack.put<std::uint8_t>(view.alive[team] ? 1 : 0);
}

void write_events(std::span<const Event> events, Bytes& out) {
  Packer pack(out);
  pack.put(static_cast<std::int32_t>(events.size()));
  put_events(pack, events);
}

void write_orders(std::span<const std::int32_t> header, std::span<const Order> orders, Bytes& out) {
  Packer pack(out);
  pack.array(header.data(), header.size());
  for (const Order& order : orders) {
    const Attributes& a = order.attributes;
    const std::int32_t words[order_words] = {static_cast<std::int32_t>(order.kind),
                                             order.team,
                                             or_none(order.agent, no_agent),
                                             or_none(order.cell, no_cell),
                                             or_none(order.target, no_agent),
                                             static_cast<std::int32_t>(order.role),
                                             a.speed,
                                             a.health,
                                             a.attack,
                                             a.defense,
                                             a.carry_capacity};
    pack.array(words, order_words);
  }
}

Result<std::vector<Order>> read_orders(std::string_view bytes) {
  constexpr std::size_t order_bytes = order_words * sizeof(std::int32_t);
  std::vector<Order> orders(bytes.size() / order_bytes);
  for (std::size_t i = 0; i < orders.size(); ++i) {
    std::int32_t words[order_words];
    std::memcpy(words, bytes.data() + i * order_bytes, order_bytes);
    const bool fits = words[0] >= 0 && words[0] <= static_cast<int>(OrderKind::spawn) &&
                      words[1] >= 0 && words[1] < teams_max && words[3] < no_cell &&
                      words[5] >= 0 && words[5] < roles;
    if (!fits) {
      return Error{.code = "bad_order",
                   .message = "orders[" + std::to_string(i) + "] is out of range",
                   .path = "orders[" + std::to_string(i) + "]"};
    }
    Order& order = orders[i];
    order.kind = static_cast<OrderKind>(words[0]);
    order.team = static_cast<Team>(words[1]);
    order.agent = words[2] < 0 ? no_agent : static_cast<AgentId>(words[2]);
    order.cell = words[3] < 0 ? no_cell : static_cast<Cell>(words[3]);
    order.target = words[4] < 0 ? no_agent : static_cast<AgentId>(words[4]);
    order.role = static_cast<Role>(words[5]);
    order.attributes = {.speed = static_cast<std::int16_t>(words[6]),
                        .health = static_cast<std::int16_t>(words[7]),
                        .attack = static_cast<std::int16_t>(words[8]),
                        .defense = static_cast<std::int16_t>(words[9]),
                        .carry_capacity = static_cast<std::int16_t>(words[10])};
  }
  return orders;
}

}  // namespace redoubt::wasm
