#include "tools/cli/workflow/definition_file.hpp"

#include <cstdio>
#include <filesystem>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflows/shipped.hpp"
#include "engine/yaml/read_yaml.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/journal.hpp"

namespace redoubt::cli {

using workflow::DefinitionPtr;

namespace {

// A file, or a shipped workflow by its name where there is no such file.
Result<std::string> workflow_text(const std::string& file) {
  if (file != "-" && !std::filesystem::exists(file))
    for (const workflows::Shipped& one : workflows::shipped())
      if (one.name == file) return std::string(one.text);
  return read_input(file, request_bytes_max);
}

void print_fault(const std::string& file, const Error& fault, bool json) {
  if (json) {
    const Json line = {{"file", file},       {"line", fault.line}, {"column", fault.column},
                       {"code", fault.code}, {"path", fault.path}, {"message", fault.message}};
    std::fprintf(stderr, "%s\n", canonical(line).c_str());
    return;
  }
  std::fprintf(stderr, "%s:%d:%d: %s%s%s\n", shown_name(file).c_str(), fault.line, fault.column,
               fault.path.c_str(), fault.path.empty() ? "" : ": ", fault.message.c_str());
}

}  // namespace

namespace {

constexpr std::size_t called_files_max = 1000;

// A shipped workflow has no folder.
std::filesystem::path folder_of(const std::string& file) {
  std::error_code none;
  if (file == "-" || !std::filesystem::exists(file, none)) return {};
  return std::filesystem::absolute(file, none).parent_path();
}

}  // namespace

workflow::Surroundings surroundings(const std::string& file) {
  workflow::Surroundings around{play::builtins(), {}, false};
  for (const workflows::Shipped& one : workflows::shipped())
    around.workflows.push_back({std::string(one.name), {}});
  std::error_code error;
  const std::filesystem::path folder = folder_of(file);
  if (folder.empty()) return around;
  for (std::filesystem::directory_iterator at(folder, error), end;
       !error && at != end && around.workflows.size() < called_files_max; at.increment(error))
    if (at->path().extension() == ".yaml")
      around.workflows.push_back({at->path().stem().string(), {}});
  return around;
}

workflow::Surroundings pinned_surroundings() {
  return {play::builtins(), {}, true};
}

std::string called_file(const std::string& file, const std::string& name) {
  std::error_code none;
  const std::filesystem::path folder = folder_of(file);
  if (folder.empty()) return name;
  const std::filesystem::path beside = folder / (name + ".yaml");
  return std::filesystem::exists(beside, none) ? beside.string() : name;
}

DefinitionPtr load_file(const std::string& file, bool json, int& code) {
  const auto text = workflow_text(file);
  if (!text) {
    code = report(text.error(), json);
    return nullptr;
  }
  code = exit_no;
  const auto document = yaml::read_yaml(*text);
  if (!document) {
    print_fault(file, document.error(), json);
    return nullptr;
  }
  const workflow::Loaded loaded = workflow::load(*document, surroundings(file));
  for (const Error& fault : loaded.faults)
    print_fault(file, fault, json);
  return loaded.definition;
}

DefinitionPtr load_beside(const std::string& journal, bool json, int& code) {
  const auto text = definition_beside(journal);
  if (!text) {
    code = report(text.error(), json);
    return nullptr;
  }
  code = exit_no;
  const auto document = read_json_document(*text);
  if (!document) {
    code = report(document.error(), json, journal);
    return nullptr;
  }
  const workflow::Loaded loaded = workflow::load(*document, pinned_surroundings());
  for (const Error& fault : loaded.faults)
    print_fault(journal + ".workflow.json", fault, json);
  return loaded.definition;
}

int exit_of(const Error& error, bool json) {
  const int code = report(error, json);
  return error.code == "bad_use" || error.code == "bad_json" ? exit_bad_use : code;
}

}  // namespace redoubt::cli
