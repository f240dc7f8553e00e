#include "engine/agents/capability.hpp"

#include <algorithm>
#include <utility>

#include "engine/agents/name_list.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::data {
extern const std::string_view agent_capabilities;
}

namespace redoubt::agents {
namespace {

constexpr std::size_t kTextBytesMax = 4096;

Error bad(const char* code, Pieces message, Pieces path, Pieces expected) {
  return make_error(code, message, path, expected, {});
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<Capability> read_capability(const Json& json) {
  JsonFields fields(json, "bad_capability");
  Capability capability;
  capability.name = fields.text("name", 64);
  capability.description = fields.text_or("description", kTextBytesMax, "");
  capability.category = fields.text_or("category", 64, "");
  capability.version = fields.text_or("version", 32, "1.0.0");
  capability.author = fields.text_or("author", 256, "");
  capability.required_frameworks = read_names(fields, "required_frameworks");
  capability.dependencies = read_names(fields, "dependencies");
  capability.tags = read_names(fields, "tags");
  if (const Json* parameters = fields.member_or_null("parameters")) {
    auto compiled = schema::Schema::compile(*parameters);
    if (!compiled)
      return bad("bad_capability", {compiled.error().message},
                 {"parameters", compiled.error().path}, {"a JSON Schema"});
    capability.parameters = std::make_shared<const Json>(*parameters);
    capability.schema = std::move(*compiled);
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return capability;
}

CapabilityRegistry CapabilityRegistry::built_in() {
  CapabilityRegistry registry;
  const auto file = parse_json(data::agent_capabilities);
  if (!file) return registry;
  for (const Json& one : (*file)["capabilities"]) {
    auto capability = read_capability(one);
    if (capability) (void)registry.define(std::move(*capability));
  }
  return registry;
}

Result<void> CapabilityRegistry::define(Capability capability) {
  if (all_.size() >= kCapabilitiesMax)
    return bad("bad_capability", {"there are too many capabilities"}, {},
               {"at most ", kCapabilitiesMax});
  if (find(capability.name))
    return bad("bad_capability", {"\"", capability.name, "\" is defined already"}, {"name"},
               {"another name"});
  for (const std::string& needed : capability.dependencies)
    if (!find(needed))
      return bad("bad_capability", {"it needs \"", needed, "\", which is not defined"},
                 {"dependencies"}, {"a capability that is defined"});
  all_.push_back(std::move(capability));
  return {};
}

const Capability* CapabilityRegistry::find(std::string_view name) const {
  for (const Capability& one : all_)
    if (one.name == name) return &one;
  return nullptr;
}

std::vector<std::string> CapabilityRegistry::attached(const std::string& agent) const {
  std::vector<std::string> names;
  if (const auto found = attached_.find(agent); found != attached_.end())
    for (const Attached& one : found->second)
      names.push_back(one.capability);
  return names;
}

Result<bool> CapabilityRegistry::attach(const std::string& agent, std::string_view framework,
                                        std::string_view name) {
  const Capability* capability = find(name);
  if (!capability)
    return bad("unknown_capability", {"there is no capability \"", name, "\""}, {}, {});
  const std::vector<std::string> there = attached(agent);
  if (holds(there, name)) return false;
  if (!capability->required_frameworks.empty() &&
      !holds(capability->required_frameworks, framework))
    return bad("wrong_framework", {"\"", name, "\" is not for the framework \"", framework, "\""},
               {}, {});
  for (const std::string& needed : capability->dependencies)
    if (!holds(there, needed))
      return bad("missing_dependency", {"\"", name, "\" needs \"", needed, "\""}, {},
                 {"it attached first"});
  attached_[agent].push_back({capability->name, 0});
  return true;
}

bool CapabilityRegistry::detach(const std::string& agent, std::string_view name) {
  const auto found = attached_.find(agent);
  if (found == attached_.end()) return false;
  auto& list = found->second;
  const auto one = std::find_if(list.begin(), list.end(),
                                [&](const Attached& a) { return a.capability == name; });
  if (one == list.end()) return false;
  list.erase(one);
  if (list.empty()) attached_.erase(found);
  return true;
}

std::uint64_t CapabilityRegistry::usage_count(const std::string& agent,
                                              std::string_view name) const {
  if (const auto found = attached_.find(agent); found != attached_.end())
    for (const Attached& one : found->second)
      if (one.capability == name) return one.uses;
  return 0;
}

Result<Json> CapabilityRegistry::prepare(const std::string& agent, std::string_view name,
                                         const Json& parameters) {
  const auto found = attached_.find(agent);
  Attached* use = nullptr;
  if (found != attached_.end())
    for (Attached& one : found->second)
      if (one.capability == name) use = &one;
  const Capability* capability = find(name);
  if (!use || !capability)
    return bad("not_attached", {"\"", agent, "\" has no capability \"", name, "\""}, {},
               {"one that is attached"});
  Json given = parameters.is_null() ? Json::object() : parameters;
  if (!given.is_object())
    return bad("bad_parameters", {"the parameters are no object"}, {"parameters"}, {"an object"});
  if (capability->parameters && capability->parameters->contains("properties")) {
    const Json& properties = (*capability->parameters)["properties"];
    for (auto item = properties.begin(); item != properties.end(); ++item)
      if (item->is_object() && item->contains("default") && !given.contains(item.key()))
        given[item.key()] = (*item)["default"];
  }
  if (capability->schema) {
    const auto faults = capability->schema->validate(given, 1);
    if (!faults.empty())
      return bad("bad_parameters", {faults[0].message}, {"parameters", faults[0].instance_path},
                 {"parameters that fit"});
  }
  ++use->uses;
  return given;
}

}  // namespace redoubt::agents
