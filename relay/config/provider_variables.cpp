#include "relay/config/provider_variables.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"

namespace redoubt::config {
namespace {

// Names of variables: each provider's own SDK; base addresses without a version are completed as
// that SDK does.
constexpr std::array<ProviderVariables, 9> table{{
    {"openai",
     {"OPENAI_API_KEY"},
     {"OPENAI_BASE_URL", "OPENAI_API_BASE"},
     "",
     "OPENAI_MODEL",
     "gpt-5.4-mini"},
    {"anthropic",
     {"ANTHROPIC_API_KEY"},
     {"ANTHROPIC_BASE_URL"},
     "/v1",
     "ANTHROPIC_MODEL",
     "claude-haiku-4-5"},
    {"gemini",
     {"GEMINI_API_KEY", "GOOGLE_API_KEY"},
     {"GOOGLE_GEMINI_BASE_URL"},
     "/v1beta",
     "GEMINI_MODEL",
     "gemini-3.5-flash-lite"},
    {"mistral", {"MISTRAL_API_KEY"}, {}, "", "MISTRAL_MODEL", "mistral-small-latest"},
    {"groq",
     {"GROQ_API_KEY"},
     {"GROQ_BASE_URL"},
     "/openai/v1",
     "GROQ_MODEL",
     "openai/gpt-oss-120b"},
    {"deepseek", {"DEEPSEEK_API_KEY"}, {}, "", "DEEPSEEK_MODEL", "deepseek-flash"},
    {"xai", {"XAI_API_KEY"}, {}, "", "XAI_MODEL", "grok-4.3"},
    {"openrouter",
     {"OPENROUTER_API_KEY"},
     {"OPENROUTER_BASE_URL"},
     "",
     "OPENROUTER_MODEL",
     "openai/gpt-5.4-mini"},
    {"huggingface",
     {"HF_TOKEN", "HUGGINGFACE_API_KEY"},
     {},
     "",
     "HF_MODEL",
     "openai/gpt-oss-120b:groq"},
}};

struct Found {
  std::string_view name;
  std::string value;
};

Found find(const Environment& environment, std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    if (name.empty()) continue;
    const auto variable = std::find_if(environment.begin(), environment.end(),
                                       [&](const auto& v) { return v.first == name; });
    if (variable != environment.end() && !variable->second.empty()) return {name, variable->second};
  }
  return {};
}

std::string completed(std::string base, std::string_view end) {
  while (base.ends_with('/'))
    base.pop_back();
  if (!base.ends_with(end)) base += end;
  return base;
}

bool says_of_money(const Models& models) {
  return models.all_day_microusd || models.all_month_microusd || models.player_day_microusd ||
         models.player_month_microusd || models.anonymous_day_microusd ||
         models.anonymous_month_microusd;
}

// The file's provider has an address of its own, or that of the variable.
void add_base(const ProviderVariables& row, const Environment& environment, std::size_t index,
              Loaded& loaded) {
  const Found base = find(environment, row.bases);
  const std::string at = "providers[" + std::to_string(index) + "].base_url";
  Provider& provider = loaded.config.providers[index];
  const bool other = !provider.dialect.empty() && provider.dialect != row.provider;
  if (base.name.empty() || !provider.base_url.empty() || other) return;
  provider.base_url = completed(base.value, row.base_end);
  loaded.origins[at] = base.name;
}

bool is_configured(const Config& config, std::string_view provider) {
  return std::any_of(config.providers.begin(), config.providers.end(),
                     [&](const Provider& one) { return one.name == provider; });
}

// As if the file named the provider.
void add_provider(const ProviderVariables& row, std::string_view key_variable, Loaded& loaded) {
  const std::size_t i = loaded.config.providers.size();
  const std::string at = "providers[" + std::to_string(i) + "].";
  loaded.origins[at + "name"] = key_variable;
  loaded.config.providers.push_back({.name = std::string(row.provider)});
}

// What people write behind a provider's name and an underscore for its key, and for its address.
constexpr std::array<std::string_view, 6> key_endings{"KEY",        "TOKEN",     "SECRET",
                                                      "SECRET_KEY", "API_TOKEN", "AUTH_TOKEN"};
constexpr std::array<std::string_view, 6> base_endings{"URL",      "BASE",     "API_URL",
                                                       "API_BASE", "ENDPOINT", "API_ENDPOINT"};

std::vector<std::string_view> names_of(const ProviderVariables& row) {
  std::vector<std::string_view> names;
  for (const auto& list :
       {row.keys, row.bases, std::array<std::string_view, 2>{row.model_variable}})
    for (const std::string_view name : list)
      if (!name.empty()) names.push_back(name);
  return names;
}

template <std::size_t N>
bool has(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The variable of the table that one in capitals was probably meant to be; "" where it is
// another's.
std::string_view meant_by(std::string_view name) {
  std::vector<std::string_view> known;
  for (const ProviderVariables& row : table) {
    for (const std::string_view one : names_of(row))
      known.push_back(one);
    const std::string_view key = row.keys[0];
    const std::string_view owner = key.substr(0, key.find('_') + 1);
    if (!name.starts_with(owner)) continue;
    const std::string_view ending = name.substr(owner.size());
    if (has(key_endings, ending)) return key;
    if (has(base_endings, ending)) return row.bases[0];
  }
  // Short names are near to too many, and GOOGLE_MAPS_API_KEY is no slip of GOOGLE_API_KEY.
  constexpr std::size_t bytes_min = 9, bytes_apart_max = 2;
  const std::string_view near = name.size() < bytes_min ? std::string_view() : nearest(name, known);
  const std::size_t apart = std::max(near.size(), name.size()) - std::min(near.size(), name.size());
  return apart > bytes_apart_max ? std::string_view() : near;
}

// The row that a variable is of; null where it is none of the table's.
const ProviderVariables* owner_of(std::string_view name) {
  for (const ProviderVariables& row : table) {
    const std::vector<std::string_view> names = names_of(row);
    if (std::find(names.begin(), names.end(), name) != names.end()) return &row;
  }
  return nullptr;
}

bool is_set(const Environment& environment, std::string_view name) {
  return std::any_of(environment.begin(), environment.end(),
                     [&](const auto& v) { return v.first == name && !v.second.empty(); });
}

}  // namespace

std::span<const ProviderVariables> provider_variables() {
  return table;
}

void adopt_providers(const Environment& environment, Loaded& loaded) {
  Config& config = loaded.config;
  if (!config.vault.environment_keys) return;
  const bool names_aliases = !config.aliases.empty();
  Alias alias{.name = std::string(default_alias)};
  std::string from;
  for (const ProviderVariables& row : table) {
    const Found key = find(environment, row.keys);
    if (key.name.empty()) continue;
    if (!is_configured(config, row.provider) && config.providers.size() < providers_max)
      add_provider(row, key.name, loaded);
    for (std::size_t i = 0; i < config.providers.size(); ++i)
      if (config.providers[i].name == row.provider) add_base(row, environment, i, loaded);
    const std::array variables{row.model_variable};
    const Found model = find(environment, variables);
    alias.targets.push_back(std::string(row.provider) + "/" +
                            (model.name.empty() ? std::string(row.model) : model.value));
    from += (from.empty() ? "" : ", ") + std::string(key.name);
  }
  if (alias.targets.empty()) return;
  if (!names_aliases) {
    config.aliases.push_back(std::move(alias));
    loaded.origins["aliases[0].name"] = from;
    loaded.origins["aliases[0].targets"] = from;
  }
  // `none` in the file or the environment is a word, too.
  const bool said = says_of_money(config.models) ||
                    std::any_of(loaded.origins.begin(), loaded.origins.end(), [](const auto& one) {
                      return one.first.starts_with("models.") && one.first.ends_with("_microusd");
                    });
  if (said) return;
  config.models.all_day_microusd = default_day_microusd;
  loaded.origins["models.all_day_microusd"] = "default with " + from;
}

std::vector<std::string> unread_variables(const Environment& environment, const Config& config) {
  std::vector<std::string> unread;
  if (!config.vault.environment_keys) return unread;
  for (const auto& [name, value] : environment) {
    if (owner_of(name) != nullptr) continue;
    std::string upper = name;
    for (char& c : upper)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    const std::string_view meant = meant_by(upper);
    if (!meant.empty() && !is_set(environment, meant))
      unread.push_back(joined({"the variable ", name, " is not read; did you mean ", meant, "?"}));
  }
  for (const auto& [name, value] : environment) {
    const ProviderVariables* row = owner_of(name);
    const bool needless = row == nullptr || value.empty() ||
                          !find(environment, row->keys).name.empty() ||
                          is_configured(config, row->provider);
    if (!needless)
      unread.push_back(
          joined({"the variable ", name, " is set and ", row->keys[0], " is not: no model of ",
                  row->provider, " is asked. A server that wants no key takes any word for one"}));
  }
  return unread;
}

}  // namespace redoubt::config
