#include "engine/territory/rules.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

using namespace redoubt;
using namespace redoubt::territory;

namespace {

Error refused(const std::string& json) {
  const Result<Rules> rules = read_rules(json);
  REQUIRE(!rules.ok());
  CHECK(rules.error().code == "bad_rules");
  return rules.error();
}

}  // namespace

TEST_CASE("the default table") {
  const Rules& r = default_rules();
  CHECK(check(r).ok());
  CHECK(r.time_limit_ticks == 6000);
  CHECK(r.agents_per_team_max == 16);
  CHECK(r.control_per_tick[static_cast<std::size_t>(Role::explorer)] == 150);
  CHECK(r.start_control == std::array<int, 3>{10000, 8000, 6000});
  CHECK(r.cost_permille[static_cast<std::size_t>(Role::attacker)] == Amounts{1500, 1200, 1000});
  CHECK(r.territory_share_permille == std::array<int, 3>{750, 600, 500});
}

TEST_CASE("what is written reads back to the same, and the hash tells tables apart") {
  Rules r = default_rules();
  CHECK(hash(r) == hash(default_rules()));
  r.vision_cells[2] = 5;
  r.cost_permille[3][1] = 1234;
  r.defaults[0].speed = 401;
  const Result<Rules> again = read_rules(write_rules(r));
  REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().message));
  CHECK(*again == r);
  CHECK(hash(*again) == hash(r));
  CHECK(hash(r) != hash(default_rules()));
}

TEST_CASE("a file may leave members out") {
  const Result<Rules> rules = read_rules(R"({"match": {"time_limit_ticks": 100}})");
  REQUIRE(rules.ok());
  CHECK(rules->time_limit_ticks == 100);
  CHECK(rules->cooldown_ticks == default_rules().cooldown_ticks);
  CHECK(read_rules("{}").ok());
}

TEST_CASE("what is wrong is named with its path") {
  CHECK(refused("[]").expected == "an object");
  CHECK(refused("{").line == 1);
  CHECK(refused(R"({"format": "other"})").path == "format");
  CHECK(refused(R"({"version": 2})").path == "version");
  CHECK(refused(R"({"combat": {"range_cells": 0}})").path == "combat.range_cells");
  CHECK(refused(R"({"combat": {"range_cells": 1.5}})").got == "1.5");
  CHECK(refused(R"({"combat": {"rage_cells": 1}})").path == "combat.rage_cells");
  CHECK(refused(R"({"combta": {}})").path == "combta");
  CHECK(refused(R"({"combat": 3})").path == "combat");
  CHECK(refused(R"({"defaults": {"wizard": {}}})").path == "defaults.wizard");
  CHECK(refused(R"({"defaults": {"collector": {"speed": 1001}}})").path ==
        "defaults.collector.speed");
  CHECK(refused(R"({"match": {"time_limit_ticks": 99999999999999999999}})").path ==
        "match.time_limit_ticks");
}

TEST_CASE("members that contradict each other are refused") {
  CHECK(refused(R"({"control": {"held_min": 9000, "maximum": 8000}})").path == "control.held_min");
  CHECK(refused(R"({"control": {"maximum": 9000}})").path == "start_control.ring_0");
  CHECK(refused(R"({"sites": {"stock_start": 13}})").path == "sites.stock_start");
  CHECK(refused(R"({"attributes": {"each_min": 600, "each_max": 500}})").path ==
        "attributes.each_min");
  CHECK(refused(R"({"attributes": {"sum_max": 2000}})").path == "defaults.collector.sum");
  CHECK(refused(R"({"start_agents": {"attacker": 14}})").path == "start_agents");
  CHECK(refused(R"({"movement": {"rough_cost": 5201}})").path == "movement.rough_cost");
}

TEST_CASE("health, damage, movement and load follow the table") {
  const Rules& r = default_rules();
  const Attributes half{500, 500, 500, 500, 500};
  CHECK(health_max_millipoints(r, half) == 115'000);
  CHECK(move_rate(r, half) == 1100);
  CHECK(load_capacity(r, half) == 6);
  CHECK(load_capacity(r, {100, 100, 100, 100, 100}) == 2);
  // attack 5 + 10 = 15, armour (2 + 7.5) / 2 = 4.75
  CHECK(damage_millipoints(r, Role::attacker, half, Role::collector, half, true) == 10'250);
  // 15 x 0.6 - 4.75
  CHECK(damage_millipoints(r, Role::explorer, half, Role::attacker, half, false) == 4'250);
  // a defender on an own held cell takes 0.7
  CHECK(damage_millipoints(r, Role::attacker, half, Role::defender, half, true) == 7'175);
  CHECK(damage_millipoints(r, Role::attacker, half, Role::defender, half, false) == 10'250);
  // never less than one point
  const Attributes weak{100, 100, 100, 100, 100};
  const Attributes hard{100, 100, 100, 1000, 100};
  CHECK(damage_millipoints(r, Role::collector, weak, Role::attacker, hard, false) == 1'000);
}

TEST_CASE("costs round to the nearest unit and grow with the living") {
  const Rules& r = default_rules();
  const Attributes half{500, 500, 500, 500, 500};  // 10 x (0.5 + 0.75) = 12.5
  CHECK(cost(r, Role::collector, half, 0) == Amounts{10, 13, 15});
  CHECK(cost(r, Role::collector, half, 4) == Amounts{10, 13, 15});
  CHECK(cost(r, Role::attacker, half, 8) == Amounts{23, 18, 15});  // x 1.2
  CHECK(cost(r, Role::attacker, {1000, 1000, 800, 100, 100}, 16) == Amounts{34, 27, 22});
}

TEST_CASE("attributes out of range or over the sum are refused by name") {
  const Rules& r = default_rules();
  CHECK(check_attributes(r, {100, 100, 100, 100, 1000}).ok());
  const auto low = check_attributes(r, {100, 99, 100, 100, 100});
  REQUIRE(!low.ok());
  CHECK(low.error().code == "bad_attributes");
  CHECK(low.error().path == "health");
  const auto sum = check_attributes(r, {1000, 1000, 1000, 100, 100});
  REQUIRE(!sum.ok());
  CHECK(sum.error().path == "sum");
  CHECK(sum.error().got == "3200");
}

TEST_CASE("roles have names") {
  for (int k = 0; k < roles; ++k) {
    const auto role = static_cast<Role>(k);
    const Result<Role> named = role_named(name(role));
    REQUIRE(named.ok());
    CHECK(*named == role);
  }
  CHECK(!role_named("wizard").ok());
}
