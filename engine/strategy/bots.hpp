// Bots: opponents to measure against, and to play against.
//
// random      random legal orders; the floor.
// agentarena  what the original game does, under our rules: agents wander in patterns by role, pick
//             a fight with whoever comes near and never let go, gather what they happen to stand
//             on; agents are built by the clock.
// rush        attackers at once, straight for the enemy's workers, then for the ground around its
//             base; two or three collectors pay for it.
#pragma once

#include <memory>

#include "engine/strategy/player.hpp"

namespace redoubt::strategy {

std::unique_ptr<Player> make_random_bot(const territory::Board& board, territory::Team team,
                                        std::uint64_t seed);
std::unique_ptr<Player> make_agentarena_bot(const territory::Board& board, territory::Team team,
                                            std::uint64_t seed);
std::unique_ptr<Player> make_rush_bot(const territory::Board& board, territory::Team team,
                                      std::uint64_t seed);

}  // namespace redoubt::strategy
