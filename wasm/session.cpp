#include "wasm/session.hpp"

#include <algorithm>

#include "engine/base/canonical_json.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/strategy/match_snapshot.hpp"

namespace redoubt::wasm {
namespace {

using namespace territory;
using strategy::Match;

constexpr std::size_t history_events_max = 4096;
constexpr int observer_work = 1'000'000;
constexpr std::string_view observer_name = "strategist";
constexpr std::uint64_t observer_seed = 1;

// A decimal number of 64 bits, as seeds come from JavaScript.
Result<std::uint64_t> read_seed(const std::string& text, const char* path) {
  std::uint64_t value = 0;
  bool fits = !text.empty();
  for (char c : text) {
    if (c < '0' || c > '9') {
      fits = false;
      break;
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) fits = false;
    value = value * 10 + digit;
  }
  if (fits) return value;
  return Error{.code = "bad_argument",
               .message = std::string(path) + ": expected a number from 0 to 2^64-1, got " + text,
               .path = path,
               .expected = "0..18446744073709551615",
               .got = text};
}

Result<Map> generate_from(const std::string& text) {
  const Result<Json> json = parse_json(text);
  if (!json.ok()) return json.error();
  GenerateOptions options;
  JsonFields fields(*json, "bad_map", "map.generate");
  constexpr int permille_max = 1000;
  const auto read = [&](const char* key, int& value, int low, int high) {
    value = static_cast<int>(fields.integer_or(key, low, high, value));
  };
  read("width", options.width, 1, cells_max);
  read("height", options.height, 1, cells_max);
  read("teams", options.teams, 2, teams_max);
  read("obstacle_permille", options.obstacle_permille, 0, permille_max);
  read("rough_permille", options.rough_permille, 0, permille_max);
  read("sites_per_team", options.sites_per_team, 0, sites_max);
  read("site_base_distance_min", options.site_base_distance_min, 0, cells_max);
  const std::string seed = fields.text_or("seed", 20, "1");
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  const Result<std::uint64_t> number = read_seed(seed, "map.generate.seed");
  if (!number.ok()) return number.error();
  options.seed = *number;
  return generate(options);
}

Result<Rules> rules_from(const std::string& text) {
  if (text.empty()) return default_rules();
  return read_rules(text);
}

std::span<const TimedOrder> recording(const Session& session) {
  return session.match.replay.orders;
}

Playback& playback_of(Session& session) {
  if (!session.playback) {
    const Replay& replay = session.match.replay;
    session.playback.emplace(session.match.board, replay.seed, replay.lots);
  }
  return *session.playback;
}

void trim(std::vector<Event>& events) {
  if (events.size() > events_max) {
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(events_max));
  }
}

Error no_live_match() {
  return {.code = "bad_argument",
          .message = "a replay cannot be played on: branch() from it first",
          .path = "engine",
          .expected = "a live match",
          .got = "a replay"};
}

// What the players of a live match have in mind, from time to time, for branch().
void keep_minds(Session& session) {
  const std::int32_t tick = session.match.world.tick;
  if (tick % keyframe_interval_ticks != 0) return;
  const auto& players = session.match.players;
  const bool minded =
      std::any_of(players.begin(), players.end(), [](const auto& p) { return !!p; });
  if (!minded) return;
  if (!session.keyframes.empty() && session.keyframes.back().tick >= tick) return;
  if (session.keyframes.size() >= keyframes_max) {
    session.keyframes.erase(session.keyframes.begin());
  }
  session.keyframes.push_back({tick, strategy::save_minds(session.match)});
}

Result<void> one_tick(Session& session, std::span<const Order> orders) {
  keep_minds(session);
  return strategy::advance(session.match, orders, &session.events);
}

Result<void> ready_to_play(Session& session) {
  if (session.is_replay) return no_live_match();
  session.past = false;
  if (!session.match.world.over) return {};
  return Error{.code = "match_over",
               .message = "the match is over since tick " +
                          std::to_string(session.match.world.tick) +
                          ": read `outcome`, restore a snapshot or create another engine",
               .path = "tick",
               .got = std::to_string(session.match.world.tick)};
}

Result<strategy::Player*> player_of(Session& session, Team team) {
  if (!session.match.players[team]) {
    const Result<void> set = strategy::set_player(session.match, team, observer_name);
    if (!set.ok()) return set.error();
  }
  return session.match.players[team].get();
}

// A strategist that looks at the shown tick through the team's eyes.
Result<strategy::Player*> observer_of(Session& session, Team team) {
  auto made = strategy::make_player(observer_name, session.match.board, team, observer_seed);
  if (!made.ok()) return made.error();
  session.observer = std::move(*made);
  const View view = sight(session, team);
  for (int work = 0; work < strategy::thought_work_max; work += observer_work) {
    if (session.observer->think(view, observer_work).done) break;
  }
  return session.observer.get();
}

bool has_thought(const Session& session, Team team) {
  const auto& thought = session.match.thoughts[team];
  return !session.past && session.match.players[team] && thought.tick >= 0 &&
         !(thought.open && thought.tick == 0);
}

// Who gave the directive that a player follows: it knows only that it came from outside.
std::string source_of(const Session& session, Team team) {
  std::string source = "relay";
  for (const Directive& directive : session.directives) {
    if (directive.team != team) continue;
    const Result<Json> json = parse_json(directive.strategy);
    if (json.ok()) source = json->value("source", source);
  }
  return source;
}

// --- going back and on from there ---

void cut_recording(Match& match, std::int32_t tick) {
  std::erase_if(match.replay.orders, [&](const TimedOrder& o) { return o.tick >= tick; });
  match.replay.hashes.resize(std::min<std::size_t>(
      match.replay.hashes.size(), static_cast<std::size_t>(tick / replay_hash_interval_ticks)));
}

std::vector<Order> orders_of(std::span<const TimedOrder> orders, std::int32_t tick) {
  auto at = std::lower_bound(orders.begin(), orders.end(), tick,
                             [](const TimedOrder& o, std::int32_t t) { return o.tick < t; });
  std::vector<Order> found;
  for (; at != orders.end() && at->tick == tick; ++at)
    found.push_back(at->order);
  return found;
}

void give_directives(Session& session, std::int32_t tick) {
  for (const Directive& directive : session.directives) {
    if (directive.tick != tick || !session.match.players[directive.team]) continue;
    const Result<Json> json = parse_json(directive.strategy);
    // It was taken once; were it refused now, the player would merely do without.
    if (json.ok()) (void)session.match.players[directive.team]->direct(*json, directive.until_tick);
  }
}

// Goes through the recorded ticks up to `tick` with the players thinking along.
Result<void> think_along(Session& session, std::span<const TimedOrder> orders, std::int32_t tick) {
  Match& match = session.match;
  while (match.world.tick < tick && !match.world.over) {
    give_directives(session, match.world.tick);
    strategy::begin_thoughts(match);
    while (strategy::thought_is_due(match)) {
      const Result<bool> thought = strategy::think(match, observer_work);
      if (!thought.ok()) return thought.error();
    }
    Result<void> played = strategy::advance_as_recorded(match, orders_of(orders, match.world.tick));
    if (!played.ok()) return played;
  }
  return {};
}

Result<void> set_players(Match& match, const std::vector<std::string>& players) {
  for (std::size_t team = 0; team < match.players.size(); ++team) {
    const std::string name = players.empty()         ? std::string(observer_name)
                             : team < players.size() ? players[team]
                                                     : "";
    const Result<void> set = strategy::set_player(match, static_cast<Team>(team), name);
    if (!set.ok()) return set;
  }
  match.pending.clear();
  return {};
}

Result<void> branch_with_minds(Session& session, const MindKeyframe& keyframe, std::int32_t tick) {
  Match& match = session.match;
  const std::vector<TimedOrder> orders = match.replay.orders;
  Playback& playback = playback_of(session);
  const Result<void> back = playback.seek(orders, keyframe.tick);
  if (!back.ok()) return back;
  match.world = playback.world();
  cut_recording(match, keyframe.tick);
  const Result<void> minds = strategy::restore_minds(match, keyframe.minds);
  if (!minds.ok()) return minds;
  return think_along(session, orders, tick);
}

}  // namespace

