#include "relay/services/game/push.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"

namespace redoubt::services {
namespace {

constexpr std::array<const char*, 3> resource_names{"energy", "materials", "data"};
constexpr std::size_t name_bytes_max = 32;
constexpr double focus_radius_min = 100;

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

PushFrame error_frame(const std::string& message) {
  return {PushKind::error,
          dump(Json{{"type", "error"}, {"data", {{"message", bounded_text(message)}}}})};
}

Error bad_frame(std::string path, std::string expected, const Json& got) {
  Error error{.code = "bad_frame", .path = std::move(path), .expected = std::move(expected)};
  error.got = describe(got);
  error.message = error.path + ": expected " + error.expected + ", got " + error.got;
  return error;
}

// Reads gameState's data; the first fault ends it.
class FrameReader {
 public:
  Json read(const Json& data) {
    Json request{{"territory_control", Json::object()},
                 {"resources", Json::object()},
                 {"agents", Json::object()},
                 {"resource_distribution", Json::object()}};
    if (!data.is_object()) {
      fail("data", "an object", data);
      return request;
    }
    read_shares(member(data, "territoryControl"), request["territory_control"]);
    const Json& shares = request["territory_control"];
    const Json* stores = optional_object(data, "resources");
    const Json* agents = optional_object(data, "agents");
    for (const auto& [team, share] : shares.items()) {
      const std::string at = "." + team;
      request["resources"][team] = amounts(find(stores, team), "data.resources" + at);
      request["agents"][team] = agent_list(find(agents, team), "data.agents" + at);
    }
    const Json* on_map = optional_object(data, "resourcesOnMap");
    request["resource_distribution"] = amounts(on_map, "data.resourcesOnMap");
    return request;
  }

  std::optional<Error> fault;

 private:
  void fail(std::string path, std::string expected, const Json& got) {
    if (!fault) fault = bad_frame(std::move(path), std::move(expected), got);
  }
  const Json& member(const Json& object, const char* name) {
    static const Json nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
  }
  static const Json* find(const Json* object, const std::string& name) {
    if (object == nullptr) return nullptr;
    const auto found = object->find(name);
    return found == object->end() || found->is_null() ? nullptr : &*found;
  }
  const Json* optional_object(const Json& data, const char* name) {
    const Json* value = find(&data, name);
    if (value != nullptr && !value->is_object()) {
      fail("data." + std::string(name), "an object", *value);
      return nullptr;
    }
    return value;
  }
  double quantity(const Json& value, const std::string& at) {
    if (value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0) {
      return value.get<double>();
    }
    fail(at, "a number of at least 0", value);
    return 0;
  }

  void read_shares(const Json& shares, Json& out) {
    const std::string at = "data.territoryControl";
    if (!shares.is_object() || shares.empty() || shares.size() > push_teams_max) {
      fail(at, "an object of 1 to " + std::to_string(push_teams_max) + " teams' percentages",
           shares);
      return;
    }
    for (const auto& [team, share] : shares.items()) {
      if (team.size() > name_bytes_max) fail(at, "short names of teams", Json(team));
      out[team] = quantity(share, at + "." + team);
    }
  }

  // The page sends {} for a store that it has not filled yet.
  Json amounts(const Json* store, const std::string& at) {
    Json out = Json::object();
    if (store != nullptr && !store->is_object()) fail(at, "an object", *store);
    for (const char* name : resource_names) {
      const Json* amount = store != nullptr && store->is_object() ? find(store, name) : nullptr;
      out[name] = amount == nullptr ? 0.0 : quantity(*amount, at + "." + name);
    }
    return out;
  }

  Json agent_list(const Json* list, const std::string& at) {
    Json out = Json::array();
    if (list == nullptr) return out;
    if (!list->is_array() || list->size() > push_agents_max) {
      fail(at, "a list of at most " + std::to_string(push_agents_max) + " agents", *list);
      return out;
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      out.push_back(agent((*list)[i], i, at + "[" + std::to_string(i) + "]"));
    }
    return out;
  }

