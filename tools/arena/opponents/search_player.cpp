#include "tools/arena/opponents/search_player.hpp"

#include <algorithm>
#include <array>

#include "engine/strategy/match.hpp"

namespace redoubt::arena {
namespace {

using territory::Order;
using territory::OrderKind;
using territory::View;

constexpr int script_work = 1000;  // more than any script needs
constexpr std::array<std::string_view, 5> base_names{"hunter", "timing", "raider", "economy",
                                                     "turtle"};

std::unique_ptr<strategy::Player> make_base(const Place& place, int which) {
  const auto base = read_contestant(base_names[static_cast<std::size_t>(which)]);
  return make_player(*base, place);
}

}  // namespace

SearchPlayer::SearchPlayer(const Place& place, const Settings& settings, std::string_view name)
    : name_(name),
      settings_(settings),
      board_(place.board),
      script_(make_base(place, settings["base"])),
      imagination_(board_),
      rng_(place.seed),
      thought_work_(settings["work"] > 0 ? settings["work"] * strategy::think_interval_ticks
                                         : place.work_per_thought) {}

strategy::ThinkResult SearchPlayer::think(const View& view, int work) {
  const int missing = thought_work_ - brought_;
  if (work < missing) {
    brought_ += work;
    reported_ += work;
    return {.done = false, .work_used = work};
  }
  purse_ = std::min(purse_, settings_["saved"] * thought_work_) + thought_work_;
  decide(view);
  const int used = imagination_.work();
  purse_ -= used;
  const int report = std::max(1, used - reported_);
  brought_ = reported_ = 0;
  return {.done = true, .work_used = report};
}

bool SearchPlayer::affordable(int rollouts) const {
  return imagination_.work() + rollouts * settings_["ticks"] <= purse_;
}

double SearchPlayer::judge_against(const Plan& plan, RivalScript rivals) {
  return imagination_.roll_out(plan, rivals, settings_["ticks"]);
}

double SearchPlayer::judge(const Plan& plan, bool both) {
  const double bold = judge_against(plan, RivalScript::bold);
  return both ? std::min(bold, judge_against(plan, RivalScript::careful)) : bold;
}

Plan SearchPlayer::all_follow() {
  Plan plan;
  plan.fill(UnitScript::follow);
  return plan;
}

void SearchPlayer::decide(const View& view) {
  script_->think(view, script_work);
  const auto scripted = script_->orders();
  orders_.assign(scripted.begin(), scripted.end());
  imagination_.begin(view, scripted, rng_.next());
  units_ = imagination_.in_contact(settings_["contact"]);
  // Whoever goes home to heal goes on: what that is worth lies beyond a rollout.
  std::erase_if(units_, [&](int slot) { return imagination_.goes_home(slot); });
  const auto most = static_cast<std::size_t>(settings_["units"]);
  if (units_.size() > most) units_.resize(most);
  if (units_.empty()) return;
  Plan plan = all_follow();
  search(plan);
  take_orders(plan, view);
}

void SearchPlayer::take_orders(const Plan& plan, const View& view) {
  for (const int slot : units_) {
    const auto s = static_cast<std::size_t>(slot);
    if (plan[s] == UnitScript::follow) continue;
    const Order order = imagination_.order_for(imagination_.now(), slot, plan[s]);
    std::erase_if(orders_, [&](const Order& o) {
      return o.kind != OrderKind::spawn && o.agent == order.agent;
    });
    const auto own = std::find_if(view.own.begin(), view.own.end(),
                                  [&](const auto& agent) { return agent.id == order.agent; });
    const bool stands = own->order.kind == order.kind && own->order.cell == order.cell &&
                        own->order.target == order.target;
    if (!stands) orders_.push_back(order);
  }
}

}  // namespace redoubt::arena
