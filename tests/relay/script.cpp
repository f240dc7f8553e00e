#include "tests/relay/script.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace redoubt::script {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  INFO("script ", path);
  REQUIRE(file.good());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

Command parse(const std::string& line) {
  Command command;
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    const std::string word = line.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (command.name.empty()) {
      command.name = word;
      continue;
    }
    const std::size_t equals = word.find('=');
    command.values[word.substr(0, equals)] =
        equals == std::string::npos ? "1" : word.substr(equals + 1);
  }
  return command;
}

std::int64_t unit_of(const std::string& suffix) {
  if (suffix.empty()) return 1;
  if (suffix == "ms") return 1'000'000;
  if (suffix == "s") return 1'000'000'000;
  if (suffix == "$") return 1'000'000'000'000;
  if (suffix == "m$") return 1'000'000'000;
  FAIL("unknown unit ", suffix);
  return 0;
}

}  // namespace

std::string Command::text(const std::string& key, const std::string& fallback) const {
  const auto found = values.find(key);
  return found == values.end() ? fallback : found->second;
}

std::int64_t Command::number(const std::string& key, std::int64_t fallback) const {
  const auto found = values.find(key);
  if (found == values.end()) return fallback;
  char* end = nullptr;
  const long long value = std::strtoll(found->second.c_str(), &end, 10);
  return value * unit_of(end);
}

void run(const std::string& file, const Handler& handler) {
  const std::string path = "tests/relay/" + file;
  const std::vector<std::string> lines = lines_of(path);
  std::string rewritten;
  std::vector<Command> commands;
  int traces = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rewritten += lines[i] + "\n";
    if (lines[i].empty() || lines[i][0] == '#') continue;
    if (lines[i] != "----") {
      commands.push_back(parse(lines[i]));
      continue;
    }
    std::string expected;
    const std::size_t from = i + 1;
    while (i + 1 < lines.size() && !lines[i + 1].empty())
      expected += lines[++i] + "\n";
    std::string got;
    for (const Command& command : commands)
      got += handler(command);
    commands.clear();
    rewritten += got;
    ++traces;
    INFO(path, ":", from);
    CHECK(got == expected);
  }
  CHECK(commands.empty());
  CHECK(traces > 0);
  if (std::getenv("REDOUBT_REWRITE_SCRIPTS") != nullptr) std::ofstream(path) << rewritten;
}

}  // namespace redoubt::script
