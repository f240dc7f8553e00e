// Snapshots: one list of fields with their bounds, walked to save and to load; then what holds
// between fields.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "engine/base/bytes.hpp"
#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

constexpr std::uint32_t magic = 0x53424452;  // "RDBS"
constexpr std::uint16_t version = 1;
constexpr std::int64_t any_max = std::numeric_limits<std::int32_t>::max();

class Saver {
 public:
  template <class T>
  void operator()(const char*, std::size_t, T value, std::int64_t, std::int64_t) {
    if constexpr (sizeof(T) == 1) out.u8(static_cast<std::uint8_t>(value));
    if constexpr (sizeof(T) == 2) out.u16(static_cast<std::uint16_t>(value));
    if constexpr (sizeof(T) == 4) out.u32(static_cast<std::uint32_t>(value));
  }
  void word(std::uint64_t value) { out.u64(value); }

  ByteWriter out;
};

Error bad_snapshot(std::string path, std::string expected, std::string got) {
  std::string message = "snapshot: " + path + ": expected " + expected + ", got " + got;
  return {.code = "bad_snapshot",
          .message = std::move(message),
          .path = std::move(path),
          .expected = std::move(expected),
          .got = std::move(got)};
}

class Loader {
 public:
  explicit Loader(std::string_view bytes) : in(bytes) {}

  template <class T>
  void operator()(const char* name, std::size_t index, T& value, std::int64_t low,
                  std::int64_t high) {
    const std::size_t at = in.position();
    std::int64_t read = 0;
    if constexpr (sizeof(T) == 1) read = in.u8();
    if constexpr (sizeof(T) == 2) {
      read = std::is_same_v<T, std::int16_t> ? static_cast<std::int16_t>(in.u16()) : in.u16();
    }
    if constexpr (sizeof(T) == 4) {
      read = std::is_same_v<T, std::int32_t> ? std::int64_t{in.i32()} : std::int64_t{in.u32()};
    }
    if (error) return;
    if (!in.failed() && read >= low && read <= high) {
      value = static_cast<T>(read);
      return;
    }
    const std::string place =
        std::string(name) + "[" + std::to_string(index) + "] at byte " + std::to_string(at);
    if (in.failed()) {
      error = bad_snapshot(place, "more bytes", "the end");
    } else {
      error = bad_snapshot(place, std::to_string(low) + " to " + std::to_string(high),
                           std::to_string(read));
    }
  }
  void word(std::uint64_t& value) { value = in.u64(); }

  ByteReader in;
  std::optional<Error> error;
};

template <class V, class W>
void walk_match(V& v, W& w, const Board& board) {
  v.word(w.seed);
  v("tick", 0, w.tick, 0, board.rules().time_limit_ticks);
  v("next_id", 0, w.next_id, 0, any_max);
  v("dropped_orders", 0, w.dropped_orders, 0, std::numeric_limits<std::uint32_t>::max());
  v("over", 0, w.over, 0, 1);
  v("victory", 0, w.victory, 0, static_cast<int>(Victory::time_limit));
  v("winner", 0, w.winner, 0, no_team);
}

template <class V, class W>
void walk_team(V& v, W& w, const Board& board, std::size_t t) {
  const Rules& rules = board.rules();
  v("lot", t, w.lots[t], 0, 255);
  for (auto& units : w.store[t])
    v("store", t, units, 0, store_max_units);
  v("deposits", t, w.deposits[t], 0, any_max);
  v("births", t, w.births[t], 0, w.next_id);
  v("deaths", t, w.deaths[t], 0, w.births[t]);
  v("income_ticks", t, w.income_ticks[t], 0, rules.held_cell_ticks_per_unit - 1);
  v("territory_ticks", t, w.territory_ticks[t], 0, w.tick);
  v("broke_ticks", t, w.broke_ticks[t], 0, w.tick);
  v("eliminated_tick", t, w.eliminated_tick[t], -1, w.tick);
  v("spawn_ready_tick", t, w.spawn_ready_tick[t], 0, w.tick + rules.spawn_interval_ticks);
  v("base_ready_tick", t, w.base_ready_tick[t], 0, w.tick + rules.base_cooldown_ticks);
  v("rank", t, w.rank[t], 0, board.teams());
}

template <class V, class W>
void walk_attributes(V& v, W& w, const Rules& rules, std::size_t s) {
  auto& a = w.attributes[s];
  for (auto* value : {&a.speed, &a.health, &a.attack, &a.defense, &a.carry_capacity}) {
    v("agent.attributes", s, *value, rules.attribute_min, rules.attribute_max);
  }
}

