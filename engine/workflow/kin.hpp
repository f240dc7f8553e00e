// Kin: the ids of the runs that a run leads to. They follow from the run alone, so that a host
// which died before it knew that it had started one finds it again.
#pragma once

#include <string>
#include <string_view>

namespace redoubt::workflow {

/// Runs in runs: a child deeper than this is not started.
inline constexpr int kChildDepthMax = 16;

/// The run that a child effect with this key stands for: 32 hexadecimal digits.
std::string child_id(std::string_view effect_key);
/// The run that goes on where a run ended in a handoff to a workflow.
std::string successor_id(std::string_view run_id);

}  // namespace redoubt::workflow
