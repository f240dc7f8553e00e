// Report: a tournament in words and as JSON.
#pragma once

#include <string>
#include <vector>

#include "tools/arena/tournament.hpp"

namespace redoubt::arena {

/// What the games of one duel or of a whole tournament have in common.
struct Habits {
  int games = 0;
  int drawn = 0;                                                      ///< nobody alone in front
  std::array<int, 5> ends{};                                          ///< by territory::Victory
  std::array<std::int64_t, territory::teams_max> seat_half_points{};  ///< against the other seats
  std::vector<std::int32_t> ticks;                                    ///< ascending
};
Habits habits_of(const std::vector<PlayedGame>& games);

/// Work and CPU of one player, over its seats.
struct Effort {
  std::int64_t seats = 0;
  std::int64_t work = 0;
  std::int64_t cpu_us = 0;
  int refused_orders = 0;
  int faults = 0;
  std::string first_fault;
};
std::vector<Effort> efforts_of(const TournamentOptions& options,
                               const std::vector<PlayedGame>& games);

std::string report_text(const TournamentOptions& options, const Tournament& tournament);
/// Everything but the members named cpu_ms is the same from run to run.
std::string report_json(const TournamentOptions& options, const Tournament& tournament,
                        const std::vector<PassedOver>& passed_over);
std::string players_json();

}  // namespace redoubt::arena
