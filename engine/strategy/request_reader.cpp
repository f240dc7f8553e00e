#include "engine/strategy/request_reader.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/canonical_json.hpp"
#include "engine/base/stable_order.hpp"

namespace redoubt::strategy {
namespace {

using territory::resources;
using territory::roles;
using territory::teams_max;

// Health is compared with this: agents of AgentArena and of our own game have about 100 points.
constexpr double usual_health = 100;

Location join(const Location& at, std::string_view key) {
  Location longer = at;
  longer.emplace_back(key);
  return longer;
}

/// red, team1 or 1 as the index 0, and so on.
std::optional<int> team_named(std::string_view text) {
  if (const auto index = index_of(team_names, text)) return *index;
  if (text.substr(0, 4) == "team") text.remove_prefix(4);
  if (text.size() == 1 && text[0] >= '1' && text[0] < '1' + teams_max) return text[0] - '1';
  return std::nullopt;
}

int role_or_unknown(std::string_view text) {
  const auto index = index_of(role_names, text);
  return index ? *index : unknown_role;
}

template <std::size_t N>
std::string alternatives(const std::array<std::string_view, N>& names) {
  std::string list = "Input should be ";
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0) list += i + 1 == N ? " or " : ", ";
    list += "'" + std::string(names[i]) + "'";
  }
  return list;
}

// The answer quotes what was wrong, but a fault must not send a whole request back 32 times.
Json quoted(Json input) {
  constexpr std::size_t quoted_bytes_max = 2048;
  constexpr std::size_t quoted_members_max = 64;
  if (input.is_string() && input.get_ref<const std::string&>().size() > quoted_bytes_max) {
    return redoubt::describe(input);
  }
  if (!input.is_structured()) return input;
  if (input.size() > quoted_members_max) return redoubt::describe(input);
  const std::string text = canonical(input);
  return text.size() > quoted_bytes_max ? Json(redoubt::describe(input)) : input;
}

void summarise(Side& side, const std::vector<Placed>& agents) {
  side.agents_known = !agents.empty();
  double health = 0;
  for (const Placed& agent : agents) {
    side.count[static_cast<std::size_t>(agent.role)] += 1;
    side.strength += role_strength[static_cast<std::size_t>(agent.role)] * agent.health;
    health += agent.health;
  }
  if (side.agents_known) side.health = health / static_cast<double>(agents.size());
}

}  // namespace

RequestReader::RequestReader(const Json& root) : root_(root) {
  if (!root_.is_object()) {
    fault("model_attributes_type", {},
          "Input should be a valid dictionary or object to extract fields from", root_);
  }
}

void RequestReader::fault(std::string type, Location at, std::string message, Json input) {
  if (faults_.size() >= faults_max) return;
  faults_.push_back({std::move(type), std::move(at), std::move(message), quoted(std::move(input))});
}

const Json* RequestReader::member(const Json& object, const Location& at, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  if (found != object.end()) return &*found;
  fault("missing", join(at, key), "Field required", object);
  return nullptr;
}

bool RequestReader::is_object(const Json& value, const Location& at, std::size_t members_max) {
  if (!value.is_object()) {
    fault("dict_type", at, "Input should be a valid dictionary", value);
    return false;
  }
  if (value.size() > members_max) {
    fault("too_long", at,
          "Dictionary should have at most " + std::to_string(members_max) +
              " items after validation, not " + std::to_string(value.size()),
          value.size());
    return false;
  }
  return true;
}

bool RequestReader::is_list(const Json& value, const Location& at, std::size_t items_max) {
  if (!value.is_array()) {
    fault("list_type", at, "Input should be a valid list", value);
    return false;
  }
  if (value.size() > items_max) {
    fault("too_long", at,
          "List should have at most " + std::to_string(items_max) +
              " items after validation, not " + std::to_string(value.size()),
          value.size());
    return false;
  }
  return true;
}

std::string RequestReader::text(const Json& value, const Location& at) {
  if (!value.is_string()) {
    fault("string_type", at, "Input should be a valid string", value);
    return {};
  }
  const auto& characters = value.get_ref<const std::string&>();
  if (characters.size() > request_text_bytes_max) {
    fault("string_too_long", at,
          "String should have at most " + std::to_string(request_text_bytes_max) + " bytes",
          characters.size());
    return {};
  }
  return characters;
}

double RequestReader::number(const Json& value, const Location& at, double low) {
  if (!value.is_number()) {
    fault("float_type", at, "Input should be a valid number", value);
    return 0;
  }
  const double v = value.get<double>();
  if (!std::isfinite(v)) {
    fault("finite_number", at, "Input should be a finite number", nullptr);
    return 0;
  }
  if (v < low) {
    fault("greater_than_equal", at, "Input should be greater than or equal to " + fixed(low, 0),
          value);
    return 0;
  }
  return std::min(quantity_max, std::max(-quantity_max, v));
}

