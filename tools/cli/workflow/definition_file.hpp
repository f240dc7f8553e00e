// Where the workflow commands take a definition from: a file, the shipped ones by their names, or
// what a journal keeps beside itself. Faults go to stderr, all of them.
#pragma once

#include <string>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::cli {

/// What exists around a workflow in this program: the built-ins.
workflow::Surroundings surroundings();

/// Null, with the exit code, where there are faults.
workflow::DefinitionPtr load_file(const std::string& file, bool json, int& code);
/// The definition that a journal keeps beside itself.
workflow::DefinitionPtr load_beside(const std::string& journal, bool json, int& code);

/// Prints the error; bad_use for what was not asked for rightly.
int exit_of(const Error& error, bool json);

}  // namespace redoubt::cli
