#include "engine/strategy/player.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/strategy/bot.hpp"
#include "engine/strategy/match.hpp"
#include "engine/strategy/team_strategy.hpp"
#include "engine/territory/replay.hpp"
#include "engine/territory/step.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

territory::Map map_for(int teams, std::uint64_t seed) {
  territory::GenerateOptions options{.teams = teams, .seed = seed};
  if (teams == 2) options.width = 30, options.height = 24;
  if (teams == 3) options.width = options.height = 31;
  if (teams == 4) options.width = options.height = 31;
  auto map = territory::generate(options);
  REQUIRE(map.ok());
  return *map;
}

Match match_of(std::vector<std::string> players, std::uint64_t seed) {
  auto match = start_match({.map = map_for(static_cast<int>(players.size()), seed),
                            .seed = seed,
                            .players = std::move(players)});
  REQUIRE(match.ok());
  return std::move(*match);
}

// Ground as it may be drawn by hand: water, walls and islands at random, most sites anywhere. The
// bases stand in opposite corners; where no way joins them, walls fall until one does.
territory::Map rugged_map(std::uint64_t seed) {
  Rng rng(seed);
  territory::Map map;
  map.name = "rugged";
  map.width = rng.between(6, 24);
  map.height = rng.between(5, 18);
  const auto cells = static_cast<std::uint32_t>(map.cells());
  map.bases = {0, static_cast<Cell>(cells - 1)};
  const int obstacles_percent = rng.between(35, 60);
  for (std::uint32_t c = 0; c < cells; ++c) {
    const bool wall = static_cast<int>(rng.below(100)) < obstacles_percent;
    const bool rough = rng.below(5) == 0;
    map.terrain.push_back(wall    ? territory::Terrain::obstacle
                          : rough ? territory::Terrain::rough
                                  : territory::Terrain::open);
  }
  for (Cell base : map.bases)
    map.terrain[base] = territory::Terrain::open;
  while (!territory::check(map))
    map.terrain[rng.below(cells - 2) + 1] = territory::Terrain::open;
  for (std::uint32_t c = 1; c + 1 < cells; ++c) {
    const bool passable = map.terrain[c] != territory::Terrain::obstacle;
    if (!passable || rng.below(6) != 0 || map.sites.size() >= territory::sites_max) continue;
    map.sites.push_back(
        {static_cast<Cell>(c), static_cast<territory::Resource>(rng.below(territory::resources))});
  }
  REQUIRE(territory::check(map));
  return map;
}

// Water with a village in it and one on an island in it, as Wesnoth's maps have them.
constexpr std::string_view villages_out_of_reach =
    "Gg, Gg, Gg, Gg, Gg, Gg, Gg, Gg, Gg\n"
    "Gg, 1 Ke, Gg, Gg, Gg, Gg, Gs^Vh, Gg, Gg\n"
    "Gg, Gg, Ww, Ww, Ww, Ww, Ww, Gg, Gg\n"
    "Gg, Gg, Ww, Ww^Vm, Ww, Gg^Vh, Ww, Gg, Gg\n"
    "Gg, Gg, Ww, Ww, Ww, Ww, Ww, Gg, Gg\n"
    "Gg, Gg, Gs^Vh, Gg, Gg, Gg, Gg, 2 Ke, Gg\n"
    "Gg, Gg, Gg, Gg, Gg, Gg, Gg, Gg, Gg\n";

int refused(const Match& match) {
  int count = 0;
  for (const RefusedOrders& one : match.refused) {
    if (one.count > 0) MESSAGE(one.first.message);
    count += one.count;
  }
  return count;
}

// Plays every player as red and as blue.
void play_everybody_on(const territory::Map& map, std::uint64_t seed, std::int32_t ticks) {
  const auto names = player_names();
  for (std::size_t first = 0; first < names.size(); ++first) {
    const std::string red(names[first]);
    const std::string blue(names[(first + 1) % names.size()]);
    CAPTURE(red);
    CAPTURE(blue);
    auto match = start_match({.map = map, .seed = seed, .players = {red, blue}});
    REQUIRE(match.ok());
    const auto played = play(*match, ticks);
    if (!played.ok()) FAIL(played.error().message);
    CHECK(refused(*match) == 0);
    const auto verdict = territory::verify(recorded(*match));
    REQUIRE(verdict.ok());
    CHECK(verdict->same);
  }
}

// Gives an order of each sort that the rules refuse, and one that they do not.
class Careless final : public Bot {
 public:
  using Bot::Bot;
  std::string_view name() const override { return "careless"; }

