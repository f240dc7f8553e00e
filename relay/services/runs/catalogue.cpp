#include "relay/services/runs/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "engine/base/document.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflows/shipped.hpp"
#include "engine/yaml/read_yaml.hpp"

namespace redoubt::runs {
namespace {

constexpr std::size_t definition_bytes_max = 1 << 20;
constexpr int definition_depth_max = 64;

Result<WorkflowRead> loaded(const Document& document, const workflow::LoadContext& context) {
  workflow::Loaded found = workflow::load(document, context);
  if (found.ok()) return WorkflowRead{std::move(found.definition), std::move(found.notes)};
  Error fault = found.faults.front();
  fault.message = joined({fault.code, ": ", fault.message});
  if (found.faults.size() > 1)
    fault.message += joined({" (and ", found.faults.size() - 1, " more)"});
  fault.code = "bad_workflow";
  return fault;
}

}  // namespace

const workflow::LoadContext& pinned_load_context() {
  static const workflow::LoadContext context{play::builtins(), {}, true};
  return context;
}

Result<Catalogue> Catalogue::shipped() {
  Catalogue catalogue;
  for (const workflows::Shipped& one : workflows::shipped()) {
    auto definition = read_workflow(one.text, catalogue.load_context());
    if (!definition) return definition.error();
    catalogue.put(std::string(one.name), std::move(*definition));
  }
  return catalogue;
}

void Catalogue::put(std::string name, workflow::DefinitionPtr definition) {
  definitions_[std::move(name)] = std::move(definition);
}

workflow::DefinitionPtr Catalogue::find(std::string_view name) const {
  const auto found = definitions_.find(name);
  return found == definitions_.end() ? nullptr : found->second;
}

std::vector<Digest256> Catalogue::hashes() const {
  std::vector<Digest256> all;
  for (const auto& [name, definition] : definitions_)
    all.push_back(definition->hash);
  return all;
}

std::vector<std::string> Catalogue::names() const {
  std::vector<std::string> all;
  for (const auto& [name, definition] : definitions_)
    all.push_back(name);
  return all;
}

workflow::LoadContext Catalogue::load_context() const {
  workflow::LoadContext context{play::builtins(), {}, false};
  for (const auto& [name, definition] : definitions_)
    context.workflows.push_back({name, workflow::calls_of(*definition)});
  return context;
}

Result<workflow::DefinitionPtr> read_definition(std::string_view json,
                                                const workflow::LoadContext& context) {
  const auto document = read_json_document(json, {definition_bytes_max, definition_depth_max});
  if (!document) return document.error();
  auto read = loaded(*document, context);
  if (!read) return read.error();
  return std::move(read->definition);
}

Result<workflow::DefinitionPtr> read_workflow(std::string_view yaml,
                                              const workflow::LoadContext& context) {
  const auto document = yaml::read_yaml(yaml);
  if (!document) return document.error();
  auto read = loaded(*document, context);
  if (!read) return read.error();
  return std::move(read->definition);
}

Result<WorkflowRead> read_workflow_file(std::string_view yaml, const workflow::LoadContext& context,
                                        const Variables& variables) {
  auto file = yaml::read_yaml_file(yaml, variables);
  if (!file) return file.error();
  auto read = loaded(file->document, context);
  if (!read) return read.error();
  read->notes.insert(read->notes.begin(), file->notes.begin(), file->notes.end());
  return std::move(*read);
}

std::shared_ptr<const Catalogue> LiveCatalogue::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void LiveCatalogue::replace(Catalogue catalogue) {
  auto next = std::make_shared<const Catalogue>(std::move(catalogue));
  const std::lock_guard lock(mutex_);
  current_.swap(next);
}

WorkflowFolder::Look WorkflowFolder::look(const std::vector<WorkflowFile>& files) {
  Look found;
  bool changed = false;
  workflow::LoadContext context = shipped_.load_context();
  for (const WorkflowFile& file : files) {
    // A file may call the others, in whatever order they are read.
    const auto before = seen_.find(file.name);
    const bool known = before != seen_.end() && before->second.good;
    context.workflows.push_back(
        {file.name, known ? workflow::calls_of(*before->second.good) : std::vector<std::string>()});
  }
  std::map<std::string, Seen> now;
  for (const WorkflowFile& file : files) {
    Seen seen;
    if (const auto before = seen_.find(file.name); before != seen_.end()) seen = before->second;
    if (seen.text != file.text) {
      seen.text = file.text;
      auto read = read_workflow_file(file.text, context, variables_);
      std::vector<Error>& said = read ? found.notes : found.faults;
      const std::size_t before = said.size();
      if (read) {
        seen.good = std::move(read->definition);
        changed = true;
        said.insert(said.end(), read->notes.begin(), read->notes.end());
      } else {
        said.push_back(read.error());
      }
      for (std::size_t i = before; i < said.size(); ++i)
        said[i].path = file.name + ".yaml";
    }
    now[file.name] = std::move(seen);
  }
  changed = changed || now.size() != seen_.size();
  seen_ = std::move(now);
  if (!changed) return found;
  found.catalogue = shipped_;
  for (const auto& [name, seen] : seen_)
    if (seen.good) found.catalogue->put(name, seen.good);
  return found;
}

Result<std::vector<WorkflowFile>> read_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<WorkflowFile> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".yaml") continue;
    std::ifstream in(at->path(), std::ios::binary);
    std::string text(workflow_file_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    files.push_back({at->path().stem().string(), std::move(text)});
    if (files.size() > workflow_files_max)
      return make_error("bad_folder", {folder, " has too many workflows"}, {folder},
                        {joined({"at most ", workflow_files_max})}, {});
  }
  if (error)
    return make_error("bad_folder", {folder, " cannot be read: ", error.message()}, {folder}, {},
                      {});
  std::sort(files.begin(), files.end(),
            [](const WorkflowFile& a, const WorkflowFile& b) { return a.name < b.name; });
  return files;
}

}  // namespace redoubt::runs
