// Keys: the one table of what can be configured.
//
// A key's name is its path in YAML ("server.shards", "listeners[].port") and, upper-cased with '_'
// for what lies between words and '_N_' for a list's index, its environment variable
// (REDOUBT_SERVER_SHARDS, REDOUBT_LISTENERS_0_PORT). Lists of texts are separated by commas there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/config/config.hpp"

namespace redoubt::config {

using Target = std::variant<bool*, std::int64_t*, OptionalLimit*, std::string*,
                            std::vector<std::string>*, auth::Anonymous*, LogLevel*>;

struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// What a text must be beside a text; the answer is what was expected, or "" where it is right.
using TextCheck = std::string (*)(std::string_view value);

struct Key {
  std::string_view name;
  Target (*in_config)(Config&) = nullptr;              ///< exactly one of the two is set:
  Target (*in_entry)(Config&, std::size_t) = nullptr;  ///< a member of each entry of a list
  Range range;                                         ///< for integers and limits
  TextCheck check = nullptr;                           ///< for texts and each text of a list
  std::string_view description;
};

std::span<const Key> keys();

/// A list of entries with members: listeners, providers, aliases.
struct EntryList {
  std::string_view name;
  std::size_t entries_min = 0;
  std::size_t entries_max = 0;
  std::size_t (*size)(const Config&) = nullptr;
  void (*resize)(Config&, std::size_t) = nullptr;  ///< new entries have their defaults
};
std::span<const EntryList> entry_lists();
/// The list whose entries have the key; null for a key of the configuration itself.
const EntryList* list_of(const Key& key);
/// A configuration that has an entry in each list, to show defaults by.
Config sample();

/// The place of a key; `entry` is used for keys of a list's entries only.
/// REQUIRES: there is such an entry
Target target(const Key& key, Config& config, std::size_t entry);

/// "integer from 1 to 64", "off, local or on": what a value of this key may be.
std::string expected(const Key& key);
/// The value as YAML flow text: 8000, true, "", [a, "b c"].
std::string render(const Target& target);
/// Sets the target from a scalar; the answer is empty, or what was expected instead.
std::string assign(const Key& key, const Target& target, std::string_view text);
/// Sets a list of texts. REQUIRES: the target is one
std::string assign_list(const Key& key, const Target& target, std::vector<std::string> entries);
bool is_list(const Target& target);

/// REDOUBT_LISTENERS_0_PORT for "listeners[].port" and 0; "REDOUBT_LISTENERS_N_PORT" for nothing.
std::string environment_name(const Key& key, std::optional<std::size_t> entry);

/// docs/configuration.md.
std::string document();

}  // namespace redoubt::config