Result<Map> read_source(const std::string& kind, const std::string& text, const std::string& name) {
  if (kind == "generate") return generate_from(text);
  Result<Map> map = kind == "compact"   ? read_compact(text)
                    : kind == "tiled"   ? read_tiled(text)
                    : kind == "wesnoth" ? read_wesnoth(text)
                                        : read_map(text, name);
  if (map.ok() && !name.empty()) map->name = name;
  return map;
}

Result<Session> open_session(const std::string& kind, const std::string& map,
                             const std::string& name, const std::string& rules,
                             const std::string& seed) {
  Result<Map> ground = read_source(kind, map, name);
  if (!ground.ok()) return ground.error();
  Result<Rules> table = rules_from(rules);
  if (!table.ok()) return table.error();
  const Result<std::uint64_t> number = read_seed(seed, "seed");
  if (!number.ok()) return number.error();
  strategy::MatchOptions options{.map = std::move(*ground), .rules = *table, .seed = *number};
  Result<Match> match = strategy::start_match(options);
  if (!match.ok()) return match.error();
  return Session{.match = std::move(*match)};
}

Result<Session> open_replay(std::string_view bytes) {
  Result<Replay> replay = read_replay(bytes);
  if (!replay.ok()) return replay.error();
  strategy::MatchOptions options{
      .map = replay->map, .rules = replay->rules, .seed = replay->seed, .lots = replay->lots};
  Result<Match> match = strategy::start_match(options);
  if (!match.ok()) return match.error();
  match->replay = std::move(*replay);
  Session session{.match = std::move(*match), .is_replay = true, .past = true};
  playback_of(session);
  return session;
}

