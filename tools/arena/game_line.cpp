// A game's line, written and read back.
#include <charconv>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"
#include "tools/arena/game.hpp"

namespace redoubt::arena {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Error bad_line(const std::string& what) {
  return {.code = "bad_use",
          .message = "the game's line: " + what,
          .path = "--replay",
          .expected = "a line of --games-file",
          .got = what};
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int int_at(const json& object, const char* name, int least, int most) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return least - 1;
  const auto value = found->get<std::int64_t>();
  return value < least || value > most ? least - 1 : static_cast<int>(value);
}

bool read_number(const std::string& text, int base, std::uint64_t& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && fault == std::errc() && end == text.data() + text.size();
}

Result<Ground> read_ground(const json& line) {
  if (const std::string file = text_at(line, "file"); !file.empty()) {
    auto map = read_ground_file(file);
    if (!map) return map.error();
    return Ground{.map = std::move(*map), .file = file};
  }
  const auto found = line.find("generated");
  if (found == line.end() || !found->is_object()) return bad_line("has neither file nor generated");
  Ground ground;
  constexpr int side_max = territory::cells_max;
  const int width = int_at(*found, "width", 1, side_max);
  const int height = int_at(*found, "height", 1, side_max);
  const int teams = int_at(*found, "teams", 2, territory::teams_max);
  const bool whole = width > 0 && height > 0 && teams > 1 &&
                     read_number(text_at(*found, "seed"), 10, ground.map_seed);
  if (!whole) return bad_line("generated needs width, height, teams and seed");
  auto map = generate_ground(width, height, teams, ground.map_seed);
  if (!map) return map.error();
  ground.map = std::move(*map);
  return ground;
}

Result<void> read_seats(const json& line, ReadGame& read) {
  const auto seats = line.find("seats");
  const auto teams = static_cast<std::size_t>(read.ground.map.teams());
  if (seats == line.end() || !seats->is_array() || seats->size() != teams) {
    return bad_line("needs " + std::to_string(teams) + " seats");
  }
  read.contestants.reserve(teams);
  for (std::size_t team = 0; team < teams; ++team) {
    const json& seat = (*seats)[team];
    if (!seat.is_object()) return bad_line("seat " + std::to_string(team) + " is no object");
    auto contestant = read_contestant(text_at(seat, "player"));
    if (!contestant) return contestant.error();
    const int lot = int_at(seat, "lot", 0, territory::teams_max - 1);
    if (lot < 0) return bad_line("seat " + std::to_string(team) + " needs a lot from 0 to 3");
    read.game.lots[team] = static_cast<std::uint8_t>(lot);
    read.contestants.push_back(std::move(*contestant));
  }
  for (const Contestant& contestant : read.contestants)
    read.game.seats.push_back(&contestant);
  return {};
}

}  // namespace

ordered_json game_json(const Game& game, const GameRecord& record) {
  ordered_json line;
  const Ground& ground = *game.ground;
  if (ground.file.empty()) {
    line["generated"] = {{"width", ground.map.width},
                         {"height", ground.map.height},
                         {"teams", ground.map.teams()},
                         {"seed", std::to_string(ground.map_seed)}};
  } else {
    line["file"] = ground.file;
  }
  line["map_hash"] = hex16(ground.map.hash());
  line["rules_hash"] = hex16(territory::hash(*game.rules));
  line["seed"] = std::to_string(game.seed);
  line["work"] = game.work_per_tick;
  line["seats"] = ordered_json::array();
  for (std::size_t team = 0; team < game.seats.size(); ++team) {
    const SeatRecord& seat = record.seats[team];
    ordered_json one = {{"player", game.seats[team]->text},
                        {"lot", game.lots[team]},
                        {"rank", seat.rank},
                        {"held", seat.held},
                        {"deposits", seat.deposits},
                        {"work", seat.work}};
    if (seat.refused_orders > 0) one["refused_orders"] = seat.refused_orders;
    if (!seat.fault.empty()) one["fault"] = {{"tick", seat.fault_tick}, {"what", seat.fault}};
    line["seats"].push_back(std::move(one));
  }
  line["by"] = victory_name(record.by);
  line["tick"] = record.tick;
  line["hash"] = hex16(record.final_hash);
  return line;
}

std::string game_line(const Game& game, const GameRecord& record) {
  return game_json(game, record).dump();
}

Result<std::unique_ptr<ReadGame>> read_game_line(std::string_view text,
                                                 const territory::Rules& rules) {
  const json line = json::parse(text, nullptr, false);
  if (!line.is_object()) return bad_line("is no JSON object");
  auto read = std::make_unique<ReadGame>();
  auto ground = read_ground(line);
  if (!ground) return ground.error();
  read->ground = std::move(*ground);
  read->game.ground = &read->ground;
  read->game.rules = &rules;
  if (const std::string hash = hex16(read->ground.map.hash()); text_at(line, "map_hash") != hash) {
    return bad_line("is of another map: expected hash " + text_at(line, "map_hash") + ", got " +
                    hash);
  }
  if (text_at(line, "rules_hash") != hex16(territory::hash(rules))) {
    return bad_line("was played by other rules; give them with --rules");
  }
  if (auto seats = read_seats(line, *read); !seats) return seats.error();
  read->game.work_per_tick = int_at(line, "work", 1, work_per_tick_max);
  const bool whole = read->game.work_per_tick > 0 &&
                     read_number(text_at(line, "seed"), 10, read->game.seed) &&
                     read_number(text_at(line, "hash"), 16, read->final_hash);
  if (!whole) return bad_line("needs seed, work and hash");
  return read;
}

}  // namespace redoubt::arena
