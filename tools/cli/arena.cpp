// redoubt arena: games in pairs, and what they say about strength.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "engine/base/hash64.hpp"
#include "tools/arena/report.hpp"
#include "tools/arena/tournament.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

constexpr std::size_t only_bytes_max = 1 << 20;

Error bad_use(std::string option, const std::string& got, const std::string& expected) {
  return {.code = "bad_use",
          .message = option + " " + got + ": expected " + expected,
          .path = std::move(option),
          .expected = expected,
          .got = got};
}

bool read_pair(std::string_view text, char between, auto& first, auto& second) {
  const std::size_t at = text.find(between);
  if (at == text.npos) return false;
  const auto number = [](std::string_view part, auto& out) {
    const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), out);
    return fault == std::errc() && end == part.data() + part.size();
  };
  return number(text.substr(0, at), first) && number(text.substr(at + 1), second);
}

// Names one a line; what follows a # is for people.
Result<std::vector<std::string>> read_names(const std::string& path) {
  const Result<std::string> text = read_input(path, only_bytes_max);
  if (!text) return text.error();
  std::vector<std::string> names;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r'))
      line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.empty()) return bad_use("--only", path, "a file with a name in it");
  return names;
}

Result<arena::Grounds> read_grounds(const ArenaOptions& o, int rounds) {
  arena::GroundOptions wanted{.folder = o.maps_folder, .teams = o.teams, .seed = o.seed};
  wanted.generated = o.generated >= 0 ? o.generated : o.maps_folder.empty() ? rounds : 0;
  if (!o.only_file.empty()) {
    auto names = read_names(o.only_file);
    if (!names) return names.error();
    wanted.only = std::move(*names);
  }
  if (!read_pair(o.generate, 'x', wanted.width, wanted.height)) {
    return bad_use("--generate", o.generate, "WIDTHxHEIGHT, e.g. 40x28");
  }
  if (wanted.folder.empty() && wanted.generated == 0) {
    return bad_use("--generated", "0", "at least 1 where there is no --maps");
  }
  return arena::read_grounds(wanted);
}

Result<arena::TournamentOptions> read_options(const ArenaOptions& o) {
  arena::TournamentOptions options;
  for (const std::string& text : o.players) {
    auto player = arena::read_contestant(text);
    if (!player) return player.error();
    options.players.push_back(std::move(*player));
  }
  if (!o.sprt.empty()) {
    arena::Sprt& sprt = options.sprt.emplace();
    if (!read_pair(o.sprt, ',', sprt.elo0, sprt.elo1) || !(sprt.elo0 < sprt.elo1)) {
      return bad_use("--sprt", o.sprt, "ELO0,ELO1 with ELO0 < ELO1, e.g. 0,20");
    }
    if (o.players.size() != 2 || o.teams != 2) {
      return bad_use("--sprt", o.sprt, "two players and two teams");
    }
  }
  Result<territory::Rules> rules = load_rules(o.rules_file);
  if (!rules) return rules.error();
  options.rules = *rules;
  options.rounds = (o.games + o.teams - 1) / o.teams;
  options.seed = o.seed;
  options.jobs = o.jobs;
  options.work_per_tick = o.work_per_tick;
  options.patience_ms = o.patience_ms;
  return options;
}

int list_players(bool json) {
  if (json) {
    std::printf("%s\n", arena::players_json().c_str());
    return exit_ok;
  }
  for (const arena::KnownPlayer& player : arena::known_players()) {
    std::printf("%-12s %s\n", std::string(player.name).c_str(), std::string(player.what).c_str());
    for (const arena::Setting& setting : player.settings) {
      std::printf("    %-18s %6d  %d..%d: %s\n", std::string(setting.name).c_str(), setting.usual,
                  setting.least, setting.most, std::string(setting.what).c_str());
    }
  }
  return exit_ok;
}

// A line may come from anywhere: what it would run must have been named by whoever plays it again.
Result<void> check_programs(const arena::ReadGame& read, const std::vector<std::string>& named) {
  for (const arena::Contestant& contestant : read.contestants) {
    const bool known = std::find(named.begin(), named.end(), contestant.text) != named.end();
    if (!contestant.is_program() || known) continue;
    return Error{.code = "bad_use",
                 .message = "the game's line would run " + contestant.text +
                            "; name it as a player, too, if it may",
                 .path = "--replay",
                 .expected = contestant.text + " among the players",
                 .got = "not named"};
  }
  return {};
}

int play_again(const ArenaOptions& o) {
  std::string line = o.replay_line;
  if (line == "-") {
    Result<std::string> given = read_input(line, request_bytes_max);
    if (!given) return report(given.error(), o.json);
    line = std::move(*given);
  }
  const Result<territory::Rules> rules = load_rules(o.rules_file);
  if (!rules) return report(rules.error(), o.json);
  const auto read = arena::read_game_line(line, *rules);
  if (!read) return report(read.error(), o.json);
  if (const auto may = check_programs(**read, o.players); !may) return report(may.error(), o.json);
  const arena::Game& game = (*read)->game;
  territory::Replay recording;
  const auto record = arena::play_game(game, &recording);
  if (!record) return report(record.error(), o.json);
  if (!o.to_file.empty()) {
    const Result<void> written = write_file(o.to_file, territory::write_replay(recording));
    if (!written) return report(written.error(), o.json);
  }
  std::printf("%s\n", arena::game_line(game, *record).c_str());
  if (record->final_hash == (*read)->final_hash) return exit_ok;
  std::fprintf(stderr, "redoubt: the game went another way: expected hash %s, got %s\n",
               hex16((*read)->final_hash).c_str(), hex16(record->final_hash).c_str());
  return exit_no;
}

void say_passed_over(const arena::Grounds& grounds) {
  for (const arena::PassedOver& each : grounds.passed_over) {
    std::fprintf(stderr, "redoubt: %s is passed over: it %s\n", each.file.c_str(),
                 visible(each.why).c_str());
  }
}

}  // namespace

int arena(const ArenaOptions& o) {
  if (o.list) return list_players(o.json);
  if (!o.replay_line.empty()) return play_again(o);
  auto options = read_options(o);
  if (!options) return report(options.error(), o.json);
  auto grounds = read_grounds(o, options->rounds);
  if (!grounds) return report(grounds.error(), o.json);
  say_passed_over(*grounds);
  options->grounds = std::move(grounds->played);
  std::string lines;
  Progress progress(static_cast<std::int64_t>(arena::games_of(*options)), "game");
  const auto told = [&](const arena::PlayedGame& game) {
    if (!o.games_file.empty()) lines += arena::game_line(game.game, game.record) + "\n";
    progress.show(static_cast<std::int64_t>(game.number) + 1);
  };
  const auto result = arena::run_tournament(*options, told);
  if (!result) return report(result.error(), o.json);
  if (!o.games_file.empty()) {
    const Result<void> written = write_file(o.games_file, lines);
    if (!written) return report(written.error(), o.json);
  }
  if (o.json) {
    std::printf("%s\n", arena::report_json(*options, *result, grounds->passed_over).c_str());
  } else {
    std::printf("%s", visible_lines(arena::report_text(*options, *result)).c_str());
  }
  return exit_ok;
}

}  // namespace redoubt::cli
