// Portfolio greedy search (Churchill and Buro 2013): all units begin with the best single script,
// then each in turn takes what is best given what the others do; against the worse of two answers.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/search_player.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own[] = {
    {"margin", 10, 0, 1000, "units that a change must bring"},
    {"passes", 2, 1, 10, "how often all units are gone through"},
};
constexpr auto table = search_table(own);

// Four scripts against two.
constexpr UnitScript portfolio[] = {UnitScript::follow, UnitScript::strike, UnitScript::fall_back,
                                    UnitScript::focus};

class PortfolioGreedy final : public SearchPlayer {
 public:
  PortfolioGreedy(const Place& place, const Settings& s) : SearchPlayer(place, s, "portfolio") {}

 private:
  void search(Plan& best) override {
    double most = 0;
    for (const UnitScript script : portfolio) {
      if (!affordable(2)) return;
      Plan plan = all_follow();
      for (std::size_t unit = 0; unit < units().size(); ++unit)
        of(plan, unit) = script;
      const double value = judge(plan, true);
      const bool first = script == portfolio[0];
      if (!first && value <= most + settings()["margin"]) continue;
      most = value;
      best = plan;
    }
    for (int pass = 0; pass < settings()["passes"]; ++pass) {
      if (!improve(best, most)) return;
    }
  }

  // False where nothing changed or the purse is empty.
  bool improve(Plan& best, double& most) {
    bool changed = false;
    for (std::size_t unit = 0; unit < units().size(); ++unit) {
      for (const UnitScript script : portfolio) {
        if (of(best, unit) == script) continue;
        if (!affordable(2)) return false;
        Plan plan = best;
        of(plan, unit) = script;
        const double value = judge(plan, true);
        if (value <= most + settings()["margin"]) continue;
        most = value;
        best = plan;
        changed = true;
      }
    }
    return changed;
  }
};

}  // namespace

std::span<const Setting> portfolio_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_portfolio(const Place& place, const Settings& settings) {
  return make_search<PortfolioGreedy>(place, settings);
}

}  // namespace redoubt::arena
