// Playbook: from a Situation to a TeamStrategy with its reasons.
//
// Every stance and focus is an option whose score is a sum of weights times features; the reasons
// are the terms by which the chosen stance beats the runner-up. The tables are at the top of the
// source: to change what the strategist prefers, change a number there.
#pragma once

#include <optional>

#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

constexpr int reasons_max = 6;

/// `current`: the stance in force keeps a small bonus, so that choices do not flicker.
Decision choose_strategy(const Situation& situation, std::optional<Stance> current = std::nullopt);

}  // namespace redoubt::strategy
