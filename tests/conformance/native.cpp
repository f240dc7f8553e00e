// Plays the games that run.mjs lists on stdin and prints how each ended, one line a game:
//
//   in:   SEED TAB PLAYERS (commas) TAB MAP FILE, or generate:WIDTHxHEIGHT:TEAMS:SEED
//   out:  the line, then TAB TICKS TAB WINNER (- for a draw) TAB HASH
//
// run.mjs plays the same games in WebAssembly and compares the lines.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "engine/base/hash64.hpp"
#include "engine/strategy/match.hpp"

namespace {

using namespace redoubt;

constexpr int ticks_max = 100'000;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "redoubt_conformance: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T unwrap(Result<T> result) {
  if (!result.ok()) fail(result.error().message);
  return std::move(*result);
}

territory::Map map_of(const std::string& source) {
  territory::GenerateOptions options;
  unsigned long long seed = 0;
  if (std::sscanf(source.c_str(), "generate:%dx%d:%d:%llu", &options.width, &options.height,
                  &options.teams, &seed) == 4) {
    options.seed = seed;
    return unwrap(territory::generate(options));
  }
  std::ifstream file(source, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) fail("cannot read " + source);
  return unwrap(territory::read_map(text.str(), source));
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);)
    parts.push_back(part);
  return parts;
}

void play_line(const std::string& line) {
  const std::vector<std::string> fields = split(line, '\t');
  if (fields.size() != 3) fail("expected seed, players and map, got: " + line);
  strategy::MatchOptions options;
  options.seed = std::strtoull(fields[0].c_str(), nullptr, 10);
  options.players = split(fields[1], ',');
  options.map = map_of(fields[2]);
  strategy::Match match = unwrap(strategy::start_match(options));
  const Result<void> played = strategy::play(match, ticks_max);
  if (!played.ok()) fail(line + ": " + played.error().message);
  const territory::Outcome end = territory::outcome(match.board, match.world);
  const std::string winner = end.winner == territory::no_team ? "-" : std::to_string(end.winner);
  std::printf("%s\t%d\t%s\t%s\n", line.c_str(), match.world.tick, winner.c_str(),
              hex16(territory::state_hash(match.board, match.world)).c_str());
  std::fflush(stdout);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);)
    play_line(line);
}
