// What a fleet wants done (engine/workflow/host/fleet.hpp), as one text for JavaScript;
// src/fleet_actions.ts declares its objects as `FleetAction`.
#pragma once

#include <string>
#include <vector>

#include "engine/workflow/host/fleet.hpp"

namespace redoubt::wasm {

/// The owner of all runs: whose page this is.
inline constexpr const char* page_owner = "page";

struct ActionsText {
  std::string json;  ///< a list of objects, one an action, in their order
  /// What is no text of them, one after the other: an object's `bytes` says how many are its.
  std::string bytes;
};

ActionsText text_of(const std::vector<workflow::Action>& actions, workflow::Fleet& fleet);

}  // namespace redoubt::wasm
