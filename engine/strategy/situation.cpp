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
// The same the other way round: more than plenty speaks for gathering, but not as loudly.
constexpr double plenty_level_max = 0.2;
// Half of the ground free says nothing; more of it asks to be taken, less of it is fought for.
constexpr double free_middle_percent = 50;
// A store of this much pays for the next agent, and somewhat more.
constexpr double store_usual_units = 25;
// This share of fighters is neither many nor few; so many known enemies are a full meeting.
constexpr double fighters_usual_share = 0.4;
constexpr double contact_full_agents = 8;
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

std::size_t scarcest(const Side& side) {
  std::size_t least = 0;
  for (std::size_t r = 1; r < resources; ++r) {
    if (side.store[r] < side.store[least]) least = r;
  }
  return least;
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
    put(out, Feature::scarcity, std::max(-plenty_level_max, 1 - per_agent / plenty_per_agent),
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

// What is known in a level game too, where every comparison comes out at nothing.
void add_own(Features& out, const Situation& s, const Side& us) {
  double free = 100;
  double met = 0;
  bool known = us.territory_known;
  for (std::size_t t = 0; t < s.sides.size(); ++t) {
    const Side& side = s.sides[t];
    known = known && (side.territory_known || !s.present[t]);
    free -= side.share_percent;
    if (static_cast<int>(t) != s.own) met += side.agents();
  }
  if (known && free >= 0) {
    put(out, Feature::free_ground, (free - free_middle_percent) / (100 - free_middle_percent), free,
        "percent");
  }
  if (us.agents_known) {
    put(out, Feature::contact, met > 0 ? -met / contact_full_agents : 1, met, "agents");
    put(out, Feature::fighters, us.fighters() / us.agents() / fighters_usual_share - 1,
        us.fighters(), "agents");
  }
  if (us.store_known) {
    const double least = us.store[scarcest(us)];
    put(out, Feature::scarcest_store, 1 - least / store_usual_units, least, "units");
  }
}

std::string counted(double count, std::string_view what) {
  return fixed(count, 0) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// "3 units more" or "3 units less".
std::string against(double value, int decimals, std::string_view unit) {
  return fixed(std::abs(value), decimals) + " " + std::string(unit) +
         (value < 0 ? " less" : " more");
}

std::string describe_share(Feature feature, const FeatureValue& value, const Situation& s) {
  const Side& us = s.us();
  const Side& rival = s.sides[static_cast<std::size_t>(s.rival())];
  if (feature == Feature::closing) {
    return "We hold " + fixed(value.value, 1) + " % of the ground and " +
           fixed(s.win_share_percent, 0) + " % wins.";
  }
  if (feature == Feature::enemy_closing) {
    return "The strongest rival holds " + fixed(value.value, 1) + " % of the ground and " +
           fixed(s.win_share_percent, 0) + " % wins.";
  }
  return "We hold " + fixed(us.share_percent, 1) +
         " % of the ground against the strongest rival's " + fixed(rival.share_percent, 1) + " %.";
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
      "territory_gap", "army_balance", "economy_gap",    "scarcity",      "base_threat",
      "opening",       "hurt",         "tempo",          "workforce_gap", "closing",
      "enemy_closing", "enemy_rush",   "enemy_boom",     "enemy_turtle",  "enemy_expansion",
      "free_ground",   "contact",      "scarcest_store", "fighters"};
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
  add_own(out, s, us);
  if (us.store_known && rival.store_known) {
    put(out, Feature::economy_gap, balance(economy_of(us), economy_of(rival)),
        economy_of(us) - economy_of(rival), "units");
  }
  if (s.opponent_known) {
    for (int i = 0; i < styles; ++i) {
      const double belief = s.opponent[static_cast<std::size_t>(i)];
      const auto which = static_cast<Feature>(static_cast<int>(Feature::enemy_rush) + i);
      put(out, which, std::clamp((belief - 0.25) / 0.75, 0.0, 1.0), 100 * told(belief), "percent");
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
      return "Our fighting strength is " + fixed(s.us().strength, 1) + " against a known " +
             fixed(s.sides[static_cast<std::size_t>(s.rival())].strength, 1) + ".";
    case Feature::economy_gap:
      return "Our stores and collectors are worth " + against(value, 0, "units") +
             " than the rival's.";
    case Feature::scarcity:
      return "The map offers " + counted(value, "unit") + " to our " +
             counted(s.us().agents(), "agent") + ".";
    case Feature::base_threat:
      return "The threat to our base is " + fixed(value, 0) + " %.";
    case Feature::opening:
      return "The rival's workers are " + fixed(value, 0) + " % open to our fighters.";
    case Feature::hurt:
      return "Our agents are at " + fixed(value, 0) + " % health.";
    case Feature::tempo:
      return "We have " + against(value, 0, "agents") + " than the rival shows.";
    case Feature::workforce_gap:
      return "We have " + counted(s.us().count[0], "collector") +
             (value > 0 ? " and want " + fixed(std::ceil(s.us().count[0] + value), 0) + "."
                        : ", as many as we want.");
    case Feature::free_ground:
      return fixed(value, 0) + " % of the ground is free.";
    case Feature::contact:
      return value > 0 ? "We know where " + counted(value, "enemy agent") +
                             (value == 1 ? " is." : " are.")
                       : "None of the enemy's agents is in sight.";
    case Feature::scarcest_store:
      return "Our scarcest store, " + std::string(resource_names[scarcest(s.us())]) + ", holds " +
             counted(value, "unit") + ".";
    case Feature::fighters:
      return (value > 0 ? fixed(value, 0) : "None") + " of our " +
             counted(s.us().agents(), "agent") + " can fight.";
    default: {
      const auto style =
          static_cast<std::size_t>(feature) - static_cast<std::size_t>(Feature::enemy_rush);
      constexpr std::array<std::string_view, styles> words{"an early rush", "an economic boom",
                                                           "a turtle", "a land grab"};
      return "The rival's play looks like " + std::string(words[style]) + ", " + fixed(value, 0) +
             " % sure.";
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
