// Loading a configuration: defaults, then a YAML text, the environment, the command line, and what
// provider_variables.hpp adds.
//
// Pure: the caller reads the file and the environment, in which a word stands for each provider's
// key (provider_variables.hpp). Every fault is reported, not only the
// first, each with where it is and what was expected; with any fault there is no configuration.
// A value in the file may name variables as ${NAME} (engine/base/variables.hpp); faults show it as
// it is written. A fault's message stands alone: "relay.yaml:3:9: listeners[0].port: expected an
// integer from 0 to 65535, got "many"".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/config/config.hpp"

namespace redoubt::config {

struct Source {
  std::string name;  ///< as errors show it: a file's path
  std::string text;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

/// A value from the command line: goes before file and environment.
struct Override {
  std::string key;  ///< "listeners[0].port"
  std::string value;
  std::string origin;  ///< how errors name it: "--port"
};

struct Loaded {
  Config config;
  /// Where a value comes from, by key ("listeners[0].port"): "relay.yaml:12" or a variable's name.
  /// A key that is not here has its default.
  std::map<std::string, std::string> origins;
  /// Values of the file that hold a secret of the environment, by key, as the file writes them.
  std::map<std::string, std::string> written;
  /// What the environment has and nobody reads (provider_variables.hpp unread_variables).
  std::vector<std::string> unread;
};

/// A key as people look for it: "relay.yaml:12: store.path"; the key alone where it is a default.
std::string where(const Loaded& loaded, const std::string& key);
/// Where a key, the entry that it belongs to, or the first key below it was set: "relay.yaml:12" or
/// a variable; "" where all of it is by default.
std::string origin_of(const Loaded& loaded, std::string_view path);
/// The error's message behind the place of its path.
std::string placed(const Loaded& loaded, const Error& fault);

using Faults = std::vector<Error>;

std::variant<Loaded, Faults> load(const std::optional<Source>& file, const Environment& environment,
                                  const std::vector<Override>& overrides = {});

/// Rules between members (two listeners on one port, a certificate without its key). Paths and no
/// places.
Faults check(const Config& config);

/// What is allowed and may surprise: limits of 0, which once meant none. One sentence each.
std::vector<std::string> warnings(const Config& config);

/// The whole configuration as YAML with a comment at each value that says where it comes from.
std::string print(const Loaded& loaded);

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t faults_max = 20;

}  // namespace redoubt::config
