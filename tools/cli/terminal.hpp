// Files, standard streams and words: the rim between the commands and the system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"
#include "tools/cli/commands.hpp"

namespace redoubt::cli {

constexpr std::size_t map_bytes_max = 4 << 20;
constexpr std::size_t request_bytes_max = 1 << 20;
constexpr std::size_t replay_bytes_max = 64 << 20;

/// The whole file, or standard input for "-". Error bad_file.
Result<std::string> read_input(const std::string& path, std::size_t bytes_max);

/// How a file is called in messages: "standard input" for "-".
std::string shown_name(const std::string& path);

/// Writes beside the file and renames, so that no half-written file is ever seen. Error bad_file.
Result<void> write_file(const std::string& path, std::string_view bytes);

/// For a terminal: what is hidden or would act there (engine/base/visible_text.hpp) is spelt as
/// JSON spells it (\u202e), what is not UTF-8 becomes U+FFFD. One line comes of any text.
std::string visible(std::string_view text);
/// The same, but lines stay lines. A JSON text means the same afterwards.
std::string visible_lines(std::string_view text);

/// Prints the error on stderr (as one JSON object where `json`) and returns its exit code.
/// `what` is put in front: a file's name, or nothing.
int report(const Error& error, bool json, std::string_view what = "");

/// The map of --map or --generate with its checks done; the error says which file.
Result<territory::Map> load_ground(const GroundOptions& options);
/// Says on stderr what a person should know about the map (territory::warnings).
void warn(const territory::Map& map, const GroundOptions& options);
/// The default rules where no file is given.
Result<territory::Rules> load_rules(const std::string& path);

/// The process's environment, in its order.
std::vector<std::pair<std::string, std::string>> environment();

/// "1,234,567".
std::string grouped(std::int64_t number);
/// "1 step", "2,000 steps"; `many` where it is not `one` and an s.
std::string counted(std::int64_t number, std::string_view one, std::string_view many = {});
/// "63.4 %".
std::string percent(int permille);
/// red, blue, gold, mint.
std::string_view team_name(int team);

/// A bar on stderr while it is a terminal; otherwise it does nothing.
class Progress {
 public:
  /// `unit` is what is counted: "tick 1,200".
  explicit Progress(std::int64_t total, std::string_view unit = "tick");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::int64_t done);

 private:
  std::int64_t total_;
  std::string_view unit_;
  bool terminal_;
  int shown_permille_ = -1;
};

}  // namespace redoubt::cli
