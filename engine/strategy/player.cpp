#include "engine/strategy/player.hpp"

#include "engine/strategy/bots.hpp"
#include "engine/strategy/strategist.hpp"

namespace redoubt::strategy {
namespace {

using Maker = std::unique_ptr<Player> (*)(const territory::Board&, territory::Team, std::uint64_t);

constexpr std::array<std::string_view, 4> names{"strategist", "random", "agentarena", "rush"};
constexpr std::array<Maker, names.size()> makers{make_strategist, make_random_bot,
                                                 make_agentarena_bot, make_rush_bot};

}  // namespace

std::span<const std::string_view> player_names() {
  return names;
}

Result<std::unique_ptr<Player>> make_player(std::string_view name, const territory::Board& board,
                                            territory::Team team, std::uint64_t seed) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return makers[i](board, team, seed);
  }
  std::string known;
  for (std::string_view each : names) {
    if (!known.empty()) known += ", ";
    known += each;
  }
  return Error{.code = "bad_player",
               .message = "there is no player \"" + std::string(name) + "\"; there are " + known,
               .path = "player",
               .expected = known,
               .got = std::string(name)};
}

}  // namespace redoubt::strategy
