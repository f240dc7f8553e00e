#include "tools/arena/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"

namespace redoubt::arena {
namespace {

using nlohmann::ordered_json;

constexpr std::array<const char*, 5> end_names{"fault", "territory", "elimination", "domination",
                                               "time_limit"};

__attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...) {
  std::array<char, 1024> buffer;
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(buffer.data(), buffer.size(), pattern, arguments);
  va_end(arguments);
  return buffer.data();
}

// Numbers that people compare need no more digits.
double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

double seat_share(const Habits& habits, std::size_t seat, int teams) {
  const double most = 2.0 * habits.games * (teams - 1);
  return most == 0 ? 0.5 : static_cast<double>(habits.seat_half_points[seat]) / most;
}

std::int32_t quantile(const std::vector<std::int32_t>& sorted, int percent) {
  if (sorted.empty()) return 0;
  return sorted[(sorted.size() - 1) * static_cast<std::size_t>(percent) / 100];
}

std::string duel_text(const TournamentOptions& options, const Duel& duel) {
  const int games = duel.wins + duel.draws + duel.losses;
  std::string text = options.players[duel.a].text + " against " + options.players[duel.b].text;
  text += format("\n  score    %.1f %% of %d games: %d won, %d drawn, %d lost\n",
                 100 * duel.elo.score, games, duel.wins, duel.draws, duel.losses);
  text += format("  elo      %+ld, 95 %% from %+ld to %+ld (bootstrap over maps)\n",
                 std::lround(duel.elo.elo), std::lround(duel.elo.low), std::lround(duel.elo.high));
  if (duel.pairs) {
    const Pentanomial& p = *duel.pairs;
    text += format("  pairs    0: %lld, 1/2: %lld, 1: %lld, 3/2: %lld, 2: %lld points\n",
                   static_cast<long long>(p[0]), static_cast<long long>(p[1]),
                   static_cast<long long>(p[2]), static_cast<long long>(p[3]),
                   static_cast<long long>(p[4]));
  }
  return text;
}

std::string habits_text(const Habits& habits, int teams) {
  std::string text = "seats   ";
  for (int team = 0; team < teams; ++team)
    text += format(" %.1f %%", 100 * seat_share(habits, static_cast<std::size_t>(team), teams));
  text += " of the points\nends    ";
  for (std::size_t by = 0; by < end_names.size(); ++by) {
    if (habits.ends[by] > 0) text += format(" %s %d,", end_names[by], habits.ends[by]);
  }
  text += format(" drawn %d\n", habits.drawn);
  text +=
      format("length   %d ticks at the median, 10 %% under %d, 10 %% over %d\n",
             quantile(habits.ticks, 50), quantile(habits.ticks, 10), quantile(habits.ticks, 90));
  return text;
}

std::string effort_text(const std::string& name, const Effort& effort) {
  const auto seats = static_cast<double>(std::max<std::int64_t>(1, effort.seats));
  std::string text = format("  %-28s %9.0f units %9.1f ms a game", name.c_str(),
                            static_cast<double>(effort.work) / seats,
                            static_cast<double>(effort.cpu_us) / seats / 1000);
  if (effort.refused_orders > 0) text += format(", %d orders refused", effort.refused_orders);
  if (effort.faults > 0) {
    text += format(", %d lost by a fault, the first: ", effort.faults) + effort.first_fault;
  }
  return text + "\n";
}

std::string ratings_text(const TournamentOptions& options, const Tournament& tournament) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < options.players.size(); ++i)
    order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tournament.ratings[a] > tournament.ratings[b];
  });
  std::string text = "ratings (Bradley-Terry, mean 0)\n";
  for (std::size_t i : order) {
    text += format("  %-28s %+6ld\n", options.players[i].text.c_str(),
                   std::lround(tournament.ratings[i]));
  }
  return text;
}

ordered_json duel_json(const TournamentOptions& options, const Duel& duel) {
  ordered_json out = {{"players", {options.players[duel.a].text, options.players[duel.b].text}},
                      {"games", duel.wins + duel.draws + duel.losses},
                      {"won", duel.wins},
                      {"drawn", duel.draws},
                      {"lost", duel.losses},
                      {"score", rounded(duel.elo.score, 1e4)},
                      {"elo", rounded(duel.elo.elo, 10)},
                      {"elo_95", {rounded(duel.elo.low, 10), rounded(duel.elo.high, 10)}}};
  if (duel.pairs) out["pentanomial"] = *duel.pairs;
  return out;
}

ordered_json efforts_json(const TournamentOptions& options, const Tournament& tournament) {
  ordered_json players = ordered_json::array();
  const std::vector<Effort> efforts = efforts_of(options, tournament.games);
  for (std::size_t i = 0; i < options.players.size(); ++i) {
    const Effort& effort = efforts[i];
    const auto seats = static_cast<double>(std::max<std::int64_t>(1, effort.seats));
    ordered_json one = {{"player", options.players[i].text},
                        {"rating", rounded(tournament.ratings[i], 10)},
                        {"work_a_game", rounded(static_cast<double>(effort.work) / seats, 1)},
                        {"cpu_ms", rounded(static_cast<double>(effort.cpu_us) / seats / 1000, 10)},
                        {"refused_orders", effort.refused_orders},
                        {"faults", effort.faults}};
    if (effort.faults > 0) one["first_fault"] = effort.first_fault;
    players.push_back(std::move(one));
  }
  return players;
}