std::array<double, resources> RequestReader::amounts(const Json& value, const Location& at) {
  std::array<double, resources> out{};
  if (!is_object(value, at, request_text_bytes_max)) return out;
  for (std::size_t r = 0; r < resources; ++r) {
    const std::string key(resource_names[r]);
    if (const Json* amount = member(value, at, key.c_str())) {
      out[r] = number(*amount, join(at, key), 0);
    }
  }
  return out;
}

int RequestReader::team_id() {
  const Json* value = member(root_, {}, "team_id");
  if (value == nullptr) return 0;
  std::optional<int> team;
  if (value->is_number_integer()) {
    const double v = value->get<double>();
    if (v >= 1 && v <= teams_max) team = static_cast<int>(v) - 1;
  } else if (value->is_string()) {
    team = team_named(value->get_ref<const std::string&>());
  } else {
    fault("string_type", {"team_id"}, "Input should be a valid string", *value);
    return 0;
  }
  if (!team) fault("enum", {"team_id"}, alternatives(team_names), *value);
  return team.value_or(0);
}

void RequestReader::territory_into(Situation& s) {
  const Location at{"territory_control"};
  const Json* shares = member(root_, {}, "territory_control");
  if (shares == nullptr || !is_object(*shares, at, request_teams_max)) return;
  for (const auto& [key, value] : shares->items()) {
    const double share = number(value, join(at, key), 0);
    if (const auto team = team_named(key)) {
      Side& side = s.sides[static_cast<std::size_t>(*team)];
      side.territory_known = true;
      side.share_percent = std::min(100.0, share);
      s.present[static_cast<std::size_t>(*team)] = true;
    }
  }
}

void RequestReader::stores_into(Situation& s) {
  const Location at{"resources"};
  const Json* stores = member(root_, {}, "resources");
  if (stores == nullptr || !is_object(*stores, at, request_teams_max)) return;
  for (const auto& [key, value] : stores->items()) {
    const auto store = amounts(value, join(at, key));
    if (const auto team = team_named(key)) {
      Side& side = s.sides[static_cast<std::size_t>(*team)];
      side.store_known = true;
      side.store = store;
      s.present[static_cast<std::size_t>(*team)] = true;
    }
  }
}

void RequestReader::distribution_into(Situation& s) {
  const Location at{"resource_distribution"};
  const Json* offered = member(root_, {}, "resource_distribution");
  if (offered == nullptr || !is_object(*offered, at, request_teams_max)) return;
  bool by_type = false;
  double total = -1;
  for (const auto& [key, value] : offered->items()) {
    const double amount = number(value, join(at, key), 0);
    if (const auto type = index_of(resource_names, key)) {
      s.on_map[*type] = amount;
      by_type = true;
    } else if (key == "total") {
      total = amount;
    }
  }
  s.on_map_known = by_type || total >= 0;
  if (!by_type && total >= 0) s.on_map = {total / 3, total / 3, total / 3};
}

void RequestReader::agent_list(const Json& list, const Location& at, std::vector<Placed>& out) {
  if (!is_list(list, at, request_agents_max)) return;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& entry = list[i];
    const Location here = join(at, std::to_string(i));
    if (!entry.is_object()) {
      fault("model_attributes_type", here,
            "Input should be a valid dictionary or object to extract fields from", entry);
      continue;
    }
    if (const Json* id = member(entry, here, "id")) {
      const bool whole = id->is_number_integer() ||
                         (id->is_number() && std::floor(id->get<double>()) == id->get<double>());
      if (!whole) fault("int_type", join(here, "id"), "Input should be a valid integer", *id);
    }
    Placed agent;
    if (const Json* type = member(entry, here, "type")) {
      agent.role = role_or_unknown(text(*type, join(here, "type")));
    }
    const auto read = [&](const char* key) {
      const Json* value = member(entry, here, key);
      return value == nullptr ? 0 : number(*value, join(here, key), -quantity_max);
    };
    agent.health = std::min(1.0, std::max(0.0, read("health") / usual_health));
    agent.x = read("x");
    agent.y = read("y");
    out.push_back(agent);
  }
}

std::array<std::vector<Placed>, teams_max> RequestReader::agents_into(Situation& s) {
  std::array<std::vector<Placed>, teams_max> placed;
  const Location at{"agents"};
  const Json* teams = member(root_, {}, "agents");
  if (teams == nullptr || !is_object(*teams, at, request_teams_max)) return placed;
  for (const auto& [key, list] : teams->items()) {
    std::vector<Placed> agents;
    agent_list(list, join(at, key), agents);
    if (const auto team = team_named(key)) {
      summarise(s.sides[static_cast<std::size_t>(*team)], agents);
      s.present[static_cast<std::size_t>(*team)] = true;
      placed[static_cast<std::size_t>(*team)] = std::move(agents);
    }
  }
  return placed;
}

Situation RequestReader::situation() {
  Situation s;
  s.own = team_id();
  territory_into(s);
  stores_into(s);
  const auto placed = agents_into(s);
  distribution_into(s);
  s.present[static_cast<std::size_t>(s.own)] = true;
  const auto& ours = placed[static_cast<std::size_t>(s.own)];
  for (int t = 0; t < teams_max; ++t) {
    const auto& theirs = placed[static_cast<std::size_t>(t)];
    if (t == s.own || theirs.empty() || ours.empty()) continue;
    s.positions_known = true;
    s.base_threat = std::max(s.base_threat, threat_between(theirs, ours));
    s.opening = std::max(s.opening, threat_between(ours, theirs));
  }
  return s;
}

