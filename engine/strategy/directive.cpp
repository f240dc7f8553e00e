#include "engine/strategy/directive.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/json.hpp"

namespace redoubt::strategy {
namespace {

constexpr double usual_confidence = 0.5;

Result<TeamStrategy> read_strategy(const Json& value) {
  JsonFields fields(value, "bad_answer");
  TeamStrategy out;
  constexpr std::size_t word_bytes_max = 64;
  constexpr std::size_t description_bytes_max = 4 * description_units_max;
  const std::string stance = fields.text("strategy", word_bytes_max);
  const std::string focus = fields.text("focus", word_bytes_max);
  const Json* priorities = fields.member("priorities");
  out.description = fields.text("description", description_bytes_max);
  if (!fields.ok()) return fields.error();
  const auto stance_index = index_of(stance_names, stance);
  const auto focus_index = index_of(focus_names, focus);
  if (!stance_index)
    fields.fault("strategy", "balanced, aggressive, economic or defensive", stance);
  if (!focus_index) fields.fault("focus", "resources, territory or combat", focus);
  if (!priorities->is_array() || priorities->empty() || priorities->size() > priorities_max) {
    fields.fault("priorities", "a list of 1 to 7 priorities", describe(*priorities));
  }
  if (utf16_units(out.description) < description_units_min ||
      utf16_units(out.description) > description_units_max) {
    fields.fault("description", "5 to 200 characters",
                 std::to_string(utf16_units(out.description)) + " characters");
  }
  if (!fields.ok()) return fields.error();
  for (const Json& entry : *priorities) {
    const auto index = entry.is_string()
                           ? index_of(priority_names, entry.get_ref<const std::string&>())
                           : std::nullopt;
    if (!index) {
      fields.fault("priorities", "the names of priorities", describe(entry));
      return fields.error();
    }
    // A model that says a thing twice means it once.
    const auto priority = static_cast<Priority>(*index);
    bool repeated = false;
    for (Priority p : out.priorities)
      repeated = repeated || p == priority;
    if (!repeated) out.priorities.push_back(priority);
  }
  out.stance = static_cast<Stance>(*stance_index);
  out.focus = static_cast<Focus>(*focus_index);
  return out;
}

std::string text_in(const Json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_string()) return {};
  const auto& text = found->get_ref<const std::string&>();
  return text.size() > directive_text_bytes_max ? std::string() : text;
}

double number_in(const Json& value, const char* key, double fallback) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_number()) return fallback;
  const double number = found->get<double>();
  return std::isfinite(number) ? number : fallback;
}

std::vector<Reason> read_reasons(const Json& value) {
  std::vector<Reason> reasons;
  const auto found = value.find("reasons");
  if (found == value.end() || !found->is_array()) return reasons;
  for (const Json& entry : *found) {
    if (reasons.size() == directive_reasons_max) break;
    if (!entry.is_object()) continue;
    Reason reason{text_in(entry, "feature"),
                  text_in(entry, "text"),
                  number_in(entry, "value", 0),
                  text_in(entry, "unit"),
                  std::clamp(number_in(entry, "weight", 0), -1.0, 1.0),
                  {}};
    if (!reason.text.empty()) reasons.push_back(std::move(reason));
  }
  return reasons;
}

}  // namespace

Result<Directive> read_directive(const Json& value) {
  auto strategy = read_strategy(value);
  if (!strategy) return strategy.error();
  Directive out;
  out.decision.strategy = std::move(*strategy);
  out.decision.reasons = read_reasons(value);
  out.decision.confidence = std::clamp(number_in(value, "confidence", usual_confidence), 0.0, 1.0);
  // The relay's own engine answers under its name too; here it is still the relay that speaks.
  out.source = text_in(value, "source");
  if (out.source.empty() || out.source == "engine") out.source = "relay";
  return out;
}

}  // namespace redoubt::strategy
