// Naive Monte-Carlo search (Ontanon 2013): a combinatorial bandit. Each unit is a bandit of its
// own; joint plans are sampled unit by unit (explored) or the best one so far is taken again
// (exploited). The rivals' answer is drawn, too.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/search_player.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own[] = {
    {"explore", 60, 0, 100, "percent of the samples that try a new joint plan"},
    {"random", 25, 0, 100, "percent of a unit's choices that are drawn evenly"},
    {"margin", 2, 0, 1000, "units that a plan must be better than the script's"},
};
constexpr auto table = search_table(own);

struct Arm {
  int tried = 0;
  double sum = 0;
  double mean() const { return tried == 0 ? 0 : sum / tried; }
  void add(double value) {
    ++tried;
    sum += value;
  }
};

class NaiveSearch final : public SearchPlayer {
 public:
  NaiveSearch(const Place& place, const Settings& s) : SearchPlayer(place, s, "bandits") {}

 private:
  struct Joint {
    Plan plan;
    Arm arm;
  };

  void search(Plan& best) override {
    arms_.assign(units().size(), {});
    joints_.clear();
    joints_.push_back({.plan = best});
    // The script's own plan is known against both answers before anything is compared with it.
    for (const RivalScript rivals : {RivalScript::bold, RivalScript::careful}) {
      if (affordable(1)) learn(0, judge_against(best, rivals));
    }
    while (affordable(1)) {
      const bool explore = rng().below(100) < static_cast<std::uint32_t>(settings()["explore"]);
      const std::size_t joint = explore ? sampled() : leader();
      const auto rivals = static_cast<RivalScript>(rng().below(rival_scripts));
      learn(joint, judge_against(joints_[joint].plan, rivals));
    }
    const Joint& found = joints_[leader()];
    if (found.arm.mean() > joints_[0].arm.mean() + settings()["margin"]) best = found.plan;
  }

  void learn(std::size_t joint, double value) {
    joints_[joint].arm.add(value);
    for (std::size_t unit = 0; unit < units().size(); ++unit) {
      arms_[unit][static_cast<std::size_t>(of(joints_[joint].plan, unit))].add(value);
    }
  }

  // A joint plan, each unit's script by its own bandit; an old one where it was tried before.
  std::size_t sampled() {
    Plan plan = all_follow();
    for (std::size_t unit = 0; unit < units().size(); ++unit) {
      const bool even = rng().below(100) < static_cast<std::uint32_t>(settings()["random"]);
      of(plan, unit) = even ? static_cast<UnitScript>(rng().below(unit_scripts)) : favourite(unit);
    }
    for (std::size_t i = 0; i < joints_.size(); ++i) {
      if (joints_[i].plan == plan) return i;
    }
    joints_.push_back({.plan = plan});
    return joints_.size() - 1;
  }

  UnitScript favourite(std::size_t unit) const {
    std::size_t best = 0;
    for (std::size_t script = 1; script < unit_scripts; ++script) {
      const Arm& arm = arms_[unit][script];
      if (arm.tried > 0 && arm.mean() > arms_[unit][best].mean()) best = script;
    }
    return static_cast<UnitScript>(best);
  }

  std::size_t leader() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < joints_.size(); ++i) {
      if (joints_[i].arm.tried > 0 && joints_[i].arm.mean() > joints_[best].arm.mean()) best = i;
    }
    return best;
  }

  std::vector<std::array<Arm, unit_scripts>> arms_;
  std::vector<Joint> joints_;
};

}  // namespace

std::span<const Setting> bandits_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_bandits(const Place& place, const Settings& settings) {
  return make_search<NaiveSearch>(place, settings);
}

}  // namespace redoubt::arena
