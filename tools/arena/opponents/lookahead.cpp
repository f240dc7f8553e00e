// One-step lookahead: each unit in contact takes the script that is best for it while all others
// follow theirs, looked at one unit at a time and once.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/search_player.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own[] = {
    {"margin", 1, 0, 1000, "units that a change must bring"},
};
constexpr auto table = search_table(own);

class Lookahead final : public SearchPlayer {
 public:
  Lookahead(const Place& place, const Settings& s) : SearchPlayer(place, s, "lookahead") {}

 private:
  void search(Plan& best) override {
    if (!affordable(1)) return;
    const double usual = judge(best, false) + settings()["margin"];
    for (std::size_t unit = 0; unit < units().size(); ++unit) {
      double most = usual;
      for (int script = 1; script < unit_scripts; ++script) {
        if (!affordable(1)) return;
        Plan plan = all_follow();
        of(plan, unit) = static_cast<UnitScript>(script);
        const double value = judge(plan, false);
        if (value <= most) continue;
        most = value;
        of(best, unit) = static_cast<UnitScript>(script);
      }
    }
  }
};

}  // namespace

std::span<const Setting> lookahead_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_lookahead(const Place& place, const Settings& settings) {
  return make_search<Lookahead>(place, settings);
}

}  // namespace redoubt::arena
