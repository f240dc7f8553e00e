#include "engine/territory/replay.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/hash64.hpp"

namespace redoubt::territory {
namespace {

constexpr std::uint32_t magic = 0x52424452;  // "RDBR"
constexpr std::uint16_t version = replay_format;
constexpr std::size_t map_bytes_max = 256 * 1024;
constexpr std::size_t name_bytes_max = 200;
constexpr std::uint32_t orders_max = 4'000'000;
constexpr std::size_t order_bytes_min = 4;  // tick, kind and team, agent, cell: a byte or more each

Error bad_replay(const ByteReader& in, const std::string& what, std::string expected,
                 std::string got) {
  std::string path = "byte " + std::to_string(in.position());
  if (in.failed()) got = "the end of the file";
  return {.code = "bad_replay",
          .message = "replay, " + path + ": " + what + ": expected " + expected + ", got " + got,
          .path = path,
          .expected = std::move(expected),
          .got = std::move(got)};
}

// Seven bits a byte, low bits first: most numbers of an order are small.
void put(ByteWriter& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7)
    out.u8(static_cast<std::uint8_t>(value | 0x80));
  out.u8(static_cast<std::uint8_t>(value));
}

std::uint32_t take(ByteReader& in) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const std::uint8_t byte = in.u8();
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return static_cast<std::uint32_t>(value);
  }
  return 0xffffffffu;
}

// no_cell and no_agent become 0, everything else moves up by one.
std::uint32_t cell_code(Cell cell) {
  return cell == no_cell ? 0u : cell + 1u;
}
Cell coded_cell(std::uint32_t code) {
  return static_cast<Cell>(code - 1u);
}

void write_order(ByteWriter& out, const Order& order, std::uint32_t ticks_on) {
  put(out, ticks_on);
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(order.kind) << 4 | order.team));
  if (order.kind == OrderKind::spawn) {
    const Attributes& a = order.attributes;
    out.u8(static_cast<std::uint8_t>(order.role));
    for (int v : {a.speed, a.health, a.attack, a.defense, a.carry_capacity}) {
      out.u16(static_cast<std::uint16_t>(v));
    }
    return;
  }
  put(out, order.agent + 1u);
  put(out, cell_code(order.cell));
  if (order.kind == OrderKind::attack) put(out, order.target + 1u);
}

Order read_order(ByteReader& in) {
  const std::uint8_t head = in.u8();
  Order order{.kind = static_cast<OrderKind>(head >> 4), .team = static_cast<Team>(head & 15)};
  if (order.kind == OrderKind::spawn) {
    Attributes& a = order.attributes;
    order.role = static_cast<Role>(in.u8());
    for (std::int16_t* v : {&a.speed, &a.health, &a.attack, &a.defense, &a.carry_capacity}) {
      *v = static_cast<std::int16_t>(in.u16());
    }
    return order;
  }
  order.agent = take(in) - 1u;
  order.cell = coded_cell(take(in));
  if (order.kind == OrderKind::attack) order.target = take(in) - 1u;
  return order;
}

Result<void> read_ground(ByteReader& in, Replay& replay) {
  const std::uint64_t rules_hash = in.u64();
  const std::uint64_t map_hash = in.u64();
  const std::string_view rules_text = in.text(rules_bytes_max);
  const std::string_view map_text = in.text(map_bytes_max);
  if (in.failed()) return bad_replay(in, "rules and map", "their texts", "too long a text");
  Result<Rules> rules = read_rules(rules_text);
  if (!rules) {
    return bad_replay(in, "rules", "rules that this engine knows", rules.error().message);
  }
  if (hash(*rules) != rules_hash) {
    Error error = bad_replay(in, "rules", "the hash " + hex16(rules_hash) + " that was recorded",
                             hex16(hash(*rules)) + " as this engine reads them");
    error.code = "version_mismatch";
    return error;
  }
  Result<Map> map = read_compact(map_text);
  if (!map) return bad_replay(in, "map", "a map", map.error().message);
  if (map->hash() != map_hash) {
    return bad_replay(in, "map", "the hash " + hex16(map_hash) + " that was recorded",
                      hex16(map->hash()));
  }
  replay.rules = *rules;
  replay.map = std::move(map).value();
  return {};
}

Result<void> read_players(ByteReader& in, Replay& replay) {
  replay.seed = in.u64();
  for (std::uint8_t& lot : replay.lots)
    lot = in.u8();
  const std::uint8_t teams = in.u8();
  if (in.failed() || teams != replay.map.teams()) {
    return bad_replay(in, "players", std::to_string(replay.map.teams()) + " of them",
                      std::to_string(teams));
  }
  for (int team = 0; team < teams; ++team) {
    replay.players.emplace_back(in.text(name_bytes_max));
    replay.work_units.push_back(in.i32());
  }
  if (in.failed()) return bad_replay(in, "players", "a name and work for each", "too long a name");
  return {};
}

