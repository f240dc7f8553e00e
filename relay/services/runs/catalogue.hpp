// Catalogue: the workflows that the relay runs for everybody who may run workflows at all.
//
// They are the shipped ones, and the files of a folder that the operator edits while the relay
// runs: a file there stands in for the shipped workflow of its name, or adds one.
//
// Others (a caller's own file, a bundle of an unknown definition) need the right to author.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/variables.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::runs {

/// What a definition that is pinned by a run or a bundle can call: what is not here any more fails
/// when the run comes to it.
const workflow::LoadContext& pinned_load_context();

class Catalogue {
 public:
  /// The shipped workflows. An error is a fault of the build: its tests load every one.
  static Result<Catalogue> shipped();

  void put(std::string name, workflow::DefinitionPtr definition);
  /// Null where no workflow has the name.
  workflow::DefinitionPtr find(std::string_view name) const;
  std::vector<Digest256> hashes() const;
  std::vector<std::string> names() const;
  /// What a new workflow can call: the built-ins, and every workflow of the catalogue.
  workflow::LoadContext load_context() const;

 private:
  std::map<std::string, workflow::DefinitionPtr, std::less<>> definitions_;
};

/// A definition from its canonical JSON, as a run pins it, or from a caller's file.
/// Errors: "bad_json"; "bad_workflow" with the first fault and how many more there are.
Result<workflow::DefinitionPtr> read_definition(std::string_view json,
                                                const workflow::LoadContext& context);

/// A definition from a shipped file's YAML. Errors: "bad_yaml", "bad_workflow", with line and
/// column.
Result<workflow::DefinitionPtr> read_workflow(std::string_view yaml,
                                              const workflow::LoadContext& context);

struct WorkflowRead {
  workflow::DefinitionPtr definition;
  std::vector<Error> notes;  ///< what its author may want to know
};
/// The same of a file of the operator's, with the variables that it may name. Errors: also
/// "bad_variable", "unset_variable".
Result<WorkflowRead> read_workflow_file(std::string_view yaml, const workflow::LoadContext& context,
                                        const Variables& variables);

/// The catalogue of the moment. Any thread.
class LiveCatalogue {
 public:
  explicit LiveCatalogue(Catalogue catalogue)
      : current_(std::make_shared<const Catalogue>(std::move(catalogue))) {}
  std::shared_ptr<const Catalogue> current() const;
  void replace(Catalogue catalogue);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Catalogue> current_;
};

/// A file as it was found.
struct WorkflowFile {
  std::string name;  ///< without .yaml
  std::string text;
};

/// Watches what a folder's files say, and keeps the last good reading of each.
class WorkflowFolder {
 public:
  /// A definition goes out with every run's bundle: only what `variables` allow gets into one.
  WorkflowFolder(Catalogue shipped, Variables variables)
      : shipped_(std::move(shipped)), variables_(std::move(variables)) {}

  struct Look {
    std::optional<Catalogue> catalogue;  ///< where something changed
    std::vector<Error> faults;  ///< of files that changed: refused, the last good one stays
    std::vector<Error> notes;   ///< of files that changed and were taken
  };
  /// All files as they are now; a file that is gone gives its name back to the shipped one.
  Look look(const std::vector<WorkflowFile>& files);

 private:
  struct Seen {
    std::string text;
    workflow::DefinitionPtr good;
  };
  const Catalogue shipped_;
  const Variables variables_;
  std::map<std::string, Seen> seen_;
};

constexpr std::size_t workflow_files_max = 256;
constexpr std::size_t workflow_file_bytes_max = 1 << 20;
/// The folder's *.yaml, by name. Errors: "bad_folder".
Result<std::vector<WorkflowFile>> read_folder(const std::string& folder);

}  // namespace redoubt::runs
