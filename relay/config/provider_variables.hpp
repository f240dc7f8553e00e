// Provider variables: what a machine has in its environment that has used a provider's own SDK.
//
// Pure: keys are no part of it. Whoever starts takes them out of the environment and leaves a word
// in their place, so that no secret is read into a configuration, which can be printed.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/config/load.hpp"

namespace redoubt::config {

/// Of everybody together, a UTC day, where a key comes from the environment and nothing is said of
/// money.
constexpr std::int64_t default_day_microusd = 1'000'000;
/// What an alias is called that nobody has named: the one that the game's questions ask.
constexpr std::string_view default_alias = "strategist";

struct ProviderVariables {
  std::string_view provider;              ///< its name here and its dialect's
  std::array<std::string_view, 2> keys;   ///< the first that is set counts
  std::array<std::string_view, 2> bases;  ///< where it is asked instead of at its own address
  std::string_view base_end;              ///< of its address, which SDKs leave out of the variable
  std::string_view model_variable;
  std::string_view model;  ///< asked where no variable names one: small, and has a card
};
/// In the order in which a call goes from one to the next.
std::span<const ProviderVariables> provider_variables();

/// Where a key of the environment was found, `loaded` gets what it lacks: the provider, the alias
/// `strategist` where there is no alias, and a budget where there is none. What is named is kept.
void adopt_providers(const Environment& environment, Loaded& loaded);

/// What the environment has and nobody reads, a sentence each, of names alone: a variable that
/// looks like one of the table's (OPENAI_APIKEY, OPENAI_KEY, OPENAI_URL) where that one is not set,
/// an address or a model without a key.
std::vector<std::string> unread_variables(const Environment& environment, const Config& config);

}  // namespace redoubt::config