Result<void> read_hashes(ByteReader& in, Replay& replay) {
  replay.final_tick = in.i32();
  replay.final_hash = in.u64();
  const std::uint32_t count = in.u32();
  const std::int32_t limit = replay.rules.time_limit_ticks;
  if (in.failed() || replay.final_tick < 0 || replay.final_tick > limit) {
    return bad_replay(in, "final tick", "0 to " + std::to_string(limit),
                      std::to_string(replay.final_tick));
  }
  const auto expected = static_cast<std::uint32_t>(replay.final_tick / replay_hash_interval_ticks);
  if (count != expected || std::uint64_t{count} * 8 > in.remaining()) {
    return bad_replay(in, "state hashes", std::to_string(expected) + " of them",
                      count != expected ? std::to_string(count) : "the end of the file");
  }
  replay.hashes.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i)
    replay.hashes.push_back(in.u64());
  return {};
}

Result<void> read_orders(ByteReader& in, Replay& replay) {
  const std::uint32_t count = in.u32();
  if (in.failed() || count > orders_max || count * order_bytes_min > in.remaining()) {
    return bad_replay(in, "orders", "as many as follow", std::to_string(count));
  }
  replay.orders.reserve(count);
  std::int64_t tick = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    tick += take(in);
    const Order order = read_order(in);
    if (in.failed() || tick >= replay.final_tick) {
      return bad_replay(in, "order " + std::to_string(i),
                        "an order before tick " + std::to_string(replay.final_tick),
                        "tick " + std::to_string(tick));
    }
    replay.orders.push_back({.tick = static_cast<std::int32_t>(tick), .order = order});
  }
  if (in.remaining() > 0) {
    return bad_replay(in, "after the orders", "the end",
                      std::to_string(in.remaining()) + " more bytes");
  }
  return {};
}

}  // namespace

std::string write_replay(const Replay& replay) {
  ByteWriter out;
  out.u32(magic);
  out.u16(version);
  out.u64(hash(replay.rules));
  out.u64(replay.map.hash());
  out.text(write_rules(replay.rules));
  out.text(write_compact(replay.map));
  out.u64(replay.seed);
  for (std::uint8_t lot : replay.lots)
    out.u8(lot);
  const auto teams = static_cast<std::size_t>(replay.map.teams());
  out.u8(static_cast<std::uint8_t>(teams));
  for (std::size_t team = 0; team < teams; ++team) {
    const std::string name = team < replay.players.size() ? replay.players[team] : "";
    out.text(std::string_view(name).substr(0, name_bytes_max));
    out.i32(team < replay.work_units.size() ? replay.work_units[team] : 0);
  }
  out.i32(replay.final_tick);
  out.u64(replay.final_hash);
  out.u32(static_cast<std::uint32_t>(replay.hashes.size()));
  for (std::uint64_t h : replay.hashes)
    out.u64(h);
  out.u32(static_cast<std::uint32_t>(replay.orders.size()));
  std::int32_t tick = 0;
  for (const TimedOrder& timed : replay.orders) {
    write_order(out, timed.order, static_cast<std::uint32_t>(timed.tick - tick));
    tick = timed.tick;
  }
  return out.take();
}

Result<Replay> read_replay(std::string_view bytes) {
  ByteReader in(bytes);
  const std::uint32_t found_magic = in.u32();
  const std::uint16_t found_version = in.u16();
  if (in.failed() || found_magic != magic) {
    return bad_replay(in, "header", "\"RDBR\" and a version", "other bytes");
  }
  if (found_version != version) {
    Error error = bad_replay(in, "version", std::to_string(version), std::to_string(found_version));
    error.code = "version_mismatch";
    return error;
  }
  Replay replay;
  if (auto fits = read_ground(in, replay); !fits) return fits.error();
  if (auto fits = read_players(in, replay); !fits) return fits.error();
  if (auto fits = read_hashes(in, replay); !fits) return fits.error();
  if (auto fits = read_orders(in, replay); !fits) return fits.error();
  return replay;
}

Result<Verdict> verify(const Replay& replay) {
  Result<Board> board = Board::make(replay.map, replay.rules);
  if (!board) return board.error();
  World world = start(*board, replay.seed, replay.lots);
  std::vector<Order> orders;
  std::size_t next = 0;
  const auto differs = [&](std::uint64_t recorded, std::uint64_t computed) {
    return Verdict{.same = false, .tick = world.tick, .recorded = recorded, .computed = computed};
  };
  while (world.tick < replay.final_tick) {
    orders.clear();
    for (; next < replay.orders.size() && replay.orders[next].tick == world.tick; ++next) {
      orders.push_back(replay.orders[next].order);
    }
    if (auto played = step(*board, world, orders); !played) {
      Error error = played.error();
      error.code = "bad_replay";
      error.message = "replay, tick " + std::to_string(world.tick) + ": " + error.message;
      return error;
    }
    if (world.tick % replay_hash_interval_ticks != 0) continue;
    const auto index = static_cast<std::size_t>(world.tick / replay_hash_interval_ticks - 1);
    if (index >= replay.hashes.size()) continue;
    const std::uint64_t computed = state_hash(*board, world);
    if (computed != replay.hashes[index]) return differs(replay.hashes[index], computed);
  }
  const std::uint64_t computed = state_hash(*board, world);
  if (computed != replay.final_hash) return differs(replay.final_hash, computed);
  return Verdict{
      .same = true, .tick = world.tick, .recorded = replay.final_hash, .computed = computed};
}

}  // namespace redoubt::territory
