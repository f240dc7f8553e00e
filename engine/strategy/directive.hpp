// Directive: a TeamStrategy that came from outside (a model, a relay, a person), with what was said
// about it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/result.hpp"
#include "engine/strategy/team_strategy.hpp"

namespace redoubt::strategy {

constexpr std::size_t directive_reasons_max = 8;
constexpr std::size_t directive_text_bytes_max = 400;

struct Directive {
  Decision decision;
  std::string source;  ///< a model's name, or "relay"
};

/// {strategy, focus, priorities, description}, all checked: error bad_answer names the member.
/// `reasons`, `confidence` and `source` are taken where they make sense and left out where not.
Result<Directive> read_directive(const nlohmann::json& value);

}  // namespace redoubt::strategy