ordered_json habits_json(const Habits& habits, int teams) {
  ordered_json ends = ordered_json::object();
  for (std::size_t by = 0; by < end_names.size(); ++by)
    ends[end_names[by]] = habits.ends[by];
  ordered_json seats = ordered_json::array();
  for (int team = 0; team < teams; ++team)
    seats.push_back(rounded(seat_share(habits, static_cast<std::size_t>(team), teams), 1e4));
  return {{"games", habits.games},
          {"drawn", habits.drawn},
          {"ends", ends},
          {"seat_scores", seats},
          {"ticks",
           {{"median", quantile(habits.ticks, 50)},
            {"low_10", quantile(habits.ticks, 10)},
            {"high_10", quantile(habits.ticks, 90)}}}};
}

}  // namespace

Habits habits_of(const std::vector<PlayedGame>& games) {
  Habits habits;
  for (const PlayedGame& game : games) {
    ++habits.games;
    ++habits.ends[static_cast<std::size_t>(game.record.by)];
    habits.ticks.push_back(game.record.tick);
    int in_front = 0;
    for (std::size_t i = 0; i < game.record.seats.size(); ++i) {
      in_front += game.record.seats[i].rank == 1;
      for (std::size_t j = 0; j < game.record.seats.size(); ++j) {
        if (i != j) habits.seat_half_points[i] += half_points(game.record, i, j);
      }
    }
    habits.drawn += in_front > 1;
  }
  std::sort(habits.ticks.begin(), habits.ticks.end());
  return habits;
}

std::vector<Effort> efforts_of(const TournamentOptions& options,
                               const std::vector<PlayedGame>& games) {
  std::vector<Effort> efforts(options.players.size());
  for (const PlayedGame& game : games) {
    for (std::size_t seat = 0; seat < game.players.size(); ++seat) {
      Effort& effort = efforts[game.players[seat]];
      const SeatRecord& record = game.record.seats[seat];
      ++effort.seats;
      effort.work += record.work;
      effort.cpu_us += record.cpu_us;
      effort.refused_orders += record.refused_orders;
      if (record.fault.empty()) continue;
      if (effort.faults++ == 0) effort.first_fault = record.fault;
    }
  }
  return efforts;
}

std::string report_text(const TournamentOptions& options, const Tournament& tournament) {
  std::string text;
  for (const Duel& duel : tournament.duels)
    text += duel_text(options, duel);
  if (tournament.sprt) {
    const Verdict& verdict = *tournament.sprt;
    text += format("sprt     LLR %.2f in (%.2f, %.2f): ", verdict.ratio, verdict.bounds.lower,
                   verdict.bounds.upper);
    text += verdict.accepted < 0
                ? "not decided\n"
                : format("elo %+.1f accepted\n",
                         verdict.accepted == 1 ? options.sprt->elo1 : options.sprt->elo0);
  }
  if (options.players.size() > 2) text += ratings_text(options, tournament);
  const int teams = options.grounds.front().map.teams();
  text += habits_text(habits_of(tournament.games), teams);
  text += "effort\n";
  const std::vector<Effort> efforts = efforts_of(options, tournament.games);
  for (std::size_t i = 0; i < efforts.size(); ++i)
    text += effort_text(options.players[i].text, efforts[i]);
  return text;
}

std::string report_json(const TournamentOptions& options, const Tournament& tournament,
                        const std::vector<PassedOver>& passed_over) {
  const int teams = options.grounds.front().map.teams();
  ordered_json out = {{"seed", std::to_string(options.seed)},
                      {"rules_hash", hex16(territory::hash(options.rules))},
                      {"work", options.work_per_tick},
                      {"teams", teams}};
  out["maps"] = ordered_json::array();
  for (const Ground& ground : options.grounds)
    out["maps"].push_back(ground.label());
  out["passed_over"] = ordered_json::array();
  for (const PassedOver& each : passed_over)
    out["passed_over"].push_back({{"file", each.file}, {"why", each.why}});
  out["duels"] = ordered_json::array();
  for (const Duel& duel : tournament.duels)
    out["duels"].push_back(duel_json(options, duel));
  if (tournament.sprt) {
    const Verdict& verdict = *tournament.sprt;
    const ordered_json accepted =
        verdict.accepted < 0
            ? ordered_json(nullptr)
            : ordered_json(verdict.accepted == 1 ? options.sprt->elo1 : options.sprt->elo0);
    out["sprt"] = {{"elo0", options.sprt->elo0},
                   {"elo1", options.sprt->elo1},
                   {"llr", rounded(verdict.ratio, 1e4)},
                   {"lower", rounded(verdict.bounds.lower, 1e4)},
                   {"upper", rounded(verdict.bounds.upper, 1e4)},
                   {"accepted", accepted}};
  }
  out["players"] = efforts_json(options, tournament);
  out["all"] = habits_json(habits_of(tournament.games), teams);
  out["games"] = ordered_json::array();
  for (const PlayedGame& game : tournament.games)
    out["games"].push_back(game_json(game.game, game.record));
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

std::string players_json() {
  ordered_json out = ordered_json::array();
  for (const KnownPlayer& player : known_players()) {
    ordered_json settings = ordered_json::array();
    for (const Setting& s : player.settings) {
      settings.push_back({{"name", s.name},
                          {"default", s.usual},
                          {"least", s.least},
                          {"most", s.most},
                          {"what", s.what}});
    }
    out.push_back({{"name", player.name}, {"what", player.what}, {"settings", settings}});
  }
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace redoubt::arena
