#include <cstdio>

#include "engine/agents/template.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/workflow/definition_file.hpp"

namespace redoubt::cli {
namespace {

int list_templates(bool json) {
  Json list = Json::array();
  for (const agents::AgentTemplate& one : agents::agent_templates()) {
    if (!json) {
      std::printf("%-22s %-14s %s\n", one.name.c_str(), one.category.c_str(),
                  one.description.c_str());
      continue;
    }
    list.push_back({{"name", one.name},
                    {"description", one.description},
                    {"category", one.category},
                    {"framework", one.framework},
                    {"capabilities", one.capabilities},
                    {"tasks", one.tasks.size()},
                    {"tags", one.tags}});
  }
  if (json) std::printf("%s\n", canonical(list).c_str());
  return exit_ok;
}

// KEY=JSON; what is no JSON is a text.
Result<Json> settings_of(const std::vector<std::string>& given) {
  Json settings = Json::object();
  for (const std::string& one : given) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0)
      return make_error("bad_use", {"--set needs KEY=JSON, got ", one}, {}, {}, {});
    const std::string text = one.substr(equals + 1);
    const auto json = parse_json(text);
    settings[one.substr(0, equals)] = json ? *json : Json(text);
  }
  return settings;
}

}  // namespace

int workflow_template(const WorkflowTemplateOptions& o) {
  if (o.name.empty()) return list_templates(o.json);
  const agents::AgentTemplate* found = agents::find_template(o.name);
  if (!found)
    return exit_of(make_error("unknown_template", {"there is no template \"", o.name, "\""}, {},
                              {"a name of `redoubt workflow template`"}, {o.name}),
                   o.json);
  const auto settings = settings_of(o.settings);
  if (!settings) return exit_of(settings.error(), o.json);
  const auto file = agents::instantiate(*found, o.agent.empty() ? o.name : o.agent, *settings);
  if (!file) return exit_of(file.error(), o.json);
  std::printf("%s\n", file->dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  return exit_ok;
}

}  // namespace redoubt::cli
