#include "engine/strategy/team_strategy.hpp"

#include <cmath>

#include "engine/base/json.hpp"

namespace redoubt::strategy {
namespace {

// UTF-16 units of the character that starts with `lead`, and its bytes in UTF-8.
struct Width {
  int units = 1;
  int bytes = 1;
};

Width width_of(unsigned char lead) {
  if (lead < 0x80) return {1, 1};
  if (lead < 0xe0) return {1, 2};
  if (lead < 0xf0) return {1, 3};
  return {2, 4};
}

}  // namespace

Json to_json(const TeamStrategy& strategy) {
  Json priorities = Json::array();
  for (Priority p : strategy.priorities) {
    priorities.push_back(priority_names[static_cast<std::size_t>(p)]);
  }
  return {{"strategy", stance_names[static_cast<std::size_t>(strategy.stance)]},
          {"focus", focus_names[static_cast<std::size_t>(strategy.focus)]},
          {"priorities", std::move(priorities)},
          {"description", strategy.description}};
}

Json to_json(const Reason& reason) {
  return {{"feature", reason.feature},
          {"text", reason.text},
          {"value", round_to(reason.value, 100)},
          {"unit", reason.unit},
          {"weight", round_to(reason.weight, 1000)}};
}

Json to_json(const std::vector<Reason>& reasons) {
  Json list = Json::array();
  for (const Reason& reason : reasons)
    list.push_back(to_json(reason));
  return list;
}

int utf16_units(std::string_view text) {
  int units = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Width width = width_of(static_cast<unsigned char>(text[at]));
    units += width.units;
    at += static_cast<std::size_t>(width.bytes);
  }
  return units;
}

std::string cut_utf16(std::string_view text, int units_max) {
  int units = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Width width = width_of(static_cast<unsigned char>(text[at]));
    if (units + width.units > units_max) break;
    units += width.units;
    at += static_cast<std::size_t>(width.bytes);
  }
  return std::string(text.substr(0, at));
}

std::string fixed(double value, int decimals) {
  constexpr std::int64_t powers[] = {1, 10, 100, 1000};
  const std::int64_t scale = powers[decimals];
  const double scaled = value * static_cast<double>(scale);
  auto whole = static_cast<std::int64_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  std::string text = whole < 0 ? "-" : "";
  if (whole < 0) whole = -whole;
  text += std::to_string(whole / scale);
  if (decimals == 0) return text;
  const std::string digits = std::to_string(whole % scale);
  text += '.';
  text.append(static_cast<std::size_t>(decimals) - digits.size(), '0');
  return text + digits;
}

double round_to(double value, int steps) {
  const double scaled = value * steps;
  const double rounded = scaled < 0 ? -std::floor(-scaled + 0.5) : std::floor(scaled + 0.5);
  return rounded / steps + 0.0;  // no negative zero in an answer
}

}  // namespace redoubt::strategy
