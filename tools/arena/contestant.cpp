#include "tools/arena/contestant.hpp"

#include <algorithm>
#include <array>

#include "engine/base/nearest.hpp"
#include "tools/arena/command_words.hpp"
#include "tools/arena/opponents/opponents.hpp"
#include "tools/arena/program_player.hpp"

namespace redoubt::arena {
namespace {

constexpr std::string_view program_prefix = "exec:";

struct EnginePlayer {
  std::string_view name;
  std::string_view engine_name;
  std::string_view what;
};
constexpr std::array<EnginePlayer, 5> engine_players{{
    {"strategist", "strategist", "the engine's own player"},
    {"builtin", "strategist", "the same"},
    {"random", "random", "random legal orders; the floor"},
    {"agentarena", "agentarena", "what the original game's agents do"},
    {"rush", "rush", "attackers at once, straight for the enemy's workers"},
}};

const EnginePlayer* engine_player(std::string_view name) {
  const auto found = std::find_if(engine_players.begin(), engine_players.end(),
                                  [&](const EnginePlayer& p) { return p.name == name; });
  return found == engine_players.end() ? nullptr : &*found;
}

const Opponent* opponent(std::string_view name) {
  const auto all = opponents();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Opponent& o) { return o.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Error unknown_player(std::string_view name) {
  std::vector<std::string_view> names;
  std::string list;
  for (const KnownPlayer& player : known_players()) {
    names.push_back(player.name);
    list += (list.empty() ? "" : ", ") + std::string(player.name);
  }
  return {.code = "bad_player",
          .message = "there is no player \"" + std::string(name) + "\"; there are " + list +
                     " and exec:COMMAND" + did_you_mean(name, names),
          .path = "player",
          .expected = list,
          .got = std::string(name)};
}

Result<void> read_settings(std::string_view list, Contestant& contestant) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    const std::string_view one = list.substr(0, end);
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
    const std::size_t equals = one.find('=');
    if (equals == one.npos) {
      return Error{.code = "bad_use",
                   .message = contestant.text + ": expected SETTING=NUMBER, got \"" +
                              std::string(one) + "\"",
                   .path = "player",
                   .expected = "SETTING=NUMBER",
                   .got = std::string(one)};
    }
    const auto set =
        contestant.settings.set(contestant.name, one.substr(0, equals), one.substr(equals + 1));
    if (!set) return set.error();
  }
  return {};
}

}  // namespace

Result<Contestant> read_contestant(std::string_view text) {
  Contestant contestant{.text = std::string(text)};
  if (text.starts_with(program_prefix)) {
    auto words = command_words(text.substr(program_prefix.size()));
    if (!words) return words.error();
    contestant.command = std::move(*words);
    return contestant;
  }
  const std::size_t colon = text.find(':');
  contestant.name = text.substr(0, colon);
  const Opponent* scripted = opponent(contestant.name);
  if (scripted == nullptr && engine_player(contestant.name) == nullptr) {
    return unknown_player(contestant.name);
  }
  contestant.settings =
      Settings(scripted != nullptr ? scripted->settings : std::span<const Setting>());
  if (colon == text.npos) return contestant;
  const auto read = read_settings(text.substr(colon + 1), contestant);
  if (!read) return read.error();
  return contestant;
}

std::unique_ptr<strategy::Player> make_player(const Contestant& contestant, const Place& place) {
  if (contestant.is_program()) return std::make_unique<ProgramPlayer>(contestant, place);
  if (const Opponent* scripted = opponent(contestant.name)) {
    return scripted->make(place, contestant.settings);
  }
  const EnginePlayer* player = engine_player(contestant.name);
  auto made = strategy::make_player(player->engine_name, place.board, place.team, place.seed);
  return std::move(made.value());
}

std::vector<KnownPlayer> known_players() {
  std::vector<KnownPlayer> all;
  for (const EnginePlayer& player : engine_players)
    all.push_back({player.name, player.what, {}});
  for (const Opponent& each : opponents())
    all.push_back({each.name, each.what, each.settings});
  return all;
}

}  // namespace redoubt::arena