 private:
  TeamStrategy strategy() const override { return {}; }
  void decide(const territory::View& view) override {
    using territory::OrderKind;
    const territory::ViewAgent& agent = view.own.front();
    const Cell base = ground_.bases[team_];
    orders_ = {
        {.kind = OrderKind::move, .team = team_, .agent = agent.id, .cell = unreachable},
        {.kind = OrderKind::move, .team = team_, .agent = 9999, .cell = base},
        {.kind = OrderKind::move, .team = 1, .agent = 3, .cell = ground_.bases[1]},
        {.kind = OrderKind::move, .team = 200, .agent = agent.id, .cell = base},
        {.kind = OrderKind::guard, .team = team_, .agent = agent.id, .cell = base},
    };
  }

 public:
  Cell unreachable = no_cell;
};

void play_to(Match& match, std::int32_t tick) {
  const auto played = play(match, tick);
  if (!played.ok()) FAIL(played.error().message);
}

std::string saved(const Player& player) {
  ByteWriter out;
  player.save(out);
  return out.take();
}

}  // namespace

TEST_CASE("an unknown player's name is an error that lists the known ones") {
  const auto map = map_for(2, 1);
  const auto board = territory::Board::make(map, territory::default_rules());
  REQUIRE(board.ok());
  const auto made = make_player("stockfish", *board, 0, 1);
  REQUIRE(!made.ok());
  CHECK(made.error().code == "bad_player");
  CHECK(made.error().message.find("agentarena") != std::string::npos);
  for (std::string_view name : player_names()) {
    const auto player = make_player(name, *board, 0, 1);
    REQUIRE(player.ok());
    CHECK((*player)->name() == name);
  }
}

TEST_CASE("every player gives legal orders to the end, among two, three and four teams") {
  const auto names = player_names();
  for (int teams = 2; teams <= 4; ++teams) {
    for (std::size_t first = 0; first < names.size(); ++first) {
      std::vector<std::string> players;
      for (int t = 0; t < teams; ++t) {
        players.emplace_back(names[(first + static_cast<std::size_t>(t)) % names.size()]);
      }
      CAPTURE(teams);
      CAPTURE(players[0]);
      Match match = match_of(players, first + 1);
      play_to(match, 2500);
      CHECK(match.exact);
      CHECK(refused(match) == 0);
      CHECK(match.world.tick > 500);
    }
  }
}

TEST_CASE("every player gives legal orders among water, walls and islands") {
  int out_of_reach = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const territory::Map map = rugged_map(seed);
    out_of_reach += territory::warnings(map).empty() ? 0 : 1;
    play_everybody_on(map, seed, 600);
  }
  CHECK(out_of_reach >= 6);
  const auto villages = territory::read_wesnoth(villages_out_of_reach);
  REQUIRE(villages.ok());
  REQUIRE(territory::warnings(*villages).size() == 1);
  play_everybody_on(*villages, 1, 1500);
}

TEST_CASE("every player plays where there is nothing but bases") {
  territory::Map map;
  map.width = 2;
  map.height = 1;
  map.terrain.assign(2, territory::Terrain::open);
  map.bases = {0, 1};
  play_everybody_on(map, 1, 200);
  map.height = 2;
  map.terrain = {territory::Terrain::open, territory::Terrain::open, territory::Terrain::obstacle,
                 territory::Terrain::open};
  map.sites = {{3, territory::Resource::data}};
  play_everybody_on(map, 1, 200);
}

TEST_CASE("a player's refused order costs that order: it is counted, and the match goes on") {
  const auto map = territory::read_wesnoth(villages_out_of_reach);
  REQUIRE(map.ok());
  auto match = start_match({.map = *map, .seed = 1, .players = {"rush", "rush"}});
  REQUIRE(match.ok());
  auto careless = std::make_unique<Careless>(match->board, territory::Team{0}, 1);
  const auto island = std::find_if(map->sites.begin(), map->sites.end(), [&](const auto& site) {
    return !match->board.reachable(site.cell);
  });
  REQUIRE(island != map->sites.end());
  careless->unreachable = island->cell;
  match->players[0] = std::move(careless);
  play_to(*match, 40);
  CHECK(match->world.tick == 40);
  // Four thoughts of four refused orders each; the guard order of each acted.
  CHECK(match->refused[0].count == 16);
  CHECK(match->refused[0].first.code == "bad_order");
  CHECK(match->refused[0].first.message == "order of team 0: team: expected 0, got 1");
  CHECK(match->refused[0].tick == 5);
  CHECK(match->refused[1].count == 0);
  CHECK(match->world.dropped_orders == 0);
  int acted = 0;
  for (const auto& timed : match->replay.orders)
    acted += timed.order.team == 0 ? 1 : 0;
  CHECK(acted == 4);
  const auto verdict =
      territory::verify(*territory::read_replay(territory::write_replay(recorded(*match))));
  REQUIRE(verdict.ok());
  CHECK(verdict->same);

  // Whoever gives an order from outside is told at once, and nothing happened.
  const std::uint64_t before = territory::state_hash(match->board, match->world);
  const territory::Order outside{
      .kind = territory::OrderKind::move, .team = 0, .agent = 0, .cell = island->cell};
  const auto refusal = advance(*match, std::span(&outside, 1));
  REQUIRE(!refusal.ok());
  CHECK(refusal.error().code == "bad_order");
  CHECK(refusal.error().message.find("which cannot be reached") != std::string::npos);
  CHECK(territory::state_hash(match->board, match->world) == before);
  CHECK(match->refused[0].count == 16);
  CHECK(advance(*match).ok());
}

