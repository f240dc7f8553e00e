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

workflow::Surroundings surroundings() {
  return {play::builtins(), {}};
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
  const workflow::Loaded loaded = workflow::load(*document, surroundings());
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
  const workflow::Loaded loaded = workflow::load(*document, surroundings());
  for (const Error& fault : loaded.faults)
    print_fault(journal + ".workflow.json", fault, json);
  return loaded.definition;
}

int exit_of(const Error& error, bool json) {
  const int code = report(error, json);
  return error.code == "bad_use" || error.code == "bad_json" ? exit_bad_use : code;
}

}  // namespace redoubt::cli
