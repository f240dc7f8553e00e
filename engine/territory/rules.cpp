#include "engine/territory/rules.hpp"

#include <algorithm>
#include <numeric>

#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"

namespace redoubt::data {
extern const std::string_view default_rules;
}

namespace redoubt::territory {
namespace {

constexpr std::array<const char*, roles> role_names{"collector", "explorer", "defender",
                                                    "attacker"};
constexpr std::array<const char*, 3> resource_names{"energy", "materials", "data"};
constexpr int million = 1'000'000;

// The one list of all rows: `v.group(name)` opens an object of the file, `v.group(name, sub)` an
// object within it, `v(key, member, low, high)` is one number. Reading, writing, range checks and
// the hash walk it. `member` is int or std::int16_t, const or not.
template <class V, class A>
void walk_roles(V& v, const char* group, A& values, int low, int high) {
  v.group(group);
  for (std::size_t r = 0; r < roles; ++r)
    v(role_names[r], values[r], low, high);
}

template <class V, class R>
void walk_ground(V& v, R& rules) {
  v.group("match");
  v("agents_per_team_max", rules.agents_per_team_max, 1, 16);
  v("time_limit_ticks", rules.time_limit_ticks, 1, million);
  v.group("team_vision_cells");
  v("base", rules.vision_base_cells, 0, 64);
  v("held_cell", rules.vision_held_cells, 0, 1);
  v.group("control");
  v("held_min", rules.held_min, 1, 10000);
  v("maximum", rules.control_max, 1, 10000);
  walk_roles(v, "control_per_tick", rules.control_per_tick, 0, 10000);
  v.group("start_control");
  v("ring_0", rules.start_control[0], 0, 10000);
  v("ring_1", rules.start_control[1], 0, 10000);
  v("ring_2", rules.start_control[2], 0, 10000);
  v.group("income");
  v("held_cell_ticks_per_unit", rules.held_cell_ticks_per_unit, 100, 100 * million);
  v.group("sites");
  v("stock_start", rules.stock_start, 0, 200);
  v("stock_max", rules.stock_max, 0, 200);
  v("regrow_ticks", rules.regrow_ticks, 1, million);
}

template <class V, class R>
void walk_agents(V& v, R& rules) {
  v.group("attributes");
  v("each_min", rules.attribute_min, 0, 1000);
  v("each_max", rules.attribute_max, 0, 1000);
  v("sum_max", rules.attribute_sum_max, 0, 5000);
  for (std::size_t r = 0; r < roles; ++r) {
    auto& a = rules.defaults[r];
    v.group("defaults", role_names[r]);
    v("speed", a.speed, 0, 1000);
    v("health", a.health, 0, 1000);
    v("attack", a.attack, 0, 1000);
    v("defense", a.defense, 0, 1000);
    v("carry_capacity", a.carry_capacity, 0, 1000);
  }
  v.group("movement");
  v("progress_base", rules.move_base, 1, 100'000);
  v("progress_speed", rules.move_scaled, 0, 100'000);
  v("open_cost", rules.move_cost_open, 1, million);
  v("rough_cost", rules.move_cost_rough, 1, million);
  v.group("health");
  v("base_points", rules.health_base_points, 1, 10'000);
  v("scaled_points", rules.health_scaled_points, 0, 10'000);
  walk_roles(v, "vision_cells", rules.vision_cells, 0, 64);
  v.group("healing");
  v("millipoints_per_tick", rules.heal_millipoints, 0, million);
  v("range_cells", rules.heal_range_cells, 0, 3);
  v("unhurt_ticks", rules.heal_unhurt_ticks, 0, million);
  walk_roles(v, "harvest_ticks", rules.harvest_ticks, 1, 10'000);
  v.group("load");
  v("base_units", rules.load_base_units, 1, 100);
  v("scaled_units", rules.load_scaled_units, 0, 100);
  v("deposit_range_cells", rules.deposit_range_cells, 0, 3);
}

template <class V, class R>
void walk_combat(V& v, R& rules) {
  v.group("combat");
  v("attack_base_points", rules.attack_base_points, 0, 10'000);
  v("attack_scaled_points", rules.attack_scaled_points, 0, 10'000);
  v("armour_base_points", rules.armour_base_points, 0, 10'000);
  v("armour_scaled_points", rules.armour_scaled_points, 0, 10'000);
  v("armour_permille", rules.armour_permille, 0, 1000);
  v("damage_min_points", rules.damage_min_points, 0, 10'000);
  v("range_cells", rules.range_cells, 1, 8);
  v("cooldown_ticks", rules.cooldown_ticks, 1, 10'000);
  v("engage_cells", rules.engage_cells, 1, 16);
  walk_roles(v, "attack_permille", rules.attack_permille, 0, 1000);
  walk_roles(v, "held_damage_permille", rules.held_damage_permille, 0, 1000);
  v.group("base_weapon");
  v("damage_points", rules.base_damage_points, 0, 10'000);
  v("cooldown_ticks", rules.base_cooldown_ticks, 1, 10'000);
  v("range_cells", rules.base_range_cells, 0, 8);
}

template <class V, class R>
void walk_economy(V& v, R& rules) {
  v.group("cost");
  v("base_units", rules.cost_base_units, 0, 100);
  v("attributes_base_permille", rules.cost_attributes_base_permille, 0, 10'000);
  v("attributes_scaled_permille", rules.cost_attributes_scaled_permille, 0, 10'000);
  v("living_permille", rules.cost_living_permille, 0, 1000);
  v("living_free", rules.cost_living_free, 0, 16);
  for (std::size_t r = 0; r < roles; ++r) {
    v.group("cost_permille", role_names[r]);
    for (std::size_t k = 0; k < 3; ++k) {
      v(resource_names[k], rules.cost_permille[r][k], 0, 10'000);
    }
  }
  v.group("start_store");
  for (std::size_t k = 0; k < 3; ++k)
    v(resource_names[k], rules.start_store[k], 0, million);
  walk_roles(v, "start_agents", rules.start_agents, 0, 16);
  v.group("spawn");
  v("rings_max", rules.spawn_rings_max, 0, 8);
  v("interval_ticks", rules.spawn_interval_ticks, 1, million);
  v.group("territory_victory");
  v("share_permille_of_2", rules.territory_share_permille[0], 1, 1000);
  v("share_permille_of_3", rules.territory_share_permille[1], 1, 1000);
  v("share_permille_of_4", rules.territory_share_permille[2], 1, 1000);
  v("ticks", rules.territory_ticks, 1, million);
  v.group("elimination_victory");
  v("unaffordable_ticks", rules.elimination_ticks, 1, million);
  v.group("domination_victory");
  v("from_tick", rules.domination_from_tick, 0, million);
  v("deposits_min", rules.domination_deposits_min, 1, million);
  v("factor", rules.domination_factor, 1, 1000);
}

template <class V, class R>
void walk(V& v, R& rules) {
  walk_ground(v, rules);
  walk_agents(v, rules);
  walk_combat(v, rules);
  walk_economy(v, rules);
}

// Reads groups from the root; a group that appears in several places of the list is one object.
class Reader {
 public:
  explicit Reader(const Json& root) : top_(root, "bad_rules") {
    if (!top_.ok()) return;
    if (root.contains("format") && top_.text("format", 64) != "redoubt-rules") {
      top_.fault("format", "\"redoubt-rules\"", describe(root["format"]));
    }
    top_.integer_or("version", 1, 1, 1);
  }

  void group(const char* name) {
    finish_group();
    open(top_.member_or_null(name), name);
  }
  void group(const char* name, const char* sub) {
    finish_group();
    const Json* outer = top_.member_or_null(name);
    if (outer == nullptr) return;
    JsonFields fields(*outer, "bad_rules", name);
    for (const char* role : role_names)
      fields.member_or_null(role);
    fields.refuse_unknown();
    if (!fields.ok()) return note(fields.error());
    open(fields.member_or_null(sub), std::string(name) + "." + sub);
  }
  template <class T>
  void operator()(const char* key, T& value, int low, int high) {
    if (!fields_ || !fields_->ok()) return;
    value = static_cast<T>(fields_->integer_or(key, low, high, value));
  }
  std::optional<Error> finish() {
    finish_group();
    top_.refuse_unknown();
    if (!top_.ok()) return top_.error();
    return error_;
  }

 private:
  void open(const Json* object, const std::string& path) {
    if (object == nullptr || !top_.ok()) return;
    fields_.emplace(*object, "bad_rules", path);
  }
  void finish_group() {
    if (!fields_) return;
    if (fields_->ok()) fields_->refuse_unknown();
    if (!fields_->ok()) note(fields_->error());
    fields_.reset();
  }
  void note(const Error& error) {
    if (!error_) error_ = error;
  }

  JsonFields top_;
  std::optional<JsonFields> fields_;
  std::optional<Error> error_;
};

// nlohmann's ordered_json would cost another instantiation: the text is simple enough to write.
class Writer {
 public:
  void group(const char* name) { open(name, ""); }
  void group(const char* name, const char* sub) { open(name, sub); }
  void operator()(const char* key, int value, int, int) {
    if (!first_) text_ += ", ";
    first_ = false;
    text_ += "\"" + std::string(key) + "\": " + std::to_string(value);
  }
  std::string finish() {
    close();
    return "{\n  \"format\": \"redoubt-rules\",\n  \"version\": 1" + text_ + "\n}\n";
  }

 private:
  void open(const std::string& name, const std::string& sub) {
    const bool same_outer = !sub.empty() && name == outer_;
    if (same_outer) {
      text_ += "},\n    ";
    } else {
      close();
      text_ += ",\n  \"" + name + "\": {" + (sub.empty() ? "" : "\n    ");
    }
    if (!sub.empty()) text_ += "\"" + sub + "\": {";
    outer_ = name;
    nested_ = !sub.empty();
    first_ = true;
  }
  void close() {
    if (outer_.empty()) return;
    text_ += nested_ ? "}\n  }" : "}";
  }

  std::string text_;
  std::string outer_;
  bool nested_ = false;
  bool first_ = true;
};

class Hasher {
 public:
  void group(const char*) {}
  void group(const char*, const char*) {}
  void operator()(const char*, int value, int, int) {
    hash_.add(static_cast<std::uint64_t>(static_cast<std::uint32_t>(value)));
  }
  std::uint64_t value() const { return hash_.value(); }

 private:
  Hash64 hash_;
};

Error bad_rules(std::string path, std::string expected, std::string got) {
  std::string message = path + ": expected " + expected + ", got " + got;
  return {.code = "bad_rules",
          .message = std::move(message),
          .path = std::move(path),
          .expected = std::move(expected),
          .got = std::move(got)};
}

class RangeCheck {
 public:
  void group(const char* name) { path_ = name; }
  void group(const char* name, const char* sub) { path_ = std::string(name) + "." + sub; }
  void operator()(const char* key, int value, int low, int high) {
    if (error_ || (value >= low && value <= high)) return;
    error_ = bad_rules(path_ + "." + key,
                       "an integer from " + std::to_string(low) + " to " + std::to_string(high),
                       std::to_string(value));
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string path_;
  std::optional<Error> error_;
};

Result<void> check_defaults(const Rules& rules) {
  const int attributes = 5;
  if (rules.attribute_min > rules.attribute_max) {
    return bad_rules("attributes.each_min",
                     "at most each_max (" + std::to_string(rules.attribute_max) + ")",
                     std::to_string(rules.attribute_min));
  }
  if (rules.attribute_sum_max < attributes * rules.attribute_min) {
    return bad_rules(
        "attributes.sum_max",
        "at least 5 x each_min (" + std::to_string(attributes * rules.attribute_min) + ")",
        std::to_string(rules.attribute_sum_max));
  }
  for (std::size_t r = 0; r < roles; ++r) {
    if (auto fits = check_attributes(rules, rules.defaults[r]); !fits) {
      Error error = fits.error();
      error.code = "bad_rules";
      error.path = std::string("defaults.") + role_names[r] + "." + error.path;
      error.message = error.path + ": expected " + error.expected + ", got " + error.got;
      return error;
    }
  }
  const int agents = std::accumulate(rules.start_agents.begin(), rules.start_agents.end(), 0);
  if (agents > rules.agents_per_team_max) {
    return bad_rules("start_agents",
                     "at most " + std::to_string(rules.agents_per_team_max) + " agents in all",
                     std::to_string(agents));
  }
  return {};
}

// Distances are counted in the common divisor of the two costs and stored in 16 bits (board.cpp).
Result<void> check_costs(const Rules& rules) {
  const int unit = std::gcd(rules.move_cost_open, rules.move_cost_rough);
  const int larger = std::max(rules.move_cost_open, rules.move_cost_rough) / unit;
  if (larger > move_cost_units_max) {
    return bad_rules(
        "movement.rough_cost",
        "costs of at most " + std::to_string(move_cost_units_max) +
            " times their greatest common divisor",
        std::to_string(rules.move_cost_open) + " and " + std::to_string(rules.move_cost_rough));
  }
  return {};
}

Result<void> check_control(const Rules& rules) {
  if (rules.held_min > rules.control_max) {
    return bad_rules("control.held_min",
                     "at most maximum (" + std::to_string(rules.control_max) + ")",
                     std::to_string(rules.held_min));
  }
  for (std::size_t ring = 0; ring < rules.start_control.size(); ++ring) {
    if (rules.start_control[ring] > rules.control_max) {
      return bad_rules("start_control.ring_" + std::to_string(ring),
                       "at most control.maximum (" + std::to_string(rules.control_max) + ")",
                       std::to_string(rules.start_control[ring]));
    }
  }
  if (rules.stock_start > rules.stock_max) {
    return bad_rules("sites.stock_start",
                     "at most stock_max (" + std::to_string(rules.stock_max) + ")",
                     std::to_string(rules.stock_start));
  }
  return {};
}

Rules parse_default_rules() {
  // The embedded file must name every row: zeros outside a row's range would be found by check().
  Rules rules{};
  const Result<Json> root = parse_json(data::default_rules);
  assert(root.ok());
  Reader reader(*root);
  walk(reader, rules);
  [[maybe_unused]] const std::optional<Error> error = reader.finish();
  assert(!error);
  return rules;
}

}  // namespace

const Rules& default_rules() {
  static const Rules rules = parse_default_rules();
  return rules;
}

Result<Rules> read_rules(std::string_view json) {
  Result<Json> root = parse_json(json, {.bytes_max = rules_bytes_max, .depth_max = 4});
  if (!root) {
    root.error().code = "bad_rules";
    return root.error();
  }
  Rules rules = default_rules();
  Reader reader(*root);
  walk(reader, rules);
  if (const std::optional<Error> error = reader.finish()) return *error;
  if (auto checked = check(rules); !checked) return checked.error();
  return rules;
}

std::string write_rules(const Rules& rules) {
  Writer writer;
  walk(writer, rules);
  return writer.finish();
}

std::uint64_t hash(const Rules& rules) {
  Hasher hasher;
  walk(hasher, rules);
  return hasher.value();
}

Result<void> check(const Rules& rules) {
  RangeCheck ranges;
  walk(ranges, rules);
  if (ranges.error()) return *ranges.error();
  if (auto fits = check_defaults(rules); !fits) return fits;
  if (auto fits = check_costs(rules); !fits) return fits;
  return check_control(rules);
}

int health_max_millipoints(const Rules& rules, const Attributes& attributes) {
  return 1000 * rules.health_base_points + rules.health_scaled_points * attributes.health;
}

int damage_millipoints(const Rules& rules, Role attacker, const Attributes& attack, Role defender,
                       const Attributes& defense, bool on_own_held_cell) {
  const auto by_attacker = static_cast<std::size_t>(attacker);
  const auto by_defender = static_cast<std::size_t>(defender);
  const std::int64_t strength =
      std::int64_t{1000} * rules.attack_base_points + rules.attack_scaled_points * attack.attack;
  const std::int64_t armour =
      std::int64_t{1000} * rules.armour_base_points + rules.armour_scaled_points * defense.defense;
  std::int64_t damage =
      strength * rules.attack_permille[by_attacker] / 1000 - armour * rules.armour_permille / 1000;
  damage = std::max<std::int64_t>(damage, std::int64_t{1000} * rules.damage_min_points);
  if (on_own_held_cell) damage = damage * rules.held_damage_permille[by_defender] / 1000;
  return static_cast<int>(damage);
}

int move_rate(const Rules& rules, const Attributes& attributes) {
  return rules.move_base + rules.move_scaled * attributes.speed / 1000;
}

int load_capacity(const Rules& rules, const Attributes& attributes) {
  return rules.load_base_units + rules.load_scaled_units * attributes.carry_capacity / 1000;
}

Amounts cost(const Rules& rules, Role role, const Attributes& attributes, int living) {
  const std::int64_t by_attributes =
      std::int64_t{1000} * rules.cost_attributes_base_permille +
      std::int64_t{rules.cost_attributes_scaled_permille} * attributes.sum();  // x 10^6
  const std::int64_t by_living = 1000 + std::int64_t{rules.cost_living_permille} *
                                            std::max(0, living - rules.cost_living_free);
  Amounts amounts{};
  for (std::size_t k = 0; k < amounts.size(); ++k) {
    const std::int64_t permille = rules.cost_permille[static_cast<std::size_t>(role)][k];
    // units x permille x 10^6 x permille: the ranges keep it under 2 x 10^18.
    const std::int64_t scaled = rules.cost_base_units * permille * by_attributes * by_living;
    amounts[k] = static_cast<int>((scaled + 500'000'000'000) / 1'000'000'000'000);
  }
  return amounts;
}

Result<void> check_attributes(const Rules& rules, const Attributes& attributes) {
  const std::array<std::pair<const char*, int>, 5> each{
      {{"speed", attributes.speed},
       {"health", attributes.health},
       {"attack", attributes.attack},
       {"defense", attributes.defense},
       {"carry_capacity", attributes.carry_capacity}}};
  const auto bad = [](std::string path, std::string expected, int got) {
    return Error{.code = "bad_attributes",
                 .message = path + ": expected " + expected + ", got " + std::to_string(got),
                 .path = path,
                 .expected = expected,
                 .got = std::to_string(got)};
  };
  for (const auto& [key, value] : each) {
    if (value >= rules.attribute_min && value <= rules.attribute_max) continue;
    return bad(key,
               std::to_string(rules.attribute_min) + " to " + std::to_string(rules.attribute_max) +
                   " permille",
               value);
  }
  if (attributes.sum() > rules.attribute_sum_max) {
    return bad("sum", "a sum of at most " + std::to_string(rules.attribute_sum_max) + " permille",
               attributes.sum());
  }
  return {};
}

std::string_view name(Role role) {
  return role_names[static_cast<std::size_t>(role)];
}

Result<Role> role_named(std::string_view text) {
  for (std::size_t r = 0; r < roles; ++r) {
    if (text == role_names[r]) return static_cast<Role>(r);
  }
  const std::string shown(text.substr(0, 40));
  return Error{.code = "bad_rules",
               .message = "\"" + shown + "\" is not a role",
               .path = "role",
               .expected = "collector, explorer, defender or attacker",
               .got = shown};
}

}  // namespace redoubt::territory
