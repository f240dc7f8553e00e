// Where the workflow commands take a definition from: a file, the shipped ones by their names, or
// what a journal keeps beside itself. Faults go to stderr, all of them.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::cli {

/// What a workflow file may call in this program: the built-ins, the shipped workflows, and the
/// other workflows of its folder.
workflow::LoadContext load_context(const std::string& file);
/// What a definition that a run has pinned may call: whatever it called when it began.
workflow::LoadContext pinned_load_context();
/// Where the workflow `name` is that `file` calls: beside it, else the name of a shipped one.
std::string called_file(const std::string& file, const std::string& name);

/// Null, with the exit code, where there are faults. `notes` gets what the file's author may want
/// to know.
workflow::DefinitionPtr load_file(const std::string& file, bool json, int& code,
                                  std::vector<Error>& notes);
void print_notes(const std::string& file, const std::vector<Error>& notes, bool json);
/// The definition that a journal keeps beside itself.
workflow::DefinitionPtr load_beside(const std::string& journal, bool json, int& code);

/// Prints the error; bad_use for what was not asked for rightly.
int exit_of(const Error& error, bool json);

}  // namespace redoubt::cli
