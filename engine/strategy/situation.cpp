#include "engine/strategy/situation.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::strategy {
namespace {

using territory::resources;
using territory::Role;

// The gap in points of share at which the territory speaks with full voice.
constexpr double gap_full_percent = 25;
// Below this much on the map for each own agent, resources are scarce.
constexpr double plenty_per_agent = 4;
// A team works well with this share of collectors, and with this many at least.
constexpr double collectors_wanted_share = 0.35;
constexpr double collectors_wanted_min = 2;
// Closing features start this far below the winning share.
constexpr double closing_margin_percent = 20;
// What the store of one collector more is worth when economies are compared.
constexpr double collector_worth_units = 25;

double balance(double a, double b) {
  return a + b > 0 ? (a - b) / (a + b) : 0;
}

double total(const std::array<double, resources>& amounts) {
  return amounts[0] + amounts[1] + amounts[2];
}

double economy_of(const Side& side) {
  double worth = side.store_known ? total(side.store) : 0;
  if (side.agents_known) worth += collector_worth_units * side.count[0];
  return worth;
}

struct Middle {
  double x = 0;
  double y = 0;
};

// Collectors stay around their base, so their middle stands for a home that nobody told us.
Middle home_of(const std::vector<Placed>& agents) {
  Middle sum;
  double count = 0;
  for (int pass = 0; pass < 2 && count == 0; ++pass) {
    for (const Placed& agent : agents) {
      if (pass == 0 && agent.role != static_cast<int>(Role::collector)) continue;
      sum.x += agent.x;
      sum.y += agent.y;
      count += 1;
    }
  }
  return count > 0 ? Middle{sum.x / count, sum.y / count} : sum;
}

double gap(Middle a, double x, double y) {
  return std::sqrt((a.x - x) * (a.x - x) + (a.y - y) * (a.y - y));
}

double strength_near(const std::vector<Placed>& agents, Middle place, double reach) {
  double sum = 0;
  for (const Placed& agent : agents) {
    const double closeness = std::clamp(1 - gap(place, agent.x, agent.y) / reach, 0.0, 1.0);
    sum += role_strength[static_cast<std::size_t>(agent.role)] * agent.health * closeness;
  }
  return sum;
}

void put(Features& features, Feature which, double level, double value, std::string_view unit) {
  features[static_cast<std::size_t>(which)] = {std::clamp(level, -1.0, 1.0), value, unit, true};
}

void add_territory(Features& out, const Situation& s, const Side& us, const Side& rival) {
  if (!us.territory_known || !rival.territory_known) return;
  const double points = us.share_percent - rival.share_percent;
  put(out, Feature::territory_gap, points / gap_full_percent, points, "points");
  const double start = s.win_share_percent - closing_margin_percent;
  put(out, Feature::closing,
      std::clamp((us.share_percent - start) / closing_margin_percent, 0.0, 1.0), us.share_percent,
      "percent");
  put(out, Feature::enemy_closing,
      std::clamp((rival.share_percent - start) / closing_margin_percent, 0.0, 1.0),
      rival.share_percent, "percent");
}

void add_agents(Features& out, const Situation& s, const Side& us, const Side& rival) {
  if (us.agents_known) {
    const double wanted = std::max(collectors_wanted_min, us.agents() * collectors_wanted_share);
    const double missing = wanted - us.count[0];
    put(out, Feature::workforce_gap, std::clamp(missing / wanted, 0.0, 1.0), std::max(0.0, missing),
        "collectors");
    put(out, Feature::hurt, std::clamp((0.8 - us.health) / 0.5, 0.0, 1.0), 100 * us.health,
        "percent");
  }
  if (us.agents_known && s.on_map_known) {
    const double per_agent = total(s.on_map) / std::max(1.0, us.agents());
    put(out, Feature::scarcity, std::clamp(1 - per_agent / plenty_per_agent, 0.0, 1.0),
        total(s.on_map), "units");
  }
  if (us.agents_known && rival.agents_known) {
    put(out, Feature::army_balance, 1.5 * balance(us.strength, rival.strength),
        100 * balance(us.strength, rival.strength), "percent");
    put(out, Feature::tempo, 1.5 * balance(us.agents(), rival.agents()),
        us.agents() - rival.agents(), "agents");
  }
  if (s.positions_known) {
    put(out, Feature::base_threat, s.base_threat, 100 * s.base_threat, "percent");
    put(out, Feature::opening, s.opening, 100 * s.opening, "percent");
  }
}

std::string signed_fixed(double value, int decimals) {
  return (value > 0 ? "+" : "") + fixed(value, decimals);
}

std::string describe_share(Feature feature, const FeatureValue& value, const Situation& s) {
  const Side& us = s.us();
  const Side& rival = s.sides[static_cast<std::size_t>(s.rival())];
  if (feature == Feature::closing) {
    return "We hold " + fixed(value.value, 1) + " % of the ground; " +
           fixed(s.win_share_percent, 0) + " % wins.";
  }
  if (feature == Feature::enemy_closing) {
    return "The strongest rival holds " + fixed(value.value, 1) + " % of the ground; " +
           fixed(s.win_share_percent, 0) + " % wins.";
  }
  return "We hold " + fixed(us.share_percent, 1) + " % of the ground, the strongest rival " +
         fixed(rival.share_percent, 1) + " %: " + signed_fixed(value.value, 1) + " points.";
}

}  // namespace

