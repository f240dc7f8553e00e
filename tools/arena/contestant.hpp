// Contestant: who takes part, as it is written on the command line.
//
//   NAME                     a built-in player: strategist (or builtin), agentarena, turtle, ...
//   NAME:SETTING=N,...       a variant of it
//   exec:COMMAND             a program that speaks the line protocol (docs/arena.md)
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/strategy/player.hpp"
#include "tools/arena/settings.hpp"

namespace redoubt::arena {

struct Contestant {
  std::string text;  ///< as it was written
  std::string name;  ///< of the built-in player; empty for a program
  Settings settings;
  std::vector<std::string> command;  ///< of a program: its words
  bool is_program() const { return !command.empty(); }
};

/// Error bad_use or bad_player: an unknown name, an unknown setting, no command.
Result<Contestant> read_contestant(std::string_view text);

/// For liveness alone: a program that answers plays the same whatever it takes.
constexpr int patience_ms_usual = 5000;

/// What a player is made for.
struct Place {
  const territory::Board& board;
  territory::Team team = 0;
  std::uint64_t seed = 0;               ///< the player's own; it says nothing about the match's
  int work_per_thought = 0;             ///< the purse of its searches, in rollout ticks
  int patience_ms = patience_ms_usual;  ///< how long a program may take for an answer
};

/// A program is started and greeted here (tools/arena/program_player.hpp).
/// REQUIRES: a contestant that read_contestant() made.
std::unique_ptr<strategy::Player> make_player(const Contestant& contestant, const Place& place);

/// Every built-in name with its settings, for people.
struct KnownPlayer {
  std::string_view name;
  std::string_view what;
  std::span<const Setting> settings;
};
std::vector<KnownPlayer> known_players();

}  // namespace redoubt::arena
