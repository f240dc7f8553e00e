#include "tools/cli/workflow/definition_file.hpp"

#include <cstdio>
#include <filesystem>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflows/shipped.hpp"
#include "engine/yaml/read_yaml.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/journal.hpp"

namespace redoubt::cli {

using workflow::DefinitionPtr;

namespace {

// A file's text, or a shipped workflow's by its name where there is no such file.
struct WorkflowText {
  std::string text;
  bool shipped = false;
};

Result<WorkflowText> workflow_text(const std::string& file) {
  if (file != "-" && !std::filesystem::exists(file))
    for (const workflows::Shipped& one : workflows::shipped())
      if (one.name == file) return WorkflowText{std::string(one.text), true};
  auto text = read_input(file, request_bytes_max);
  if (!text) return text.error();
  return WorkflowText{std::move(*text)};
}

// Who runs this program owns the file: it may name what the environment has.
Result<yaml::YamlFile> read_file(const WorkflowText& given) {
  if (!given.shipped) {
    Variables variables;
    for (auto& [name, value] : environment())
      variables.values.emplace(name, value);
    return yaml::read_yaml_file(given.text, variables);
  }
  auto document = yaml::read_yaml(given.text);
  if (!document) return document.error();
  return yaml::YamlFile{std::move(*document), {}};
}

// `kind` is in front of what is said: "", "warning: ".
void print_said(const std::string& file, const char* kind, const Error& said, bool json) {
  if (json) {
    const Json line = {{"file", file},
                       {"line", said.line},
                       {"column", said.column},
                       {"code", said.code},
                       {"path", said.path},
                       {"message", said.message},
                       {"expected", said.expected},
                       {"warning", *kind != 0}};
    std::fprintf(stderr, "%s\n", canonical(line).c_str());
    return;
  }
  // Some sentences have in them what was expected.
  const bool told = said.expected.empty() || said.message.find(said.expected) != std::string::npos;
  const std::string expected = told ? "" : joined({" (expected ", said.expected, ")"});
  std::fprintf(stderr, "%s:%d:%d: %s%s%s%s%s\n", shown_name(file).c_str(), said.line, said.column,
               kind, visible_lines(said.path).c_str(), said.path.empty() ? "" : ": ",
               visible_lines(said.message).c_str(), visible_lines(expected).c_str());
}

void print_fault(const std::string& file, const Error& fault, bool json) {
  print_said(file, "", fault, json);
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

workflow::LoadContext load_context(const std::string& file) {
  workflow::LoadContext context{play::builtins(), {}, false};
  for (const workflows::Shipped& one : workflows::shipped())
    context.workflows.push_back({std::string(one.name), {}});
  std::error_code error;
  const std::filesystem::path folder = folder_of(file);
  if (folder.empty()) return context;
  for (std::filesystem::directory_iterator at(folder, error), end;
       !error && at != end && context.workflows.size() < called_files_max; at.increment(error))
    if (at->path().extension() == ".yaml")
      context.workflows.push_back({at->path().stem().string(), {}});
  return context;
}

workflow::LoadContext pinned_load_context() {
  return {play::builtins(), {}, true};
}

std::string called_file(const std::string& file, const std::string& name) {
  std::error_code none;
  const std::filesystem::path folder = folder_of(file);
  if (folder.empty()) return name;
  const std::filesystem::path beside = folder / (name + ".yaml");
  return std::filesystem::exists(beside, none) ? beside.string() : name;
}

void print_notes(const std::string& file, const std::vector<Error>& notes, bool json) {
  for (const Error& note : notes)
    print_said(file, "warning: ", note, json);
}

DefinitionPtr load_file(const std::string& file, bool json, int& code, std::vector<Error>& notes) {
  const auto text = workflow_text(file);
  if (!text) {
    code = report(text.error(), json);
    return nullptr;
  }
  code = exit_no;
  auto read = read_file(*text);
  if (!read) {
    print_fault(file, read.error(), json);
    return nullptr;
  }
  notes = std::move(read->notes);
  const workflow::Loaded loaded = workflow::load(read->document, load_context(file));
  notes.insert(notes.end(), loaded.notes.begin(), loaded.notes.end());
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
  const workflow::Loaded loaded = workflow::load(*document, pinned_load_context());
  for (const Error& fault : loaded.faults)
    print_fault(journal + ".workflow.json", fault, json);
  return loaded.definition;
}

int exit_of(const Error& error, bool json) {
  const int code = report(error, json);
  return error.code == "bad_use" || error.code == "bad_json" ? exit_bad_use : code;
}

}  // namespace redoubt::cli
