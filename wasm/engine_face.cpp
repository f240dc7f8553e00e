// The face of the engine to JavaScript: coarse calls on handles; src/core.ts declares them as
// `Face`.
//
// 1. Texts are UTF-8; binary goes in as a string of bytes and comes out as a view of the core's
//    memory that the next call may move.
// 2. What goes wrong is thrown as a JavaScript Error (guard.hpp).
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/base/canonical_json.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/play/builtins.hpp"
#include "engine/strategy/match_snapshot.hpp"
#include "engine/strategy/requests.hpp"
#include "wasm/guard.hpp"
#include "wasm/session.hpp"

namespace redoubt::wasm {
namespace {

using emscripten::val;
using territory::Team;

constexpr int sessions_max = 4096;

std::map<int, std::unique_ptr<Session>>& sessions() {
  static std::map<int, std::unique_ptr<Session>> open;
  return open;
}

Session& session_of(int handle) {
  const auto found = sessions().find(handle);
  if (found == sessions().end()) {
    throw Fault{{.code = "disposed", .message = "no engine has this handle"}};
  }
  return *found->second;
}

Team team_of(const Session& session, int team) {
  if (team >= 0 && team < session.match.board.teams()) return static_cast<Team>(team);
  throw Fault{{.code = "bad_argument",
               .message = "the map has no team " + std::to_string(team),
               .path = "team"}};
}

int hold(Session session) {
  if (sessions().size() >= static_cast<std::size_t>(sessions_max)) {
    throw Fault{{.code = "out_of_memory",
                 .message = "too many engines are open: dispose of those no longer used",
                 .expected = "at most " + std::to_string(sessions_max)}};
  }
  static int next_handle = 1;
  sessions()[next_handle] = std::make_unique<Session>(std::move(session));
  return next_handle++;
}

val view_of(const Bytes& bytes) {
  return val(emscripten::typed_memory_view(bytes.size(), bytes.data()));
}
val view_of(Session& session, std::string_view text) {
  session.out.assign(text.begin(), text.end());
  return view_of(session.out);
}
val events_of(Session& session) {
  write_events(session.events, session.out);
  session.events.clear();
  return view_of(session.out);
}

// --- the module ---

std::string versions() {
  return "{\"rulesVersion\":\"" + std::to_string(territory::rules_version) + "." +
         hex16(territory::hash(territory::default_rules())) + "\",\"strategyVersion\":\"" +
         std::to_string(strategy::strategy_version) +
         "\",\"replayFormat\":" + std::to_string(territory::replay_format) + "}";
}

territory::Board board_from(const std::string& kind, const std::string& text,
                            const std::string& name) {
  return unwrap(
      territory::Board::make(unwrap(read_source(kind, text, name)), territory::default_rules()));
}

std::string describe_map(const std::string& kind, const std::string& text,
                         const std::string& name) {
  return guarded([&] { return describe(board_from(kind, text, name)); });
}

std::string compact_map(const std::string& kind, const std::string& text, const std::string& name) {
  return guarded([&] { return territory::write_compact(board_from(kind, text, name).map()); });
}

// FastAPI's list of faults becomes one error that names the first and counts the rest.
Error request_error(const strategy::Faults& faults) {
  const strategy::RequestFault& first = faults.front();
  Error error{.code = "bad_request", .expected = first.type, .got = redoubt::describe(first.input)};
  for (const std::string& part : first.location)
    error.path += (error.path.empty() ? "" : ".") + part;
  error.message = error.path + ": " + first.message;
  if (faults.size() > 1) {
    error.message += " (and " + std::to_string(faults.size() - 1) + " more)";
  }
  return error;
}

std::string answer(const std::string& which, const std::string& request) {
  return guarded([&] {
    const Json json = unwrap(parse_json(request));
    const strategy::Answer answer = which == "team_strategy" ? strategy::answer_team_strategy(json)
                                    : which == "agent_specification"
                                        ? strategy::answer_agent_specification(json)
                                        : strategy::answer_strategy_adaptation(json);
    if (const auto* faults = std::get_if<strategy::Faults>(&answer)) {
      throw Fault{request_error(*faults)};
    }
    return canonical(std::get<Json>(answer));
  });
}

/// Names separated by commas.
std::string builtin_names() {
  std::string names;
  for (const std::string& name : play::builtins())
    names += (names.empty() ? "" : ",") + name;
  return names;
}
std::string builtin(const std::string& name, const std::string& request) {
  return guarded([&] { return unwrap(play::call(name, request)); });
}

// --- a session ---

int open(const std::string& kind, const std::string& map, const std::string& name,
         const std::string& rules, const std::string& seed) {
  return guarded([&] { return hold(unwrap(open_session(kind, map, name, rules, seed))); });
}
int open_replay_file(const std::string& bytes) {
  return guarded([&] { return hold(unwrap(open_replay(bytes))); });
}
int open_saved(const std::string& bytes) {
  return guarded([&] { return hold(unwrap(open_snapshot(bytes))); });
}
void close(int handle) {
  sessions().erase(handle);
}

std::string info(int handle) {
  return guarded([&] { return describe(session_of(handle)); });
}
void set_player(int handle, int team, const std::string& name) {
  guarded([&] {
    Session& session = session_of(handle);
    unwrap(strategy::set_player(session.match, team_of(session, team), name));
  });
}
int tick(int handle) {
  return guarded([&] { return shown(session_of(handle)).tick; });
}
int head(int handle) {
  return guarded([&] { return head_tick(session_of(handle)); });
}
bool over(int handle) {
  return guarded([&] { return shown(session_of(handle)).over != 0; });
}
std::string hash(int handle) {
  return guarded([&] {
    const Session& session = session_of(handle);
    return hex16(territory::state_hash(session.match.board, shown(session)));
  });
}
val frame(int handle, bool with_events) {
  return guarded([&] {
    Session& session = session_of(handle);
    std::vector<territory::Event> events;
    if (with_events) events.swap(session.events);
    write_frame(session.match.board, shown(session), events, session.out);
    return view_of(session.out);
  });
}
val sight_of(int handle, int team) {
  return guarded([&] {
    Session& session = session_of(handle);
    write_sight(session.match.board, sight(session, team_of(session, team)), session.out);
    return view_of(session.out);
  });
}

val step_ticks(int handle, const std::string& orders, int ticks) {
  return guarded([&] {
    Session& session = session_of(handle);
    unwrap(step(session, orders, ticks));
    return events_of(session);
  });
}
val play_ticks(int handle, int ticks, int work) {
  return guarded([&] {
    Session& session = session_of(handle);
    unwrap(play(session, ticks, work));
    return events_of(session);
  });
}
val think_team(int handle, int team, int work) {
  return guarded([&] {
    Session& session = session_of(handle);
    const Thinking result = unwrap(think(session, team_of(session, team), work));
    const std::int32_t header[] = {result.done ? 1 : 0, result.work_used};
    write_orders(header, result.orders, session.out);
    return view_of(session.out);
  });
}
void direct_team(int handle, int team, const std::string& team_strategy, int ticks) {
  guarded([&] {
    Session& session = session_of(handle);
    unwrap(direct(session, team_of(session, team), team_strategy, ticks));
  });
}
std::string explain_team(int handle, int team) {
  return guarded([&] {
    Session& session = session_of(handle);
    return unwrap(explain(session, team_of(session, team)));
  });
}
val heat_map_of(int handle, int team, int which) {
  return guarded([&] {
    Session& session = session_of(handle);
    const auto field =
        unwrap(heat_map(session, team_of(session, team), static_cast<strategy::HeatMap>(which)));
    const auto* bytes = reinterpret_cast<const char*>(field.data());
    return view_of(session, {bytes, field.size() * sizeof(std::int16_t)});
  });
}

val save(int handle) {
  return guarded([&] {
    Session& session = session_of(handle);
    return view_of(session, strategy::save_match(session.match));
  });
}
void restore_snapshot(int handle, const std::string& bytes) {
  guarded([&] { unwrap(restore(session_of(handle), bytes)); });
}
val replay(int handle) {
  return guarded([&] {
    Session& session = session_of(handle);
    return view_of(session,
                   territory::write_replay(session.is_replay ? session.match.replay
                                                             : strategy::recorded(session.match)));
  });
}
std::string verify_replay(int handle) {
  return guarded([&] {
    const territory::Verdict verdict = unwrap(territory::verify(session_of(handle).match.replay));
    return std::string("{\"same\":") + (verdict.same ? "true" : "false") +
           ",\"tick\":" + std::to_string(verdict.tick) + ",\"recorded\":\"" +
           hex16(verdict.recorded) + "\",\"computed\":\"" + hex16(verdict.computed) + "\"}";
  });
}

// --- what the worker's loop uses ---

void begin_thoughts(int handle) {
  guarded([&] {
    Session& session = session_of(handle);
    if (!session.is_replay) strategy::begin_thoughts(session.match);
  });
}
bool think_some(int handle, int work) {
  return guarded([&] { return unwrap(strategy::think(session_of(handle).match, work)); });
}
/// 0 nobody thinks, 1 a thought is open, 2 and its orders are due.
int thinking(int handle) {
  return guarded([&] {
    const strategy::Match& match = session_of(handle).match;
    return !strategy::thinking(match) ? 0 : strategy::thought_is_due(match) ? 2 : 1;
  });
}
void check_orders(int handle, const std::string& orders) {
  guarded([&] {
    const strategy::Match& match = session_of(handle).match;
    for (const territory::Order& order : unwrap(read_orders(orders))) {
      unwrap(territory::check(match.board, match.world, order));
    }
  });
}
void set_work(int handle, int work) {
  guarded([&] { session_of(handle).match.work_per_tick = work; });
}
void advance_tick(int handle, const std::string& orders) {
  guarded([&] { unwrap(advance(session_of(handle), orders)); });
}
bool exact(int handle) {
  return guarded([&] { return session_of(handle).match.exact; });
}
void seek_tick(int handle, int to) {
  guarded([&] { unwrap(seek(session_of(handle), to)); });
}
/// `players`: names separated by commas; "-" for as they are.
void branch_here(int handle, const std::string& players) {
  guarded([&] {
    std::vector<std::string> names;
    for (std::size_t at = 0; players != "-" && at <= players.size();) {
      const std::size_t comma = std::min(players.find(',', at), players.size());
      names.push_back(players.substr(at, comma - at));
      at = comma + 1;
    }
    unwrap(branch(session_of(handle), names));
  });
}
val history_of(int handle, int every_ticks) {
  return guarded([&] {
    Session& session = session_of(handle);
    const History course = unwrap(history(session, std::max(every_ticks, 1)));
    Bytes events;
    write_events(course.events, events);
    const auto rows = static_cast<std::int32_t>(course.rows.size());
    const auto* row_bytes = reinterpret_cast<const std::uint8_t*>(course.rows.data());
    const auto* count_bytes = reinterpret_cast<const std::uint8_t*>(&rows);
    session.out.assign(count_bytes, count_bytes + sizeof rows);
    session.out.insert(session.out.end(), row_bytes,
                       row_bytes + course.rows.size() * sizeof(std::int32_t));
    session.out.insert(session.out.end(), events.begin(), events.end());
    return view_of(session.out);
  });
}

EMSCRIPTEN_BINDINGS(redoubt) {
  using emscripten::function;
  function("versions", &versions);
  function("describeMap", &describe_map);
  function("compactMap", &compact_map);
  function("answer", &answer);
  function("builtinNames", &builtin_names);
  function("builtin", &builtin);
  function("open", &open);
  function("openReplay", &open_replay_file);
  function("openSaved", &open_saved);
  function("close", &close);
  function("info", &info);
  function("setPlayer", &set_player);
  function("tick", &tick);
  function("head", &head);
  function("over", &over);
  function("hash", &hash);
  function("frame", &frame);
  function("sight", &sight_of);
  function("step", &step_ticks);
  function("play", &play_ticks);
  function("think", &think_team);
  function("direct", &direct_team);
  function("explain", &explain_team);
  function("heatMap", &heat_map_of);
  function("save", &save);
  function("restore", &restore_snapshot);
  function("replay", &replay);
  function("verify", &verify_replay);
  function("beginThoughts", &begin_thoughts);
  function("thinkSome", &think_some);
  function("thinking", &thinking);
  function("checkOrders", &check_orders);
  function("setWork", &set_work);
  function("advance", &advance_tick);
  function("exact", &exact);
  function("seek", &seek_tick);
  function("branch", &branch_here);
  function("history", &history_of);
}

}  // namespace
}  // namespace redoubt::wasm