Result<Session> open_snapshot(std::string_view bytes) {
  Result<Match> match = strategy::load_match(bytes);
  if (!match.ok()) return match.error();
  return Session{.match = std::move(*match)};
}

std::string describe(const Board& board) {
  const Map& map = board.map();
  std::string terrain;
  for (Terrain t : map.terrain)
    terrain += static_cast<char>('0' + static_cast<int>(t));
  Json sites = Json::array();
  for (const Site& site : map.sites)
    sites.push_back(Json::array({site.cell, static_cast<int>(site.type)}));
  const Json json = {
      {"name", map.name},
      {"width", map.width},
      {"height", map.height},
      {"teams", board.teams()},
      {"orientation", map.orientation == Orientation::flat_top ? "flat_top" : "pointy_top"},
      {"terrain", std::move(terrain)},
      {"bases", map.bases},
      {"sites", std::move(sites)},
      {"reachableCells", board.reachable_cells()},
      {"warnings", warnings(map)},
      {"hash", hex16(board.map_hash())}};
  return canonical(json);
}

std::string describe(const Session& session) {
  const Replay& replay = session.match.replay;
  const Json rest = {{"seed", std::to_string(replay.seed)},
                     {"players", replay.players},
                     {"work", session.match.work_per_tick},
                     {"finalTick", head_tick(session)}};
  std::string text = canonical(rest);
  text.back() = ',';
  return text + "\"rules\":" + write_rules(session.match.board.rules()) +
         ",\"map\":" + describe(session.match.board) + "}";
}

const World& shown(const Session& session) {
  return session.past && session.playback ? session.playback->world() : session.match.world;
}

std::int32_t head_tick(const Session& session) {
  return session.is_replay ? session.match.replay.final_tick : session.match.world.tick;
}

Result<void> advance(Session& session, std::string_view orders) {
  Result<std::vector<Order>> outside = read_orders(orders);
  if (!outside.ok()) return outside.error();
  const Result<void> ready = ready_to_play(session);
  if (!ready.ok()) return ready;
  const Result<void> played = one_tick(session, *outside);
  if (!played.ok()) return played;
  trim(session.events);
  return {};
}

Result<void> step(Session& session, std::string_view orders, int ticks) {
  session.events.clear();
  Result<void> played = advance(session, orders);
  for (int i = 1; i < ticks && played.ok() && !session.match.world.over; ++i) {
    played = one_tick(session, {});
    if (session.events.size() > 2 * events_max) trim(session.events);
  }
  trim(session.events);
  return played;
}

Result<void> play(Session& session, int ticks, int work_per_tick) {
  session.events.clear();
  const Result<void> ready = ready_to_play(session);
  if (!ready.ok()) return ready;
  session.match.work_per_tick = work_per_tick;
  for (int i = 0; i < ticks && !session.match.world.over; ++i) {
    keep_minds(session);
    const Result<void> played =
        strategy::play(session.match, session.match.world.tick + 1, &session.events);
    if (!played.ok()) return played;
    if (session.events.size() > 2 * events_max) trim(session.events);
  }
  trim(session.events);
  return {};
}

Result<Thinking> think(Session& session, Team team, int work) {
  if (session.is_replay) return no_live_match();
  const Result<strategy::Player*> player = player_of(session, team);
  if (!player.ok()) return player.error();
  Match& match = session.match;
  strategy::Thought& thought = match.thoughts[team];
  if (!thought.open || thought.tick != match.world.tick) {
    observe(match.board, match.world, team, match.views[team]);
    thought = {.open = true, .tick = match.world.tick};
  }
  const strategy::ThinkResult result = (*player)->think(match.views[team], work);
  thought.open = !result.done;
  thought.work += result.work_used;
  Thinking answer{.done = result.done, .work_used = result.work_used};
  if (result.done) answer.orders = (*player)->orders();
  return answer;
}