template <class V, class W>
void walk_agent(V& v, W& w, const Board& board, std::size_t s) {
  const Rules& rules = board.rules();
  v("agent.id", s, w.id[s], 0, no_agent);
  if (w.id[s] == no_agent) return;
  const int cells = board.cells();
  v("agent.birth", s, w.birth[s], 0, any_max);
  v("agent.role", s, w.role[s], 0, roles - 1);
  walk_attributes(v, w, rules, s);
  v("agent.cell", s, w.cell[s], 0, cells - 1);
  v("agent.next", s, w.next[s], 0, no_cell);
  v("agent.wake_tick", s, w.wake_tick[s], w.tick, never);
  v("agent.surplus", s, w.surplus[s], 0, move_rate(rules, w.attributes[s]) - 1);
  v("agent.health", s, w.health[s], 1, health_max_millipoints(rules, w.attributes[s]));
  // Agents imagined or placed by hand may have been unhurt since before the start.
  v("agent.hurt_tick", s, w.hurt_tick[s], -any_max / 2, w.tick);
  v("agent.strike_tick", s, w.strike_tick[s], 0, w.tick + rules.cooldown_ticks);
  v("agent.load", s, w.load[s], 0, load_capacity(rules, w.attributes[s]));
  v("agent.load_type", s, w.load_type[s], 0, w.load[s] > 0 ? resources - 1 : 0);
  v("agent.order", s, w.order[s], 0, static_cast<int>(OrderKind::guard));
  v("agent.order_cell", s, w.order_cell[s], 0, no_cell);
  v("agent.order_target", s, w.order_target[s], 0, no_agent);
  v("agent.errand", s, w.errand[s], 0, static_cast<int>(Errand::homeward));
  v("agent.came_from", s, w.came_from[s], 0, no_cell);
  v("agent.nearest", s, w.nearest[s], 0, Board::unreachable_units);
  v("agent.detours", s, w.detours[s], 0, detours_max);
}

template <class V, class W>
void walk(V& v, W& w, const Board& board) {
  walk_match(v, w, board);
  const auto teams = static_cast<std::size_t>(board.teams());
  for (std::size_t t = 0; t < teams; ++t)
    walk_team(v, w, board, t);
  for (std::size_t s = 0; s < teams * agents_per_team_max; ++s)
    walk_agent(v, w, board, s);
  for (std::size_t i = 0; i < board.map().sites.size(); ++i) {
    v("stock", i, w.stock[i], 0, board.rules().stock_max);
  }
  for (std::size_t c = 0; c < static_cast<std::size_t>(board.cells()); ++c) {
    v("control", c, w.control[c], 0, board.rules().control_max);
    v("owner", c, w.owner[c], 0, no_team);
  }
}

std::string agent(std::size_t s, const char* field) {
  return std::string("agent.") + field + "[" + std::to_string(s) + "]";
}

bool enters(const Board& board, std::size_t s, Cell cell) {
  if (cell >= board.cells() || !board.reachable(cell)) return false;
  const std::uint8_t base = board.base_at(cell);
  return base == 0xff || base == slot_team(static_cast<int>(s));
}

Result<void> check_ids(const Board& board, const World& w) {
  std::int64_t births = 0;
  for (std::size_t t = 0; t < static_cast<std::size_t>(board.teams()); ++t)
    births += w.births[t];
  if (births != w.next_id) {
    return bad_snapshot("births", std::to_string(w.next_id) + " in all", std::to_string(births));
  }
  ByTeam<std::int32_t> living{};
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (w.id[s] == no_agent) continue;
    const auto team = static_cast<std::size_t>(slot_team(static_cast<int>(s)));
    ++living[team];
    if (w.id[s] >= w.next_id || w.birth[s] >= w.births[team]) {
      return bad_snapshot(agent(s, "id"), "an id and a birth that were given out",
                          std::to_string(w.id[s]));
    }
    for (std::size_t u = 0; u < s; ++u) {
      if (w.id[u] == w.id[s]) {
        return bad_snapshot(agent(s, "id"), "an id of its own", std::to_string(w.id[s]));
      }
    }
  }
  for (std::size_t t = 0; t < static_cast<std::size_t>(board.teams()); ++t) {
    if (w.births[t] - w.deaths[t] != living[t]) {
      return bad_snapshot("deaths[" + std::to_string(t) + "]", "births less the living",
                          std::to_string(w.deaths[t]));
    }
  }
  return {};
}

Result<void> check_place(const Board& board, const World& w, std::size_t s) {
  if (!enters(board, s, w.cell[s])) {
    return bad_snapshot(agent(s, "cell"), "a cell that it can be in", std::to_string(w.cell[s]));
  }
  const Cell next = w.next[s];
  if (next != no_cell) {
    const auto& around = board.neighbours(w.cell[s]);
    if (!enters(board, s, next) || std::find(around.begin(), around.end(), next) == around.end()) {
      return bad_snapshot(agent(s, "next"), "a neighbour that it can enter", std::to_string(next));
    }
    if (w.wake_tick[s] == never) {
      return bad_snapshot(agent(s, "wake_tick"), "the tick of its arrival", "never");
    }
  }
  for (std::size_t u = 0; u < agents_max; ++u) {
    if (u == s || w.id[u] == no_agent) continue;
    const bool swapping = w.next[u] == w.cell[s] && w.cell[u] == next &&
                          slot_team(static_cast<int>(u)) == slot_team(static_cast<int>(s)) &&
                          w.wake_tick[u] == w.wake_tick[s];
    const bool same_next = next != no_cell && (w.next[u] == next || w.cell[u] == next);
    if (w.cell[u] == w.cell[s] || (same_next && !swapping)) {
      return bad_snapshot(agent(s, "cell"), "a cell of its own",
                          "the one of agent " + std::to_string(w.id[u]));
    }
  }
  return {};
}

