// What a plain scalar says in YAML 1.2's core schema (YAML 1.2.2, 10.3.2).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::yaml {

/// null, a boolean, a number, or else the text itself. An error (without a position) for a number
/// that JSON has not: .inf, .nan, or one beyond the range of doubles. Integers are as in JSON.
Result<nlohmann::json> plain_scalar(const std::string& text);

/// What is to be said of a plain scalar that tools of YAML 1.1 read as something else, with the way
/// to write it so that all agree: yes, 012, 1:30, 1_000, 2001-01-01. Empty where they agree.
std::string note_of_older_reading(std::string_view text);

}  // namespace redoubt::yaml
