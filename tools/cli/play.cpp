// redoubt play: a headless match between built-in players.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"
#include "engine/strategy/match.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

using strategy::Match;
using territory::Outcome;
using territory::Victory;

constexpr int progress_ticks = 25;  // between two looks of the progress bar

const char* victory_name(Victory by) {
  switch (by) {
    case Victory::none:
      return "none";
    case Victory::territory:
      return "territory";
    case Victory::elimination:
      return "elimination";
    case Victory::domination:
      return "domination";
    case Victory::time_limit:
      return "time_limit";
  }
  return "none";
}

const char* victory_words(Victory by) {
  switch (by) {
    case Victory::territory:
      return "by territory";
    case Victory::elimination:
      return "by elimination";
    case Victory::domination:
      return "by domination of deposits";
    case Victory::time_limit:
      return "most held cells at the time limit";
    case Victory::none:
      break;
  }
  return "";
}

struct TeamRow {
  std::string name;
  std::string bot;
  int rank;
  int held;
  int share_permille;
  int deposits;
  int agents;
  int births;
  int deaths;
  const strategy::RefusedOrders* refused;
};

int agents_of(const territory::World& world, int team) {
  constexpr std::uint64_t one_team = (1ull << territory::agents_per_team_max) - 1;
  return __builtin_popcountll(world.living >> territory::first_slot(team) & one_team);
}

std::vector<TeamRow> team_rows(const Match& match, const Outcome& outcome) {
  std::vector<TeamRow> rows;
  const territory::World& world = match.world;
  for (std::size_t team = 0; team < static_cast<std::size_t>(match.board.teams()); ++team) {
    rows.push_back({.name = std::string(team_name(static_cast<int>(team))),
                    .bot = match.replay.players[team],
                    .rank = outcome.rank[team],
                    .held = world.held[team],
                    .share_permille = world.held[team] * 1000 / match.board.reachable_cells(),
                    .deposits = world.deposits[team],
                    .agents = agents_of(world, static_cast<int>(team)),
                    .births = world.births[team],
                    .deaths = world.deaths[team],
                    .refused = &match.refused[team]});
  }
  return rows;
}