TeamStrategy RequestReader::strategy(const char* key) {
  TeamStrategy out;
  const Json* value = member(root_, {}, key);
  const Location at{key};
  if (value == nullptr || !is_object(*value, at, request_text_bytes_max)) return out;
  if (const Json* stance = member(*value, at, "strategy")) {
    const auto index = index_of(stance_names, text(*stance, join(at, "strategy")));
    if (index) {
      out.stance = static_cast<Stance>(*index);
    } else if (stance->is_string()) {
      fault("enum", join(at, "strategy"), alternatives(stance_names), *stance);
    }
  }
  if (const Json* focus = member(*value, at, "focus")) {
    const auto index = index_of(focus_names, text(*focus, join(at, "focus")));
    if (index) {
      out.focus = static_cast<Focus>(*index);
    } else if (focus->is_string()) {
      fault("enum", join(at, "focus"), alternatives(focus_names), *focus);
    }
  }
  return out;
}

std::array<double, resources> RequestReader::own_store() {
  const Json* value = member(root_, {}, "resources");
  return value == nullptr ? std::array<double, resources>{} : amounts(*value, {"resources"});
}

std::optional<std::array<double, roles + 1>> RequestReader::current_agents() {
  if (!root_.is_object()) return std::nullopt;
  const auto found = root_.find("current_agents");
  if (found == root_.end() || found->is_null()) return std::nullopt;
  const Location at{"current_agents"};
  std::array<double, roles + 1> counts{};
  if (!is_list(*found, at, request_types_max)) return std::nullopt;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& entry = (*found)[i];
    const Location here = join(at, std::to_string(i));
    if (!is_object(entry, here, request_text_bytes_max)) continue;
    int role = unknown_role;
    if (const Json* type = member(entry, here, "type")) {
      role = role_or_unknown(text(*type, join(here, "type")));
    }
    if (const Json* count = member(entry, here, "count")) {
      if (count->is_number() && !count->is_number_integer() &&
          std::floor(count->get<double>()) != count->get<double>()) {
        fault("int_from_float", join(here, "count"),
              "Input should be a valid integer, got a number with a fractional part", *count);
      } else {
        counts[static_cast<std::size_t>(role)] += number(*count, join(here, "count"), 0);
      }
    }
  }
  if (found->empty()) return std::nullopt;  // an empty list means unknown, not none
  return counts;
}

void RequestReader::actions_into(const Json& actions, const Location& at, Observation& out) {
  if (actions.is_object()) {  // action -> how often
    if (!is_object(actions, at, request_actions_max)) return;
    for (const auto& [key, value] : actions.items()) {
      const double count = number(value, join(at, key), 0);
      if (const auto style = style_of_action(key)) {
        out.actions[static_cast<std::size_t>(*style)] += count;
      }
    }
    return;
  }
  if (!is_list(actions, at, request_actions_max)) return;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const std::string action = text(actions[i], join(at, std::to_string(i)));
    if (const auto style = style_of_action(action)) {
      out.actions[static_cast<std::size_t>(*style)] += 1;
    }
  }
}

void RequestReader::observation(const Json& entry, const Location& at,
                                std::vector<Observation>& out) {
  if (!is_object(entry, at, request_text_bytes_max)) return;
  Observation seen;
  if (const Json* tick = member(entry, at, "tick")) seen.tick = number(*tick, join(at, "tick"), 0);
  const auto optional = [&entry](const char* key) -> const Json* {
    const auto found = entry.find(key);
    return found == entry.end() || found->is_null() ? nullptr : &*found;
  };
  if (const Json* share = optional("territory")) {
    seen.share_percent = std::min(100.0, number(*share, join(at, "territory"), 0));
  }
  const Json* agents = optional("agents");
  if (agents != nullptr && is_object(*agents, join(at, "agents"), request_types_max)) {
    seen.agents = {};
    for (const auto& [key, value] : agents->items()) {
      const double count = number(value, join(join(at, "agents"), key), 0);
      const int role = role_or_unknown(key);
      if (role != unknown_role) seen.agents[static_cast<std::size_t>(role)] += count;
    }
  }
  if (const Json* actions = optional("actions")) actions_into(*actions, join(at, "actions"), seen);
  out.push_back(seen);
}

std::vector<Observation> RequestReader::history() {
  std::vector<Observation> out;
  const Json* list = member(root_, {}, "opponent_history");
  if (list == nullptr || !is_list(*list, {"opponent_history"}, request_history_max)) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    observation((*list)[i], {"opponent_history", std::to_string(i)}, out);
  }
  sort_stable(out, [](const Observation& a, const Observation& b) { return a.tick < b.tick; });
  return out;
}

}  // namespace redoubt::strategy