double Side::agents() const {
  return count[0] + count[1] + count[2] + count[3] + count[4];
}

double Side::fighters() const {
  return count[2] + count[3];
}

int Situation::rival() const {
  int best = -1;
  for (int t = 0; t < territory::teams_max; ++t) {
    if (t == own || !present[static_cast<std::size_t>(t)]) continue;
    if (best < 0 || sides[static_cast<std::size_t>(t)].share_percent >
                        sides[static_cast<std::size_t>(best)].share_percent) {
      best = t;
    }
  }
  return best;
}

std::string_view name(Feature feature) {
  constexpr std::array<std::string_view, features_count> names{
      "territory_gap", "army_balance", "economy_gap", "scarcity",      "base_threat",
      "opening",       "hurt",         "tempo",       "workforce_gap", "closing",
      "enemy_closing", "enemy_rush",   "enemy_boom",  "enemy_turtle",  "enemy_expansion"};
  return names[static_cast<std::size_t>(feature)];
}

Features features_of(const Situation& s) {
  Features out{};
  const Side nobody{};
  const int rival_team = s.rival();
  const Side& us = s.us();
  const Side& rival = rival_team < 0 ? nobody : s.sides[static_cast<std::size_t>(rival_team)];
  add_territory(out, s, us, rival);
  add_agents(out, s, us, rival);
  if (us.store_known && rival.store_known) {
    put(out, Feature::economy_gap, balance(economy_of(us), economy_of(rival)),
        economy_of(us) - economy_of(rival), "units");
  }
  if (s.opponent_known) {
    for (int i = 0; i < styles; ++i) {
      const double belief = s.opponent[static_cast<std::size_t>(i)];
      const auto which = static_cast<Feature>(static_cast<int>(Feature::enemy_rush) + i);
      put(out, which, std::clamp((belief - 0.25) / 0.75, 0.0, 1.0), 100 * belief, "percent");
    }
  }
  return out;
}

std::string describe(Feature feature, const FeatureValue& v, const Situation& s) {
  const double value = v.value;
  switch (feature) {
    case Feature::territory_gap:
    case Feature::closing:
    case Feature::enemy_closing:
      return describe_share(feature, v, s);
    case Feature::army_balance:
      return "Fighting strength, weighed by role and health, is " + fixed(s.us().strength, 1) +
             " against " + fixed(s.sides[static_cast<std::size_t>(s.rival())].strength, 1) + ".";
    case Feature::economy_gap:
      return "Stores and collectors are worth " + signed_fixed(value, 0) +
             " units against the rival's.";
    case Feature::scarcity:
      return "The map offers " + fixed(value, 0) + " units for " + fixed(s.us().agents(), 0) +
             " own agents.";
    case Feature::base_threat:
      return "Enemy fighters near our home against what stands there: threat " + fixed(value, 0) +
             " %.";
    case Feature::opening:
      return "Our fighters near the rival's home against what stands there: opening " +
             fixed(value, 0) + " %.";
    case Feature::hurt:
      return "Our agents are at " + fixed(value, 0) + " % health.";
    case Feature::tempo:
      return "We have " + signed_fixed(value, 0) + " agents against the rival.";
    case Feature::workforce_gap:
      return value > 0 ? "The economy lacks " + fixed(value, 1) + " collectors."
                       : "The economy has the collectors it needs.";
    default: {
      const auto style =
          static_cast<std::size_t>(feature) - static_cast<std::size_t>(Feature::enemy_rush);
      return "The rival looks like " + std::string(style_names[style]) + " with probability " +
             fixed(value, 0) + " %.";
    }
  }
}

double threat_between(const std::vector<Placed>& raiders, const std::vector<Placed>& holders) {
  if (raiders.empty() || holders.empty()) return 0;
  const Middle home = home_of(holders);
  const Middle away = home_of(raiders);
  const double apart = std::max(1.0, gap(home, away.x, away.y));
  // Raiders count on the nearer two thirds of the way, holders on the nearer half.
  std::vector<Placed> armed;
  for (const Placed& agent : raiders) {
    if (agent.role >= static_cast<int>(Role::defender)) armed.push_back(agent);
  }
  const double coming = strength_near(armed, home, apart * 0.67);
  const double holding = strength_near(holders, home, apart * 0.5);
  if (coming <= 0) return 0;
  return std::clamp(coming / (coming + 0.75 * holding + 0.5), 0.0, 1.0);
}

}  // namespace redoubt::strategy
