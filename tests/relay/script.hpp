// Literate script tests: a file of commands with the trace that each must give.
//
//   # why this case exists
//   command key=value key=value
//   ----
//   the trace, line by line
//   (an empty line ends it)
//
// Several commands may stand above one `----`; their traces follow one another. A difference fails
// with the file's line, what was expected and what came. With REDOUBT_REWRITE_SCRIPTS set the file
// is written anew with what came; reading its diff is the review.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace redoubt::script {

/// One command line, taken apart.
struct Command {
  std::string name;
  std::map<std::string, std::string> values;

  bool has(const std::string& key) const { return values.count(key) > 0; }
  std::string text(const std::string& key, const std::string& fallback = "") const;
  /// A whole number, with an optional suffix: ms and s give nanoseconds; $ and m$ picodollars.
  std::int64_t number(const std::string& key, std::int64_t fallback = 0) const;
};

/// Runs a command and returns its trace, lines ending in a newline.
using Handler = std::function<std::string(const Command&)>;

/// Runs tests/relay/`file`. Faults are doctest failures.
void run(const std::string& file, const Handler& handler);

}  // namespace redoubt::script
