// ConfigFiles: opens what a configuration names, to say before a start what would fail at it.
#pragma once

#include <vector>

#include "engine/base/variables.hpp"
#include "relay/auth/key_ring.hpp"
#include "relay/config/load.hpp"

namespace redoubt::app {

struct FilesChecked {
  std::vector<Error> faults;    ///< all of them; each names its key, and where that was set
  std::vector<Error> warnings;  ///< what a start goes on without: a workflow's file that is wrong
  auth::KeyRingPtr keys;        ///< of the providers; null where nobody knows
};

/// What workflow files may see of the process's environment: what workflows.variables names.
Variables workflow_variables(const config::Config& config);

/// Store, secrets, certificates, authorities and workflows. Nothing is made: where the store's file
/// is not there yet, its folder is looked at.
FilesChecked check_files(const config::Loaded& loaded, const auth::SecretSources& sources);

}  // namespace redoubt::app
