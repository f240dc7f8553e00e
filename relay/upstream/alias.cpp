#include "relay/upstream/alias.hpp"

#include <algorithm>
#include <optional>

#include "engine/base/message.hpp"

namespace redoubt::upstream {
namespace {

constexpr std::string_view engine_name = "engine";

std::string_view provider_of(std::string_view target) {
  const std::size_t slash = target.find('/');
  if (slash == std::string_view::npos || slash + 1 == target.size()) return {};
  return target.substr(0, slash);
}

bool is_configured(const AliasOptions& options, std::string_view target) {
  const std::string_view provider = provider_of(target);
  return !provider.empty() && std::find(options.providers.begin(), options.providers.end(),
                                        provider) != options.providers.end();
}

Error bad(std::string path, Pieces expected, std::string_view got) {
  const std::string said = joined(expected);
  return make_error("bad_alias", {path, ": expected ", said, ", got \"", got, "\""}, {path}, {said},
                    {got});
}

std::string providers_said(const AliasOptions& options) {
  if (options.providers.empty()) return "the name of an entry of `providers`, which has none";
  std::string said = "one of ";
  for (const std::string& name : options.providers)
    said += joined({name == options.providers.front() ? "" : ", ", name});
  return said;
}

std::optional<Error> check(const AliasOptions& options, std::size_t index) {
  const Alias& alias = options.aliases[index];
  const std::string path = joined({"aliases[", index, "]"});
  const std::vector<std::string>& targets = alias.targets;
  if (alias.name.empty() || alias.name.size() > model_name_bytes_max || alias.name == engine_name)
    return bad(path + ".name",
               {"a name of 1 to ", model_name_bytes_max, " bytes other than engine"}, alias.name);
  if (targets.empty() || targets.size() > alias_targets_max)
    return bad(path + ".targets", {"1 to ", alias_targets_max, " targets"},
               std::to_string(targets.size()));
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string place = joined({path, ".targets[", i, "]"});
    if (std::find(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(i), targets[i]) !=
        targets.begin() + static_cast<std::ptrdiff_t>(i))
      return bad(place, {"each target once"}, targets[i]);
    if (targets[i] == engine_name) {
      if (i + 1 < targets.size())
        return bad(place, {"engine as the last entry: it always answers"}, targets[i]);
    } else if (targets[i].size() > model_name_bytes_max || !is_configured(options, targets[i])) {
      return bad(place,
                 {"PROVIDER/MODEL, where PROVIDER is ", providers_said(options), ", or engine"},
                 targets[i]);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Aliases> Aliases::make(AliasOptions options) {
  if (options.aliases.size() > aliases_max)
    return bad("aliases", {"at most ", aliases_max, " aliases"},
               std::to_string(options.aliases.size()));
  for (std::size_t i = 0; i < options.aliases.size(); ++i) {
    if (auto fault = check(options, i)) return *std::move(fault);
    for (std::size_t k = 0; k < i; ++k)
      if (options.aliases[k].name == options.aliases[i].name)
        return bad(joined({"aliases[", i, "].name"}), {"each name once"}, options.aliases[i].name);
  }
  return Aliases(std::move(options));
}

Result<Route> Aliases::resolve(std::string_view model) const {
  for (const Alias& alias : options_.aliases) {
    if (alias.name != model) continue;
    Route route{alias.targets, alias.targets.back() == engine_name};
    if (route.engine) route.targets.pop_back();
    return route;
  }
  if (options_.direct_targets && model.size() <= model_name_bytes_max &&
      is_configured(options_, model))
    return Route{{std::string(model)}, false};
  return make_error("unknown_model", {"there is no model ", model.substr(0, model_name_bytes_max)},
                    {"model"}, {"one of those that GET /v1/models lists"},
                    {model.substr(0, model_name_bytes_max)});
}

}  // namespace redoubt::upstream
