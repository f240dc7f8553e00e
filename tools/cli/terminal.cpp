#include "tools/cli/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/plain_text.hpp"
#include "engine/base/visible_text.hpp"

extern char** environ;

namespace redoubt::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error bad_file(const std::string& path, std::string what, std::string expected, std::string got) {
  return {.code = "bad_file",
          .message = path + ": " + std::move(what),
          .path = path,
          .expected = std::move(expected),
          .got = std::move(got)};
}

Error cannot_open(const std::string& path) {
  const std::string reason = std::strerror(errno);
  return bad_file(path, reason, "a file that can be read", reason);
}

Result<std::string> read_all(std::FILE* file, const std::string& path, std::size_t bytes_max) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file)) {
    if (text.size() + got > bytes_max) {
      return bad_file(
          path,
          "larger than the allowed " + grouped(static_cast<std::int64_t>(bytes_max)) + " bytes",
          "at most " + std::to_string(bytes_max) + " bytes", "more");
    }
    text.append(buffer.data(), got);
  }
  if (std::ferror(file) != 0) return cannot_open(path);
  return text;
}

bool read_size(std::string_view text, int& width, int& height) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return false;
  const auto number = [](std::string_view part, int& out) {
    const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), out);
    return fault == std::errc() && end == part.data() + part.size();
  };
  return number(text.substr(0, cross), width) && number(text.substr(cross + 1), height);
}

std::string stem_of(const std::string& path) {
  return path == "-" ? "map" : std::filesystem::path(path).stem().string();
}

}  // namespace

std::string shown_name(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

Result<std::string> read_input(const std::string& path, std::size_t bytes_max) {
  if (path == "-") return read_all(stdin, shown_name(path), bytes_max);
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault)) {
    return bad_file(path, "is a folder", "a file", "a folder");
  }
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) return cannot_open(path);
  return read_all(file.get(), path, bytes_max);
}

Result<void> write_file(const std::string& path, std::string_view bytes) {
  const std::string draft = path + ".part" + std::to_string(getpid());
  const auto fail = [&](int reason) -> Error {
    std::remove(draft.c_str());
    const std::string words = std::strerror(reason);
    return bad_file(path, words, "a place that can be written", words);
  };
  File file(std::fopen(draft.c_str(), "wb"));
  if (!file) return fail(errno);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) return fail(errno);
  if (std::fclose(file.release()) != 0) return fail(errno);
  if (std::rename(draft.c_str(), path.c_str()) != 0) return fail(errno);
  return {};
}

std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t length = 0; !text.empty(); text.remove_prefix(length)) {
    length = utf8_length(text, 0);
    if (length == 0) {
      out += "\uFFFD";
      length = 1;
    } else if (const std::uint32_t code = code_point_at(text, 0, length); is_hidden(code)) {
      append_escape(out, code);
    } else {
      out += text.substr(0, length);
    }
  }
  return out;
}

std::string visible_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\n');
    out += visible(text.substr(0, end));
    if (end == text.npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

int report(const Error& error, bool json, std::string_view what) {
  const bool use = error.code == "bad_file" || error.code == "bad_use" ||
                   error.code == "bad_player" || error.code == "bad_secret" ||
                   error.code == "bad_config" || error.code == "bad_store";
  const std::string message =
      what.empty() ? error.message : std::string(what) + ": " + error.message;
  if (json) {
    nlohmann::json body = {{"code", error.code}, {"message", message}};
    if (!what.empty()) body["file"] = what;
    if (!error.path.empty()) body["path"] = error.path;
    if (!error.expected.empty()) body["expected"] = error.expected;
    if (!error.got.empty()) body["got"] = error.got;
    if (error.line > 0) {
      body["line"] = error.line;
      body["column"] = error.column;
    }
    const std::string text = nlohmann::json{{"error", body}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::fprintf(stderr, "%s\n", visible_lines(text).c_str());
  } else {
    std::fprintf(stderr, "redoubt: %s\n", visible_lines(message).c_str());
    // Most messages are complete; what they leave out is told on a line of its own.
    const bool told =
        error.code == "bad_file" || error.message.find(error.expected) != std::string::npos;
    if (!told) {
      std::fprintf(stderr, "  expected %s", visible_lines(error.expected).c_str());
      if (!error.got.empty()) std::fprintf(stderr, ", got %s", visible_lines(error.got).c_str());
      std::fprintf(stderr, "\n");
    }
  }
  return use ? exit_bad_use : exit_no;
}

Result<territory::Map> load_ground(const GroundOptions& options) {
  if (!options.generate.empty()) {
    territory::GenerateOptions wanted{.teams = options.teams, .seed = options.seed};
    if (!read_size(options.generate, wanted.width, wanted.height)) {
      return Error{
          .code = "bad_use",
          .message = "--generate " + options.generate + ": expected WIDTHxHEIGHT, e.g. 40x28",
          .path = "--generate",
          .expected = "WIDTHxHEIGHT, e.g. 40x28",
          .got = options.generate};
    }
    Result<territory::Map> map = territory::generate(wanted);
    // The wish was the caller's, not a file's.
    if (!map) map.error().code = "bad_use";
    return map;
  }
  const Result<std::string> text = read_input(options.file, map_bytes_max);
  if (!text) return text.error();
  Result<territory::Map> map = territory::read_map(*text, stem_of(options.file));
  if (!map) map.error().message = shown_name(options.file) + ": " + map.error().message;
  return map;
}

void warn(const territory::Map& map, const GroundOptions& options) {
  const std::string name = options.file.empty() ? map.name : shown_name(options.file);
  for (const std::string& warning : territory::warnings(map))
    std::fprintf(stderr, "redoubt: %s: warning: %s\n", name.c_str(), warning.c_str());
}

Result<territory::Rules> load_rules(const std::string& path) {
  if (path.empty()) return territory::default_rules();
  const Result<std::string> text = read_input(path, territory::rules_bytes_max);
  if (!text) return text.error();
  Result<territory::Rules> rules = territory::read_rules(*text);
  if (!rules) rules.error().message = shown_name(path) + ": " + rules.error().message;
  return rules;
}

std::vector<std::pair<std::string, std::string>> environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > sign + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string counted(std::int64_t number, std::string_view one, std::string_view many) {
  const std::string word = number == 1 || many.empty() ? std::string(one) : std::string(many);
  return grouped(number) + " " + word + (number != 1 && many.empty() ? "s" : "");
}

std::string percent(int permille) {
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

std::string_view team_name(int team) {
  static constexpr std::array<std::string_view, territory::teams_max> names{"red", "blue", "gold",
                                                                            "mint"};
  return names[static_cast<std::size_t>(team)];
}

Progress::Progress(std::int64_t total, std::string_view unit)
    : total_(std::max<std::int64_t>(1, total)),
      unit_(unit),
      terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_permille_ >= 0) std::fprintf(stderr, "\r\033[K");
}

void Progress::show(std::int64_t done) {
  if (!terminal_) return;
  const int permille = static_cast<int>(std::min<std::int64_t>(1000, done * 1000 / total_));
  if (permille == shown_permille_) return;
  shown_permille_ = permille;
  constexpr int columns = 40;
  const int full = permille * columns / 1000;
  std::string bar(static_cast<std::size_t>(full), '=');
  bar.append(static_cast<std::size_t>(columns - full), ' ');
  std::fprintf(stderr, "\r[%s] %3d %%  %s %s", bar.c_str(), permille / 10,
               std::string(unit_).c_str(), grouped(done).c_str());
}

}  // namespace redoubt::cli
