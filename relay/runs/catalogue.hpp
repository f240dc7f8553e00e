// Catalogue: the workflows that the relay runs for everybody who may run workflows at all.
//
// Others (a caller's own file, a bundle of an unknown definition) need the right to author.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::runs {

/// What a workflow can call here.
const workflow::Surroundings& surroundings();

class Catalogue {
 public:
  /// The shipped workflows. An error is a fault of the build: its tests load every one.
  static Result<Catalogue> shipped();

  /// Null where no workflow has the name.
  workflow::DefinitionPtr find(std::string_view name) const;
  std::vector<Digest256> hashes() const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, workflow::DefinitionPtr, std::less<>> definitions_;
};

/// A definition from its canonical JSON, as a run pins it, or from a caller's file.
/// Errors: "bad_json"; "bad_workflow" with the first fault and how many more there are.
Result<workflow::DefinitionPtr> read_definition(std::string_view json);

}  // namespace redoubt::runs
