// Rules: the table of numbers that a match is played by. Data, not code: rules.json is the default
// and is compiled in; another file of the same shape can be given.
//
// One tick is 100 ms of game time. Everything is an integer. Attributes are permille.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::territory {

constexpr int roles = 4;
enum class Role : std::uint8_t { collector, explorer, defender, attacker };

/// Permille each, 100..1000, sum <= 3000 (rules.attribute_*).
struct Attributes {
  std::int16_t speed = 500;
  std::int16_t health = 500;
  std::int16_t attack = 500;
  std::int16_t defense = 500;
  std::int16_t carry_capacity = 500;
  constexpr int sum() const { return speed + health + attack + defense + carry_capacity; }
  friend constexpr bool operator==(const Attributes&, const Attributes&) = default;
};



struct Rules;  // every row of the table; see below

const Rules& default_rules();

/// Reads a rules file. Every member may be left out and then has its default; an unknown member, a
/// wrong type or a value out of range is error bad_rules with its path.
Result<Rules> read_rules(std::string_view json);
std::string write_rules(const Rules& rules);
std::uint64_t hash(const Rules& rules);

std::string_view name(Role role);
Result<Role> role_named(std::string_view text);

}  // namespace redoubt::territory
