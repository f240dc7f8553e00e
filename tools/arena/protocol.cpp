#include "tools/arena/protocol.hpp"

#include <algorithm>
#include <array>

#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/strategy/match.hpp"
#include "engine/territory/map_import.hpp"
#include "engine/territory/step.hpp"

namespace redoubt::arena {
namespace {

using nlohmann::ordered_json;
using territory::Attributes;
using territory::Cell;
using territory::Order;
using territory::OrderKind;

constexpr const char* bad_line = "bad_line";
constexpr std::size_t word_bytes_max = 64;
constexpr std::array<std::string_view, 8> kind_names{"idle",    "move",   "collect", "return",
                                                     "capture", "attack", "guard",   "spawn"};
constexpr std::array<const char*, 5> attribute_names{"speed", "health", "attack", "defense",
                                                     "carry_capacity"};

ordered_json cell_or_null(Cell cell) {
  return cell == territory::no_cell ? ordered_json(nullptr) : ordered_json(cell);
}

ordered_json agent_or_null(territory::AgentId id) {
  return id == territory::no_agent ? ordered_json(nullptr) : ordered_json(id);
}

std::string team_text(const std::vector<std::uint8_t>& owners) {
  std::string text;
  for (const std::uint8_t owner : owners)
    text += owner == territory::no_team ? '.' : static_cast<char>('0' + owner);
  return text;
}

std::string bits_text(const std::vector<std::uint8_t>& bits) {
  std::string text;
  for (const std::uint8_t bit : bits)
    text += bit != 0 ? '1' : '0';
  return text;
}

ordered_json attributes_json(const Attributes& a) {
  return {{"speed", a.speed},
          {"health", a.health},
          {"attack", a.attack},
          {"defense", a.defense},
          {"carry_capacity", a.carry_capacity}};
}

ordered_json map_json(const territory::Board& board) {
  const territory::Map& map = board.map();
  std::string terrain;
  for (int c = 0; c < map.cells(); ++c) {
    const auto cell = static_cast<Cell>(c);
    const bool open = board.reachable(cell);
    terrain += !open ? '#' : map.terrain[cell] == territory::Terrain::rough ? '~' : '.';
  }
  ordered_json sites = ordered_json::array();
  for (const territory::Site& site : board.reachable_sites())
    sites.push_back({{"cell", site.cell}, {"type", territory::resource_name(site.type)}});
  return {{"name", map.name},
          {"width", map.width},
          {"height", map.height},
          {"terrain", terrain},
          {"bases", map.bases},
          {"sites", sites},
          {"reachable_cells", board.reachable_cells()}};
}

// What the numbers of the rules mean; `rules.` is left out in front of their names.
ordered_json formulas_json() {
  return {{"cell", "row * width + column; odd rows lie half a cell to the right"},
          {"distance",
           "axial q = column - (row - row % 2) / 2, r = row; "
           "max(|dq|, |dr|, |dq + dr|)"},
          {"attributes",
           "permille; each from attributes.each_min to each_max, their sum at most "
           "attributes.sum_max"},
          {"ticks_a_cell",
           "movement.open_cost or rough_cost / (movement.progress_base + "
           "movement.progress_speed * speed / 1000)"},
          {"health",
           "health.base_points + health.scaled_points * health / 1000 points; views count "
           "thousandths"},
          {"strike",
           "each combat.cooldown_ticks at an enemy within combat.range_cells: max(combat."
           "damage_min_points, (combat.attack_base_points + combat.attack_scaled_points * "
           "attack / 1000) * attack_permille[role] / 1000 - (combat.armour_base_points + "
           "combat.armour_scaled_points * defense / 1000) * combat.armour_permille / 1000); "
           "on a cell that the struck one's team holds times held_damage_permille[role] / "
           "1000"},
          {"base",
           "strikes the weakest enemy within base_weapon.range_cells for base_weapon."
           "damage_points each base_weapon.cooldown_ticks"},
          {"capacity", "load.base_units + load.scaled_units * carry_capacity / 1000"},
          {"harvest", "a unit each harvest_ticks[role]"},
          {"control",
           "whoever stands on a cell takes control_per_tick[role] a tick from the other "
           "team's control, then adds to its own; held from control.held_min on"},
          {"cost",
           "of each resource: round(cost.base_units * cost_permille[role] / 1000 * "
           "(cost.attributes_base_permille + cost.attributes_scaled_permille * sum of "
           "attributes / 1000) / 1000 * (1 + cost.living_permille / 1000 * max(0, living - "
           "cost.living_free)))"},
          {"income",
           "1 of each resource for each income.held_cell_ticks_per_unit of held cells times "
           "ticks"},
          {"victory",
           "territory: territory_victory's share of reachable_cells held for its ticks; "
           "elimination: no agents and none affordable; at match.time_limit_ticks: most "
           "held cells"}};
}

ordered_json agent_json(const territory::ViewAgent& agent, bool own) {
  ordered_json out = {{"id", agent.id},
                      {"team", agent.team},
                      {"role", territory::name(agent.role)},
                      {"cell", agent.cell},
                      {"seen_tick", agent.seen_tick},
                      {"health", agent.health},
                      {"health_max", agent.health_max},
                      {"attributes", attributes_json(agent.attributes)}};
  if (!own) return out;
  out["next"] = cell_or_null(agent.next);
  out["load"] = agent.load;
  out["load_type"] = territory::resource_name(agent.load_type);
  out["capacity"] = agent.capacity;
  out["order"] = {{"kind", kind_names[static_cast<std::size_t>(agent.order.kind)]},
                  {"cell", cell_or_null(agent.order.cell)},
                  {"target", agent_or_null(agent.order.target)}};
  return out;
}

Result<Json> parse_line(std::string_view line) {
  auto json = parse_json(line, {.bytes_max = line_bytes_max, .depth_max = 8});
  if (!json) {
    return Error{.code = bad_line, .message = "no JSON: " + json.error().message};
  }
  if (!json->is_object()) return Error{.code = bad_line, .message = "no JSON object"};
  return json;
}

Attributes read_attributes(JsonFields& order, std::string_view path) {
  Attributes out;
  const Json* member = order.member("attributes");
  if (member == nullptr) return out;
  if (!member->is_object()) {
    order.fault("attributes", "an object", describe(*member));
    return out;
  }
  JsonFields fields(*member, bad_line, std::string(path) + ".attributes");
  std::array<std::int16_t, 5> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int16_t>(fields.integer(attribute_names[i], 0, 1000));
  }
  if (!fields.ok()) order.fault("attributes", "five numbers of permille", fields.error().message);
  return {values[0], values[1], values[2], values[3], values[4]};
}

Result<Order> read_order(const Json& json, territory::Team team, const std::string& path) {
  if (!json.is_object()) {
    return Error{.code = bad_line, .message = path + ": expected an object, got " + describe(json)};
  }
  JsonFields fields(json, bad_line, path);
  Order order{.team = team};
  const std::string kind = fields.text("kind", word_bytes_max);
  const auto found = std::find(kind_names.begin(), kind_names.end(), kind);
  if (fields.ok() && found == kind_names.end()) {
    fields.fault("kind", "idle, move, collect, return, capture, attack, guard or spawn", kind);
  }
  order.kind = static_cast<OrderKind>(found - kind_names.begin());
  if (order.kind == OrderKind::spawn) {
    const auto role = territory::role_named(fields.text("role", word_bytes_max));
    if (fields.ok() && !role) fields.fault("role", role.error().expected, role.error().got);
    if (role) order.role = *role;
    order.attributes = read_attributes(fields, path);
  } else {
    order.agent =
        static_cast<territory::AgentId>(fields.integer("agent", 0, territory::no_agent - 1));
    order.cell =
        static_cast<Cell>(fields.integer_or("cell", 0, territory::no_cell - 1, territory::no_cell));
    order.target = static_cast<territory::AgentId>(
        fields.integer_or("target", 0, territory::no_agent - 1, territory::no_agent));
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return order;
}

}  // namespace

std::string hello_line(const Place& place) {
  const territory::Board& board = place.board;
  const ordered_json line = {{"type", "hello"},
                             {"protocol", protocol_version},
                             {"team", place.team},
                             {"teams", board.teams()},
                             {"think_interval_ticks", strategy::think_interval_ticks},
                             {"order_delay_ticks", strategy::order_delay_ticks},
                             {"tick_ms", 100},
                             {"line_bytes_max", line_bytes_max},
                             {"orders_max", orders_max},
                             {"seed", std::to_string(place.seed)},
                             {"map", map_json(board)},
                             {"rules", ordered_json::parse(territory::write_rules(board.rules()))},
                             {"formulas", formulas_json()}};
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string view_line(const territory::View& view) {
  ordered_json own = ordered_json::array();
  for (const territory::ViewAgent& agent : view.own)
    own.push_back(agent_json(agent, true));
  ordered_json enemies = ordered_json::array();
  for (const territory::ViewAgent& agent : view.enemies)
    enemies.push_back(agent_json(agent, false));
  ordered_json sites = ordered_json::array();
  for (const territory::ViewSite& site : view.sites) {
    sites.push_back({{"cell", site.cell},
                     {"type", territory::resource_name(site.type)},
                     {"stock", site.stock},
                     {"seen_tick", site.seen_tick}});
  }
  ordered_json teams = ordered_json::array();
  for (std::size_t team = 0; team < view.teams; ++team) {
    teams.push_back({{"held", view.held[team]},
                     {"deposits", view.deposits[team]},
                     {"territory_ticks", view.territory_ticks[team]},
                     {"alive", view.alive[team]}});
  }
  const ordered_json line = {{"type", "view"},
                             {"tick", view.tick},
                             {"store", view.store},
                             {"income_permille", view.income_permille},
                             {"spawn_ready_tick", view.spawn_ready_tick},
                             {"teams", teams},
                             {"own", own},
                             {"enemies", enemies},
                             {"sites", sites},
                             {"owner", team_text(view.owner)},
                             {"control", view.control},
                             {"visible", bits_text(view.visible)},
                             {"explored", bits_text(view.explored)}};
  return line.dump();
}

std::string result_line(int rank, std::string_view by, int tick, std::string_view fault) {
  ordered_json line = {{"type", "result"}, {"rank", rank}, {"by", by}, {"tick", tick}};
  if (!fault.empty()) line["fault"] = fault;
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<void> read_ready(std::string_view line) {
  const auto json = parse_line(line);
  if (!json) return json.error();
  JsonFields fields(*json, bad_line);
  const std::string type = fields.text("type", word_bytes_max);
  if (fields.ok() && type != "ready") fields.fault("type", "ready", type);
  if (!fields.ok()) return fields.error();
  return {};
}

Result<std::vector<Order>> read_orders(std::string_view line, territory::Team team, int tick) {
  const auto json = parse_line(line);
  if (!json) return json.error();
  JsonFields fields(*json, bad_line);
  const std::string type = fields.text("type", word_bytes_max);
  if (fields.ok() && type != "orders") fields.fault("type", "orders", type);
  fields.integer("tick", tick, tick);
  const Json* list = fields.member("orders");
  if (list != nullptr && (!list->is_array() || list->size() > orders_max)) {
    fields.fault("orders", "a list of at most " + std::to_string(orders_max),
                 list->is_array() ? std::to_string(list->size()) : describe(*list));
  }
  if (!fields.ok()) return fields.error();
  std::vector<Order> orders;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto order = read_order((*list)[i], team, "orders[" + std::to_string(i) + "]");
    if (!order) return order.error();
    orders.push_back(*order);
  }
  return orders;
}

}  // namespace redoubt::arena
