#include "relay/runs/catalogue.hpp"

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

Result<workflow::DefinitionPtr> loaded(const Document& document) {
  workflow::Loaded found = workflow::load(document, surroundings());
  if (found.ok()) return std::move(found.definition);
  Error fault = found.faults.front();
  fault.message = joined({fault.code, ": ", fault.message});
  if (found.faults.size() > 1)
    fault.message += joined({" (and ", found.faults.size() - 1, " more)"});
  fault.code = "bad_workflow";
  return fault;
}

}  // namespace

const workflow::Surroundings& surroundings() {
  static const workflow::Surroundings around{play::builtins(), {}};
  return around;
}

Result<Catalogue> Catalogue::shipped() {
  Catalogue catalogue;
  for (const workflows::Shipped& one : workflows::shipped()) {
    const auto document = yaml::read_yaml(one.text);
    if (!document) return document.error();
    auto definition = loaded(*document);
    if (!definition) return definition.error();
    catalogue.definitions_.emplace(one.name, std::move(*definition));
  }
  return catalogue;
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

Result<workflow::DefinitionPtr> read_definition(std::string_view json) {
  const auto document = read_json_document(json, {definition_bytes_max, definition_depth_max});
  if (!document) return document.error();
  return loaded(*document);
}

}  // namespace redoubt::runs