  // Whole agent objects come from the page: what the request needs is taken, the rest ignored. The
  // game calls the kind of an agent `role`, the request `type`.
  Json agent(const Json& value, std::size_t index, const std::string& at) {
    if (!value.is_object()) {
      fail(at, "an object", value);
      return Json::object();
    }
    Json out{{"id", index}, {"type", "unknown"}};
    const Json* id = find(&value, "id");
    if (id != nullptr && id->is_number_integer()) out["id"] = *id;
    const Json* kind = find(&value, "role");
    if (kind == nullptr || !kind->is_string()) kind = find(&value, "type");
    if (kind != nullptr && kind->is_string() &&
        kind->get_ref<const std::string&>().size() <= name_bytes_max) {
      out["type"] = *kind;
    }
    for (const char* name : {"health", "x", "y"}) {
      const Json& number = member(value, name);
      if (!number.is_number() || !std::isfinite(number.get<double>())) {
        fail(at + "." + name, "a number", number);
      }
      out[name] = number;
    }
    return out;
  }
};

struct Group {
  double x = 0;
  double y = 0;
  double radius = 0;
  bool known = false;
};

Group group_of(const Json& agents) {
  Group group;
  if (agents.empty()) return group;
  for (const Json& agent : agents) {
    group.x += agent["x"].get<double>();
    group.y += agent["y"].get<double>();
  }
  const auto count = static_cast<double>(agents.size());
  group.x /= count;
  group.y /= count;
  for (const Json& agent : agents) {
    const double dx = agent["x"].get<double>() - group.x;
    const double dy = agent["y"].get<double>() - group.y;
    group.radius = std::max(group.radius, std::sqrt(dx * dx + dy * dy));
  }
  group.radius = std::max(group.radius, focus_radius_min);
  group.known = true;
  return group;
}

// Where the strategy looks: at the enemies when it attacks, home when it defends, else between.
// Nothing where no agent's place is known.
std::optional<Json> territory_focus(const Json& situation, const std::string& team,
                                    const Json& answer, std::string_view urgency) {
  const Group own = group_of(situation["agents"][team]);
  Json others = Json::array();
  for (const auto& [name, list] : situation["agents"].items()) {
    if (name == team) continue;
    for (const Json& agent : list)
      others.push_back(agent);
  }
  const Group enemy = group_of(others);
  const std::string strategy = answer.value("strategy", "balanced");
  Group at = own.known ? own : enemy;
  if (strategy == "aggressive" && enemy.known) at = enemy;
  if (strategy == "balanced" && own.known && enemy.known) {
    at.x = (own.x + enemy.x) / 2;
    at.y = (own.y + enemy.y) / 2;
  }
  if (!at.known) return std::nullopt;
  return Json{{"x", std::round(at.x)},
              {"y", std::round(at.y)},
              {"radius", std::round(at.radius)},
              {"priority", urgency}};
}

std::string first_fault(const strategy::Faults& faults) {
  if (faults.empty()) return "the game state was refused";
  std::string path = "data";
  for (const std::string& step : faults.front().location)
    path += "." + step;
  return path + ": " + faults.front().message;
}

}  // namespace

Result<Json> request_of_game_state(const Json& data) {
  FrameReader reader;
  Json request = reader.read(data);
  if (reader.fault) return std::move(*reader.fault);
  return request;
}

Json directive_data(const std::string& team, const Json& answer, std::string_view cause) {
  Json data{{"team", team},
            {"strategy", answer},
            {"focus", answer.value("focus", Json())},
            {"priorities", answer.value("priorities", Json::array())},
            {"agentRecommendations", Json::array()},
            {"cause", cause},
            {"source", answer.value("source", "engine")}};
  for (const char* name : {"model", "cost_microusd"})
    if (answer.contains(name)) data[name] = answer[name];
  return data;
}

Push::Push(PushPolicy policy, Advisors advisors)
    : policy_(policy), advisors_(advisors), situation_(std::make_unique<Json>()) {}
Push::~Push() = default;

bool Push::take_frame(std::int64_t now_ms) {
  constexpr std::int64_t second_ms = 1'000;
  if (frames_this_second_ == 0 || now_ms - second_started_ms_ >= second_ms) {
    second_started_ms_ = now_ms;
    frames_this_second_ = 0;
  }
  ++frames_this_second_;
  return frames_this_second_ <= policy_.frames_per_second_max;
}

PushFrames Push::too_many() const {
  if (frames_this_second_ > policy_.frames_per_second_max + 1) return {};
  return {error_frame("more than " + std::to_string(policy_.frames_per_second_max) +
                      " frames in a second; the rest of them are not read")};
}

PushFrames Push::on_binary(std::int64_t now_ms) {
  if (!take_frame(now_ms)) return too_many();
  return {error_frame("expected a text message with JSON, got a binary one")};
}

PushFrames Push::on_text(std::string_view text, std::int64_t now_ms) {
  if (!take_frame(now_ms)) return too_many();
  const Result<Json> frame =
      parse_json(text, {.bytes_max = text.size(), .depth_max = policy_.depth_max});
  if (!frame) return {error_frame(frame.error().message)};
  if (!frame->is_object() || !frame->contains("type")) {
    return {error_frame("expected an object with the members type and data")};
  }
  if ((*frame)["type"] != "gameState") {
    return {error_frame("type: expected \"gameState\", got " + describe((*frame)["type"]))};
  }
  Result<Json> request = request_of_game_state(frame->contains("data") ? (*frame)["data"] : Json());
  if (!request) return {error_frame(request.error().message)};

  *situation_ = std::move(*request);
  PushFrames out;
  for (const auto& [team, share] : (*situation_)["territory_control"].items()) {
    if (teams_.size() >= push_teams_max && !teams_.contains(team)) continue;
    TeamState& state = teams_[team];
    const Standing standing = standing_of(team);
    if (state.refused) continue;
    if (!state.directed) {
      direct(team, "first", now_ms, out);
    } else if (standing != state.standing &&
               now_ms - state.directive_ms >= policy_.directive_early_ms) {
      direct(team, "situation", now_ms, out);
    }
  }
  return out;
}

PushFrames Push::on_tick(std::int64_t now_ms) {
  PushFrames out;
  if (situation_->is_null()) return out;
  for (const auto& [team, share] : (*situation_)["territory_control"].items()) {
    const auto state = teams_.find(team);
    if (state == teams_.end() || !state->second.directed || state->second.refused) continue;
    const std::int64_t age_ms = now_ms - state->second.directive_ms;
    const bool moved = standing_of(team) != state->second.standing;
    if (age_ms >= policy_.directive_interval_ms) {
      direct(team, "interval", now_ms, out);
    } else if (moved && age_ms >= policy_.directive_early_ms) {
      direct(team, "situation", now_ms, out);
    }
    ask(team, now_ms);
  }
  return out;
}

PushQuestions Push::take_questions() {
  return std::exchange(questions_, {});
}

void Push::ask(const std::string& team, std::int64_t now_ms) {
  TeamState& state = teams_[team];
  if (!policy_.model || !state.wanted || state.asking || state.refused) return;
  if (state.asked && now_ms - state.asked_ms < policy_.directive_early_ms) return;
  state.wanted = false;
  state.asking = true;
  state.asked = true;
  state.asked_ms = now_ms;
  state.asked_about = standing_of(team);
  Json request = *situation_;
  request["team_id"] = team;
  questions_.push_back({team, dump(request)});
}

PushFrames Push::on_answer(const std::string& team, const Json& answer, std::int64_t now_ms) {
  TeamState& state = teams_[team];
  state.asking = false;
  state.reduced.clear();
  const bool there = (*situation_)["territory_control"].contains(team);
  if (!there || standing_of(team) != state.asked_about) {
    state.wanted = there;
    if (there) ask(team, now_ms);
    return {};
  }
  // The engine's next directive is due an interval after what the team goes by now.
  state.directive_ms = now_ms;
  state.wanted = false;
  Json data = directive_data(team, answer, late_cause);
  if (auto focus = territory_focus(*situation_, team, answer, urgency_of(team)))
    data["territoryFocus"] = std::move(*focus);
  return {{PushKind::directive,
           dump(Json{{"type", "directive"}, {"team", team}, {"data", std::move(data)}})}};
}

void Push::on_refusal(const std::string& team, std::string reduced) {
  TeamState& state = teams_[team];
  state.asking = false;
  state.reduced = std::move(reduced);
}

Push::Standing Push::standing_of(const std::string& team) const {
  double own = 0;
  double rival = 0;
  for (const auto& [name, share] : (*situation_)["territory_control"].items()) {
    if (name == team) {
      own = share.get<double>();
    } else {
      rival = std::max(rival, share.get<double>());
    }
  }
  if (own < rival - policy_.class_gap_percent) return Standing::behind;
  if (own > rival + policy_.class_gap_percent) return Standing::ahead;
  return Standing::level;
}

std::string Push::urgency_of(const std::string& team) const {
  constexpr std::array<const char*, 3> urgency{"high", "medium", "low"};
  return urgency[static_cast<std::size_t>(standing_of(team))];
}

void Push::direct(const std::string& team, std::string_view cause, std::int64_t now_ms,
                  PushFrames& out) {
  TeamState& state = teams_[team];
  state.standing = standing_of(team);
  state.directive_ms = now_ms;
  state.directed = true;

  Json request = *situation_;
  request["team_id"] = team;
  const strategy::Answer answered = advisors_.team_strategy(request);
  if (const auto* faults = std::get_if<strategy::Faults>(&answered)) {
    state.refused = true;
    out.push_back(error_frame(team + ": " + first_fault(*faults)));
    return;
  }
  const Json& answer = *std::get_if<Json>(&answered);
  Json data = directive_data(team, answer, cause);
  if (auto focus = territory_focus(*situation_, team, answer, urgency_of(team)))
    data["territoryFocus"] = std::move(*focus);
  if (!state.reduced.empty()) data["reduced"] = Json::parse(state.reduced);
  const strategy::Answer specified = ask_specification(team, answer);
  const Json* specification = std::get_if<Json>(&specified);
  if (specification != nullptr) {
    data["agentRecommendations"].push_back(
        {{"type", specification->value("role", "collector")}, {"count", 1}});
  }
  out.push_back({PushKind::directive,
                 dump(Json{{"type", "directive"}, {"team", team}, {"data", std::move(data)}})});
  if (specification != nullptr) recommend(team, *specification, now_ms, out);
  state.wanted = true;
  ask(team, now_ms);
}

strategy::Answer Push::ask_specification(const std::string& team, const Json& strategy) const {
  std::map<std::string, int> counts;
  for (const Json& agent : (*situation_)["agents"][team])
    ++counts[agent["type"]];
  Json current = Json::array();
  for (const auto& [type, count] : counts)
    current.push_back({{"type", type}, {"count", count}});
  Json request{
      {"team_id", team}, {"strategy", strategy}, {"resources", (*situation_)["resources"][team]}};
  // An empty list would mean "none", and the page sends one where it does not know.
  if (!current.empty()) request["current_agents"] = std::move(current);
  return advisors_.agent_specification(request);
}

void Push::recommend(const std::string& team, const Json& specification, std::int64_t now_ms,
                     PushFrames& out) {
  TeamState& state = teams_[team];
  double store = 0;
  for (const Json& amount : (*situation_)["resources"][team])
    store += amount.get<double>();
  const bool room = (*situation_)["agents"][team].size() < recommendation_agents_max;
  const bool due =
      !state.recommended || now_ms - state.recommendation_ms >= policy_.recommendation_interval_ms;
  if (store < recommendation_store_min || !room || !due) return;
  state.recommended = true;
  state.recommendation_ms = now_ms;
  Json data{{"team", team},
            {"specification", specification},
            {"source", specification.value("source", "engine")}};
  out.push_back(
      {PushKind::recommendation,
       dump(Json{{"type", "agent_recommendation"}, {"team", team}, {"data", std::move(data)}})});
}

}  // namespace redoubt::services