Result<void> direct(Session& session, Team team, const std::string& team_strategy, int ticks) {
  if (session.is_replay) return no_live_match();
  const Result<Json> json = parse_json(team_strategy);
  if (!json.ok()) return json.error();
  const Result<strategy::Player*> player = player_of(session, team);
  if (!player.ok()) return player.error();
  const std::int32_t tick = session.match.world.tick;
  const Result<void> taken = (*player)->direct(*json, tick + ticks);
  if (!taken.ok()) return taken;
  session.match.exact = false;
  if (session.directives.size() >= directives_max) {
    session.directives.erase(session.directives.begin());
  }
  session.directives.push_back({tick, team, team_strategy, tick + ticks});
  return {};
}

Result<std::string> explain(Session& session, Team team) {
  if (has_thought(session, team)) {
    Json json = session.match.players[team]->explain();
    if (json.value("source", "") == "relay") json["source"] = source_of(session, team);
    return canonical(json);
  }
  if (!session.past) return std::string("null");
  const Result<strategy::Player*> observer = observer_of(session, team);
  if (!observer.ok()) return observer.error();
  return canonical((*observer)->explain());
}

Result<std::vector<std::int16_t>> heat_map(Session& session, Team team, strategy::HeatMap which) {
  std::vector<std::int16_t> field;
  if (has_thought(session, team) && session.match.players[team]->heat_map(which, field)) {
    return field;
  }
  const Result<strategy::Player*> observer = observer_of(session, team);
  if (!observer.ok()) return observer.error();
  if (!(*observer)->heat_map(which, field)) {
    return Error{.code = "internal", .message = "the strategist has no such field"};
  }
  return field;
}

View sight(const Session& session, Team team) {
  View view;
  if (!session.past) view = session.match.views[team];
  observe(session.match.board, shown(session), team, view);
  return view;
}

Result<void> seek(Session& session, std::int32_t tick) {
  tick = std::clamp(tick, 0, head_tick(session));
  if (!session.is_replay && tick >= session.match.world.tick) {
    session.past = false;
    return {};
  }
  Playback& playback = playback_of(session);
  const bool one_forward = session.past && tick == playback.tick() + 1;
  if (!one_forward) session.events.clear();
  const Result<void> moved =
      playback.seek(recording(session), tick, one_forward ? &session.events : nullptr);
  session.past = true;
  trim(session.events);
  return moved;
}

Result<void> branch(Session& session, const std::vector<std::string>& players) {
  const std::int32_t tick = shown(session).tick;
  if (!session.past) {
    return players.empty() ? Result<void>{} : set_players(session.match, players);
  }
  Match& match = session.match;
  const auto after = std::find_if(session.keyframes.begin(), session.keyframes.end(),
                                  [&](const MindKeyframe& k) { return k.tick > tick; });
  session.keyframes.erase(after, session.keyframes.end());
  const bool minds_known = !session.is_replay && !session.keyframes.empty() && players.empty();
  if (minds_known) {
    const MindKeyframe keyframe = session.keyframes.back();
    const Result<void> gone_back = branch_with_minds(session, keyframe, tick);
    if (!gone_back.ok()) return gone_back;
  } else {
    const std::vector<std::string> names =
        players.empty() && !session.is_replay ? match.replay.players : players;
    match.world = session.playback->world();
    cut_recording(match, tick);
    const Result<void> set = set_players(match, names);
    if (!set.ok()) return set;
  }
  std::erase_if(session.directives, [&](const Directive& d) { return d.tick >= tick; });
  session.playback->forget(tick);
  session.is_replay = false;
  session.past = false;
  session.events.clear();
  return {};
}

Result<void> restore(Session& session, std::string_view snapshot) {
  if (session.is_replay) return no_live_match();
  const Result<void> restored = strategy::restore_match(session.match, snapshot);
  if (!restored.ok()) return restored;
  session.playback.reset();
  session.past = false;
  session.keyframes.clear();
  session.directives.clear();
  session.events.clear();
  return {};
}

Result<History> history(const Session& session, std::int32_t every_ticks) {
  const Replay& replay = session.match.replay;
  Playback pass(session.match.board, replay.seed, replay.lots);
  History history;
  std::vector<Event> events;
  const std::int32_t end = head_tick(session);
  append_team_rows(pass.board(), pass.world(), history.rows);
  for (std::int32_t tick = every_ticks; tick <= end; tick += every_ticks) {
    const Result<void> moved = pass.seek(recording(session), tick, &events);
    // A damaged recording is reported by seek(); its course up to there is still worth showing.
    if (!moved.ok() || pass.tick() < tick) break;
    append_team_rows(pass.board(), pass.world(), history.rows);
  }
  if (pass.tick() < end) (void)pass.seek(recording(session), end, &events);
  for (const Event& event : events) {
    const bool told = event.kind == EventKind::died || event.kind == EventKind::won;
    if (told && history.events.size() < history_events_max) history.events.push_back(event);
  }
  return history;
}

}  // namespace redoubt::wasm