void print_json(const Match& match, const Outcome& outcome, const territory::Replay& record,
                const PlayOptions& options) {
  using nlohmann::json;
  const territory::Map& map = match.board.map();
  json teams = json::array();
  for (const TeamRow& row : team_rows(match, outcome)) {
    teams.push_back({{"name", row.name},
                     {"bot", row.bot},
                     {"rank", row.rank},
                     {"held", row.held},
                     {"share_permille", row.share_permille},
                     {"deposits", row.deposits},
                     {"agents", row.agents},
                     {"births", row.births},
                     {"deaths", row.deaths},
                     {"refused_orders", row.refused->count}});
    if (row.refused->count > 0) {
      teams.back()["first_refused"] = {{"tick", row.refused->tick},
                                       {"message", row.refused->first.message}};
    }
  }
  json out = {{"map",
               {{"name", map.name},
                {"hash", hex16(match.board.map_hash())},
                {"warnings", territory::warnings(map)}}},
              {"rules_hash", hex16(match.board.rules_hash())},
              {"seed", std::to_string(options.ground.seed)},
              {"over", outcome.over},
              {"by", victory_name(outcome.by)},
              {"winner", nullptr},
              {"tick", record.final_tick},
              {"reachable_cells", match.board.reachable_cells()},
              {"teams", teams},
              {"hash", hex16(record.final_hash)}};
  if (outcome.winner != territory::no_team) out["winner"] = team_name(outcome.winner);
  if (!options.replay_file.empty()) out["replay"] = options.replay_file;
  std::printf("%s\n", out.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

void print_outcome(const Match& match, const Outcome& outcome, int tick) {
  if (outcome.winner != territory::no_team) {
    std::printf("winner    %s (%s), %s, at tick %s\n",
                std::string(team_name(outcome.winner)).c_str(),
                match.replay.players[outcome.winner].c_str(), victory_words(outcome.by),
                grouped(tick).c_str());
  } else if (outcome.over) {
    std::printf("winner    nobody: a draw at tick %s\n", grouped(tick).c_str());
  } else {
    std::printf("winner    not decided at tick %s\n", grouped(tick).c_str());
  }
}

void print_text(const Match& match, const Outcome& outcome, const territory::Replay& record,
                const PlayOptions& options) {
  const territory::Map& map = match.board.map();
  std::printf("map       %s, %s, hash %s\n", map.name.c_str(),
              counted(match.board.reachable_cells(), "reachable cell").c_str(),
              hex16(match.board.map_hash()).c_str());
  print_outcome(match, outcome, record.final_tick);
  std::printf("\n%-6s %-12s %4s %6s %8s %9s %7s %7s %7s\n", "team", "bot", "rank", "held", "share",
              "deposits", "agents", "births", "deaths");
  for (const TeamRow& row : team_rows(match, outcome)) {
    const std::string rank = outcome.over ? std::to_string(row.rank) : "-";
    std::printf("%-6s %-12s %4s %6s %8s %9s %7d %7d %7d\n", row.name.c_str(), row.bot.c_str(),
                rank.c_str(), grouped(row.held).c_str(), percent(row.share_permille).c_str(),
                grouped(row.deposits).c_str(), row.agents, row.births, row.deaths);
  }
  for (const TeamRow& row : team_rows(match, outcome)) {
    if (row.refused->count == 0) continue;
    std::printf("\nrefused   %s (%s): %s, the first at tick %s: %s\n", row.name.c_str(),
                row.bot.c_str(), counted(row.refused->count, "order").c_str(),
                grouped(row.refused->tick).c_str(), row.refused->first.message.c_str());
  }
  std::printf("\nhash      %s\n", hex16(record.final_hash).c_str());
  if (!options.replay_file.empty()) std::printf("replay    %s\n", options.replay_file.c_str());
}

Result<Match> prepare(const PlayOptions& options) {
  GroundOptions wanted = options.ground;
  wanted.teams = static_cast<int>(options.bots.size());
  Result<territory::Map> ground = load_ground(wanted);
  if (!ground) return ground.error();
  if (ground->teams() != static_cast<int>(options.bots.size())) {
    const std::string teams = std::to_string(ground->teams());
    const std::string bots = std::to_string(options.bots.size());
    return Error{.code = "bad_use",
                 .message = "the map is for " + teams + " teams, but --bot was given " + bots +
                            (bots == "1" ? " time" : " times"),
                 .path = "--bot",
                 .expected = teams + " bots",
                 .got = bots};
  }
  const Result<territory::Rules> rules = load_rules(options.rules_file);
  if (!rules) return rules.error();
  return strategy::start_match({.map = std::move(*ground),
                                .rules = *rules,
                                .seed = options.ground.seed,
                                .players = options.bots,
                                .work_per_tick = options.work_per_tick});
}

Result<void> run(Match& match, int ticks) {
  const int limit = match.board.rules().time_limit_ticks;
  const int last = ticks > 0 ? std::min(ticks, limit) : limit;
  Progress progress(last);
  while (match.world.tick < last && match.world.over == 0) {
    const int until = std::min(last, match.world.tick + progress_ticks);
    if (Result<void> played = strategy::play(match, until); !played) return played;
    progress.show(match.world.tick);
  }
  return {};
}

}  // namespace

int play(const PlayOptions& options) {
  Result<Match> match = prepare(options);
  if (!match) return report(match.error(), options.json);
  if (!options.json) warn(match->board.map(), options.ground);
  if (Result<void> played = run(*match, options.ticks); !played) {
    return report(played.error(), options.json);
  }
  const territory::Replay record = strategy::recorded(*match);
  if (!options.replay_file.empty()) {
    const Result<void> written = write_file(options.replay_file, write_replay(record));
    if (!written) return report(written.error(), options.json);
  }
  const Outcome outcome = territory::outcome(match->board, match->world);
  if (options.json) {
    print_json(*match, outcome, record, options);
  } else {
    print_text(*match, outcome, record, options);
  }
  return exit_ok;
}

}  // namespace redoubt::cli
