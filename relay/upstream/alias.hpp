// Aliases: the names that clients ask for, resolved to targets in order of preference.
//
//   strategist: [anthropic/claude-haiku-4-5, openai/gpt-5.4-mini, engine]
//
// 1. An entry is a target (`provider/model` of a provider that is configured) or `engine`, the
//    built-in strategist. Aliases do not name aliases: a list says all.
// 2. `engine` answers the game's endpoints only, and ends a list: nothing is tried after it.
// 3. A name that is no alias may be a target itself, where `direct_targets` allows it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::upstream {

struct Alias {
  std::string name;
  std::vector<std::string> targets;
};

struct AliasOptions {
  std::vector<Alias> aliases;
  std::vector<std::string> providers;  ///< names of the configured ones
  bool direct_targets = false;         ///< may a client name a target itself?
};

constexpr std::size_t aliases_max = 256;
constexpr std::size_t alias_targets_max = 16;
constexpr std::size_t model_name_bytes_max = 256;

struct Route {
  std::vector<std::string> targets;  ///< "provider/model", without engine
  bool engine = false;               ///< the list ends in engine
};

class Aliases {
 public:
  /// Refuses (code "bad_alias") a name twice, an empty list, an unknown provider, a target twice,
  /// an entry after engine, and what is over a bound.
  static Result<Aliases> make(AliasOptions options);
  /// Errors: "unknown_model".
  Result<Route> resolve(std::string_view model) const;
  const std::vector<Alias>& list() const { return options_.aliases; }

 private:
  explicit Aliases(AliasOptions options) : options_(std::move(options)) {}
  AliasOptions options_;
};

}  // namespace redoubt::upstream
