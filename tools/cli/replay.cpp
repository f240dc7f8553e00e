// redoubt replay: plays a recorded match back and checks every hash.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"
#include "engine/territory/replay.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

void print_json(const territory::Replay& replay, const territory::Verdict& verdict) {
  nlohmann::json out = {{"same", verdict.same},
                        {"tick", verdict.tick},
                        {"recorded", hex16(verdict.recorded)},
                        {"computed", hex16(verdict.computed)},
                        {"map", replay.map.name},
                        {"players", replay.players},
                        {"seed", std::to_string(replay.seed)},
                        {"orders", replay.orders.size()},
                        {"hashes", replay.hashes.size() + 1}};
  std::printf("%s\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const territory::Replay& replay, const territory::Verdict& verdict) {
  std::printf("map       %s\n", replay.map.name.c_str());
  for (std::size_t team = 0; team < replay.players.size(); ++team) {
    std::printf("%-9s %s\n", std::string(team_name(static_cast<int>(team))).c_str(),
                replay.players[team].c_str());
  }
  std::printf("seed      %s\n", std::to_string(replay.seed).c_str());
  std::printf("orders    %s\n", grouped(static_cast<std::int64_t>(replay.orders.size())).c_str());
  if (verdict.same) {
    std::printf(
        "same      all %s, to tick %s\n",
        counted(static_cast<std::int64_t>(replay.hashes.size() + 1), "hash", "hashes").c_str(),
        grouped(verdict.tick).c_str());
    std::printf("hash      %s\n", hex16(verdict.computed).c_str());
  } else {
    std::printf("differs   at tick %s: recorded %s, computed %s\n", grouped(verdict.tick).c_str(),
                hex16(verdict.recorded).c_str(), hex16(verdict.computed).c_str());
  }
}

}  // namespace

int replay(const ReplayOptions& options) {
  const Result<std::string> bytes = read_input(options.file, replay_bytes_max);
  if (!bytes) return report(bytes.error(), options.json);
  const Result<territory::Replay> replay = territory::read_replay(*bytes);
  if (!replay) return report(replay.error(), options.json, shown_name(options.file));
  const Result<territory::Verdict> verdict = territory::verify(*replay);
  if (!verdict) return report(verdict.error(), options.json, shown_name(options.file));
  if (options.json) {
    print_json(*replay, *verdict);
  } else {
    print_text(*replay, *verdict);
  }
  return verdict->same ? exit_ok : exit_no;
}

}  // namespace redoubt::cli