Result<void> check_standing_order(const Board& board, const World& w, std::size_t s) {
  const Cell came_from = w.came_from[s];
  if (came_from != no_cell && came_from >= board.cells()) {
    return bad_snapshot(agent(s, "came_from"), "a cell", std::to_string(came_from));
  }
  if (w.errand[s] != Errand::outbound && w.order[s] != OrderKind::collect) {
    return bad_snapshot(agent(s, "errand"), "an errand of a collecting agent", "another order");
  }
  const Order order{.kind = w.order[s],
                    .team = static_cast<Team>(slot_team(static_cast<int>(s))),
                    .agent = w.id[s],
                    .cell = w.order_cell[s],
                    .target = w.order_target[s]};
  if (auto fits = check(board, w, order); !fits) {
    return bad_snapshot(agent(s, "order"), "an order that the rules allow", fits.error().message);
  }
  return {};
}

Result<void> check_cells(const Board& board, const World& w) {
  for (std::size_t c = 0; c < static_cast<std::size_t>(board.cells()); ++c) {
    const bool owned = w.owner[c] < board.teams();
    const bool whole =
        w.control[c] > 0 ? owned && board.reachable(static_cast<Cell>(c)) : w.owner[c] == no_team;
    if (whole) continue;
    return bad_snapshot("owner[" + std::to_string(c) + "]",
                        "a team where control is above 0 and none elsewhere",
                        std::to_string(w.owner[c]));
  }
  return {};
}

Result<void> check_end(const Board& board, const World& w) {
  const bool named = w.winner == no_team || w.winner < board.teams();
  const bool told = (w.over != 0) == (w.victory != Victory::none);
  const bool open = w.over == 0 && w.tick >= board.rules().time_limit_ticks;
  if (named && told && !open && (w.over != 0 || w.winner == no_team)) return {};
  return bad_snapshot("over", "an end that fits victory, winner and tick", std::to_string(w.over));
}

Result<void> check_whole(const Board& board, const World& w) {
  if (auto fits = check_end(board, w); !fits) return fits;
  if (auto fits = check_ids(board, w); !fits) return fits;
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (w.id[s] == no_agent) continue;
    if (auto fits = check_place(board, w, s); !fits) return fits;
    if (auto fits = check_standing_order(board, w, s); !fits) return fits;
  }
  return check_cells(board, w);
}

Result<void> check_header(const Board& board, ByteReader& in) {
  const auto mismatch = [](const char* what, const std::string& expected, const std::string& got) {
    return Error{
        .code = "version_mismatch",
        .message = std::string("snapshot: ") + what + ": expected " + expected + ", got " + got,
        .path = what,
        .expected = expected,
        .got = got};
  };
  const std::uint32_t found_magic = in.u32();
  const std::uint16_t found_version = in.u16();
  const std::uint64_t rules = in.u64();
  const std::uint64_t map = in.u64();
  if (in.failed() || found_magic != magic) {
    return bad_snapshot("header at byte 0", "\"RDBS\", a version and two hashes",
                        in.failed() ? "the end" : "other bytes");
  }
  if (found_version != version) {
    return mismatch("version", std::to_string(version), std::to_string(found_version));
  }
  if (rules != board.rules_hash()) {
    return mismatch("rules", hex16(board.rules_hash()), hex16(rules));
  }
  if (map != board.map_hash()) return mismatch("map", hex16(board.map_hash()), hex16(map));
  return {};
}

}  // namespace

std::string save(const Board& board, const World& world) {
  Saver saver;
  saver.out.u32(magic);
  saver.out.u16(version);
  saver.out.u64(board.rules_hash());
  saver.out.u64(board.map_hash());
  walk(saver, world, board);
  return saver.out.take();
}

Result<World> load(const Board& board, std::string_view snapshot) {
  Loader loader(snapshot);
  if (auto fits = check_header(board, loader.in); !fits) return fits.error();
  World world = start(board, 0);
  world.id.fill(no_agent);
  for (std::size_t s = 0; s < agents_max; ++s)
    clear_slot(world, s);
  walk(loader, world, board);
  if (loader.error) return *loader.error;
  if (loader.in.remaining() > 0) {
    return bad_snapshot("byte " + std::to_string(loader.in.position()), "the end",
                        std::to_string(loader.in.remaining()) + " more bytes");
  }
  if (auto fits = check_whole(board, world); !fits) return fits.error();
  settle(board, world);
  return world;
}

}  // namespace redoubt::territory
