// TeamStrategy: what a team goes for, in the words that models speak too (docs: README.md here).
//
// 1. priorities holds 1 to 7 different entries, the most wanted first.
// 2. description has 5 to 200 UTF-16 code units.
// 3. Every JSON that leaves this part of the engine is written here, so that the shape is in one
//    place.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"

namespace redoubt::strategy {

enum class Stance : std::uint8_t { balanced, aggressive, economic, defensive };
enum class Focus : std::uint8_t { resources, territory, combat };
enum class Priority : std::uint8_t {
  collect_energy,
  collect_materials,
  collect_data,
  expand_territory,
  attack_enemies,
  defend_territory,
  defend_base,
};
constexpr int stances = 4;
constexpr int focuses = 3;
constexpr int priorities_max = 7;
constexpr int description_units_min = 5;
constexpr int description_units_max = 200;

constexpr std::array<std::string_view, stances> stance_names{"balanced", "aggressive", "economic",
                                                             "defensive"};
constexpr std::array<std::string_view, focuses> focus_names{"resources", "territory", "combat"};
constexpr std::array<std::string_view, priorities_max> priority_names{
    "collect_energy", "collect_materials", "collect_data", "expand_territory",
    "attack_enemies", "defend_territory",  "defend_base"};
constexpr std::array<std::string_view, territory::roles> role_names{"collector", "explorer",
                                                                    "defender", "attacker"};
constexpr std::array<std::string_view, territory::resources> resource_names{"energy", "materials",
                                                                            "data"};
constexpr std::array<std::string_view, territory::teams_max> team_names{"red", "blue", "green",
                                                                        "yellow"};

/// The index of `text` in `names`, or nothing.
template <std::size_t N>
constexpr std::optional<std::uint8_t> index_of(const std::array<std::string_view, N>& names,
                                               std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

/// One cause of a decision: `weight` is its signed contribution, -1..1.
struct Reason {
  std::string feature;  ///< stable name, e.g. territory_gap
  std::string text;     ///< in words, with its number
  double value = 0;     ///< measured, in `unit`
  std::string unit;
  double weight = 0;
  std::vector<territory::Cell> cells;  ///< that show it; may be empty
};

struct TeamStrategy {
  Stance stance = Stance::balanced;
  Focus focus = Focus::resources;
  std::vector<Priority> priorities;
  std::string description;
  friend bool operator==(const TeamStrategy&, const TeamStrategy&) = default;
};

/// A strategy and why it was chosen.
struct Decision {
  TeamStrategy strategy;
  std::vector<Reason> reasons;  ///< by falling |weight|
  double confidence = 0;        ///< 0..1
  /// What each stance is worth as things stand; the greatest was chosen.
  std::array<double, stances> stance_values{};
  std::array<double, focuses> focus_values{};  ///< with the chosen stance
};

/// {strategy, focus, priorities, description}
nlohmann::json to_json(const TeamStrategy& strategy);
/// {feature, text, value, unit, weight}
nlohmann::json to_json(const Reason& reason);
nlohmann::json to_json(const std::vector<Reason>& reasons);

/// `text` with at most `units_max` UTF-16 code units, cut between characters.
/// REQUIRES: text is valid UTF-8.
std::string cut_utf16(std::string_view text, int units_max);
/// How many UTF-16 code units the UTF-8 `text` takes.
int utf16_units(std::string_view text);

/// `value` with `decimals` (0..3) digits after the point, rounded half away from zero.
std::string fixed(double value, int decimals);
/// `value` rounded to 1/`steps`.
double round_to(double value, int steps);

}  // namespace redoubt::strategy
