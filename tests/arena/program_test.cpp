#include "tools/arena/program.hpp"

#include <doctest/doctest.h>

#include "engine/territory/step.hpp"
#include "tools/arena/game.hpp"
#include "tools/arena/protocol.hpp"

using namespace redoubt;
using namespace redoubt::arena;

namespace {

constexpr const char* ready = R"(read l; echo '{"type":"ready"}'; )";
// Answers every view with no orders.
constexpr const char* idle_loop =
    R"(while read l; do t=${l#*tick\":}; t=${t%%,*}; [ "${l#*\"result\"}" = "$l" ] || exit 0; )"
    R"(echo "{\"type\":\"orders\",\"tick\":$t,\"orders\":[]}"; done)";

Contestant shell(const std::string& script) {
  Contestant contestant{.text = "exec:sh"};
  contestant.command = {"sh", "-c", script};
  return contestant;
}

Contestant named(const char* name) {
  auto read = read_contestant(name);
  REQUIRE(read.ok());
  return *read;
}

GameRecord play(const std::vector<Contestant>& players, int patience_ms = 60'000) {
  const int teams = static_cast<int>(players.size());
  Ground ground;
  auto map = teams == 2 ? generate_ground(20, 16, 2, 1) : generate_ground(21, 21, teams, 1);
  REQUIRE(map.ok());
  ground.map = std::move(*map);
  territory::Rules rules = territory::default_rules();
  rules.time_limit_ticks = 60;
  Game game{.ground = &ground, .rules = &rules, .seed = 1, .patience_ms = patience_ms};
  for (const Contestant& player : players)
    game.seats.push_back(&player);
  auto record = play_game(game);
  if (!record.ok()) FAIL(record.error().message);
  return *record;
}

// What the second player loses by.
std::string fault_of(const std::string& script, int patience_ms = 60'000) {
  const GameRecord record = play({named("random"), shell(script)}, patience_ms);
  CHECK(record.by == territory::Victory::none);
  CHECK(record.seats[0].rank == 1);
  CHECK(record.seats[0].fault.empty());
  CHECK(record.seats[1].rank == 2);
  return record.seats[1].fault;
}

}  // namespace

TEST_CASE("arena: a program plays a game to its end") {
  const GameRecord record = play({named("random"), shell(std::string(ready) + idle_loop)});
  CHECK(record.seats[1].fault == "");
  CHECK(record.by == territory::Victory::time_limit);
  CHECK(record.tick == 60);
}

TEST_CASE("arena: a program that crashes loses, and it is said how") {
  CHECK(fault_of("exit 3") == "crashed: it ended with exit code 3");
  CHECK(fault_of(std::string(ready) + "read l; echo went wrong >&2; exit 1") ==
        "crashed: it ended with exit code 1, its last words: went wrong");
  CHECK(fault_of(std::string(ready) + "kill -9 $$") == "crashed: it was ended by signal 9");
  Contestant missing{.text = "exec:missing"};
  missing.command = {"/no/such/program"};
  const GameRecord record = play({named("random"), missing});
  CHECK(record.seats[1].fault ==
        "crashed: /no/such/program cannot be started: No such file or directory");
}

TEST_CASE("arena: a program that stalls loses") {
  CHECK(fault_of("sleep 1000", 50) == "stalled: no answer within 200 ms");
}

TEST_CASE("arena: a program that babbles loses, and it is said what was expected") {
  CHECK(fault_of("read l; echo hello") == "babbled: no JSON: not valid JSON: expected a value");
  CHECK(fault_of("read l; echo '{\"type\":\"hi\"}'") == "babbled: type: expected ready, got hi");
  CHECK(fault_of("cat /dev/zero") == "babbled: a line of more than 262144 bytes");
  CHECK(fault_of("yes").starts_with("babbled"));
  CHECK(
      fault_of(std::string(ready) + "read l; echo '{\"type\":\"orders\",\"tick\":7,\"orders\":[]}'")
          .find("tick: expected") != std::string::npos);
  // Its standard error may say what it likes, as long as it likes.
  const std::string loud = "yes >&2 & " + std::string(ready) + idle_loop;
  CHECK(play({named("random"), shell(loud)}).seats[1].fault == "");
}

TEST_CASE("arena: at a table of three the others play on") {
  const GameRecord record =
      play({named("rush"), shell(std::string(ready) + "read l; exit 1"), named("random")});
  CHECK(record.tick == 60);
  CHECK(record.seats[1].rank == 3);
  CHECK(record.seats[1].fault_tick == 0);
  CHECK(record.seats[0].rank < 3);
  CHECK(record.seats[2].rank < 3);
}

TEST_CASE("arena: two programs that fail at once draw") {
  const GameRecord record = play({shell("exit 1"), shell("exit 1")});
  CHECK(record.seats[0].rank == 1);
  CHECK(record.seats[1].rank == 1);
}

TEST_CASE("arena: orders are read strictly") {
  const auto orders = [](std::string_view list) {
    return read_orders(R"({"type":"orders","tick":40,"orders":)" + std::string(list) + "}", 1, 40);
  };
  const auto read =
      orders(R"([{"kind":"attack","agent":3,"target":7},{"kind":"move","agent":4,"cell":12},)"
             R"({"kind":"return","agent":5},{"kind":"spawn","role":"defender","attributes":)"
             R"({"speed":100,"health":900,"attack":900,"defense":900,"carry_capacity":100}}])");
  REQUIRE(read.ok());
  REQUIRE(read->size() == 4);
  CHECK((*read)[0].target == 7);
  CHECK((*read)[0].cell == territory::no_cell);
  CHECK((*read)[1].cell == 12);
  CHECK((*read)[2].kind == territory::OrderKind::retreat);
  CHECK((*read)[3].role == territory::Role::defender);
  CHECK((*read)[3].attributes.attack == 900);
  for (const auto& order : *read)
    CHECK(order.team == 1);
  const auto refusal = [&](std::string_view list) {
    const auto refused = orders(list);
    REQUIRE_FALSE(refused.ok());
    return refused.error().message;
  };
  CHECK(refusal(R"([{"kind":"fly","agent":1}])").find("orders[0].kind: expected idle") == 0);
  CHECK(refusal(R"([{"kind":"move","agent":-1,"cell":1}])").find("orders[0].agent") == 0);
  CHECK(refusal(R"([{"kind":"move","agent":1,"cell":70000}])").find("orders[0].cell") == 0);
  CHECK(refusal(R"([{"kind":"idle","agent":1,"speed":2}])").find("orders[0]") == 0);
  CHECK(refusal(R"([{"kind":"spawn","role":"king","attributes":{}}])").find("role") !=
        std::string::npos);
  CHECK(refusal(R"([{"kind":"spawn","role":"attacker","attributes":{"speed":5000}}])")
            .find("attributes") != std::string::npos);
  CHECK(refusal("7").find("orders: expected a list") == 0);
  std::string many = "[";
  for (int i = 0; i < 300; ++i)
    many += std::string(i == 0 ? "" : ",") + R"({"kind":"idle","agent":1})";
  CHECK(refusal(many + "]").find("at most 256") != std::string::npos);
}

TEST_CASE("arena: hello and views are whole lines of JSON that say nothing of the match's seed") {
  auto map = generate_ground(20, 16, 2, 1);
  REQUIRE(map.ok());
  const auto board = territory::Board::make(*map, territory::default_rules());
  REQUIRE(board.ok());
  const std::string hello = hello_line({.board = *board, .team = 1, .seed = 5});
  CHECK(hello.find('\n') == std::string::npos);
  for (const char* part : {"\"type\":\"hello\"", "\"team\":1", "\"seed\":\"5\"", "\"terrain\":\"",
                           "\"formulas\"", "\"strike\"", "\"time_limit_ticks\":6000"}) {
    CAPTURE(std::string(part));
    CHECK(hello.find(part) != std::string::npos);
  }
  const territory::World world = territory::start(*board, 123456789);
  territory::View view;
  territory::observe(*board, world, 1, view);
  const std::string line = view_line(view);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find("\"type\":\"view\",\"tick\":0") == 1);
  CHECK(line.find("123456789") == std::string::npos);
}