TEST_CASE("the same match is played the same way twice") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match a = match_of({std::string(name), "rush"}, 5);
    Match b = match_of({std::string(name), "rush"}, 5);
    play_to(a, 900);
    play_to(b, 900);
    CHECK(a.replay.hashes == b.replay.hashes);
    CHECK(territory::state_hash(a.board, a.world) == territory::state_hash(b.board, b.world));
  }
}

TEST_CASE("a saved player goes on identically") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match a = match_of({std::string(name), "agentarena"}, 9);
    play_to(a, 613);
    Match b = match_of({std::string(name), "agentarena"}, 9);
    b.world = a.world;
    b.views = a.views;
    b.thoughts = a.thoughts;
    b.pending = a.pending;
    for (std::size_t t = 0; t < 2; ++t) {
      const std::string bytes = saved(*a.players[t]);
      ByteReader in(bytes);
      REQUIRE(b.players[t]->restore(in).ok());
      CHECK(in.remaining() == 0);
      CHECK(saved(*b.players[t]) == bytes);
    }
    play_to(a, 1400);
    play_to(b, 1400);
    CHECK(a.world.tick == b.world.tick);
    CHECK(territory::state_hash(a.board, a.world) == territory::state_hash(b.board, b.world));
  }
}

TEST_CASE("a thought that is cut by a snapshot starts over and comes to the same end") {
  Match match = match_of({"strategist", "rush"}, 3);
  play_to(match, 700);
  territory::View& view = match.views[0];
  territory::observe(match.board, match.world, 0, view);
  Player& player = *match.players[0];
  const std::string before = saved(player);
  const ThinkResult first = player.think(view, 40);
  CHECK(!first.done);
  CHECK(first.work_used <= 40);
  CHECK(saved(player) == before);
  auto copy = make_player("strategist", match.board, 0, 1);
  REQUIRE(copy.ok());
  ByteReader in(before);
  REQUIRE((*copy)->restore(in).ok());
  while (!player.think(view, 110).done) {
  }
  CHECK((*copy)->think(view, 1000).done);
  CHECK(saved(player) == saved(**copy));
}

TEST_CASE("a damaged state is refused and leaves the player as it was") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match match = match_of({std::string(name), "random"}, 4);
    play_to(match, 400);
    Player& player = *match.players[0];
    const std::string bytes = saved(player);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 3) {
      ByteReader in(std::string_view(bytes).substr(0, cut));
      const auto restored = player.restore(in);
      REQUIRE(!restored.ok());
      CHECK(restored.error().code == "bad_snapshot");
    }
    CHECK(saved(player) == bytes);
  }
}

TEST_CASE("explain has the shape of an Explanation for every player") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match match = match_of({std::string(name), "rush"}, 6);
    for (int tick : {5, 300, 900}) {
      play_to(match, tick);
      const Json e = match.players[0]->explain();
      CHECK(index_of(stance_names, e.at("strategy").get<std::string>()));
      CHECK(index_of(focus_names, e.at("focus").get<std::string>()));
      CHECK(e.at("priorities").size() >= 1);
      CHECK(utf16_units(e.at("description").get<std::string>()) >= 5);
      CHECK(e.at("team") == 0);
      CHECK(e.at("tick").get<int>() <= tick);
      CHECK(e.at("confidence").get<double>() <= 1);
      CHECK(e.at("plan").size() <= 3);
      for (const Json& arrow : e.at("plan")) {
        CHECK(arrow.at("from").get<int>() < match.board.cells());
        CHECK(arrow.at("to").get<int>() < match.board.cells());
        CHECK(!arrow.at("agents").empty());
        CHECK(!arrow.at("label").get<std::string>().empty());
      }
      for (const Json& task : e.at("tasks"))
        CHECK(task.at("task").is_string());
      for (const Json& reason : e.at("reasons"))
        CHECK(reason.at("cells").is_array());
    }
  }
}
