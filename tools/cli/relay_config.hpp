// The relay's configuration as a command sees it: its file, the environment, and what the command
// line sets.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/config/load.hpp"

namespace redoubt::cli {

/// `file` may be empty. REQUIRES: secrets were taken out of the environment before (it is copied).
/// Error: the first fault.
Result<config::Config> load_relay_config(const std::string& file,
                                         const std::vector<config::Override>& overrides);

}  // namespace redoubt::cli
