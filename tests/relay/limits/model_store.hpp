// ModelStore: what the store does with a lease's effects, in memory: the law that the limiter's
// tests and the gateway's simulation hold it to.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "relay/limits/limiter.hpp"

namespace redoubt::limits {

class ModelStore {
 public:
  /// Carries out one effect; what a draw was granted, else 0.
  Picodollars carry_out(const StoreEffect& effect) {
    Picodollars& drawn = drawn_[key(effect)];
    const LeaseEffect& lease = effect.effect;
    if (lease.kind == LeaseEffect::Kind::force) return drawn += lease.amount, 0;
    if (lease.kind == LeaseEffect::Kind::give_back) return drawn -= lease.amount, 0;
    const Picodollars granted =
        std::min(lease.amount, std::max<Picodollars>(0, lease.limit - drawn));
    drawn += granted;
    return granted;
  }
  /// Carries out all that the limiter asks for, and tells it.
  void answer(Limiter& limiter) {
    for (const StoreEffect& effect : limiter.take_effects()) {
      const Picodollars granted = carry_out(effect);
      if (effect.effect.kind == LeaseEffect::Kind::draw)
        limiter.lease_granted(effect.subject, effect.effect.period, effect.effect.index, granted);
    }
  }
  Picodollars drawn(const StoreEffect& effect) const {
    const auto found = drawn_.find(key(effect));
    return found == drawn_.end() ? 0 : found->second;
  }
  Picodollars drawn_at(const std::string& subject, Period period, std::int32_t index) const {
    const auto found = drawn_.find({subject, period, index});
    return found == drawn_.end() ? 0 : found->second;
  }
  Picodollars most_drawn(Period period) const {
    Picodollars most = 0;
    for (const auto& [name, amount] : drawn_)
      if (std::get<1>(name) == period) most = std::max(most, amount);
    return most;
  }
  Picodollars drawn_of(const std::string& subject, Period period) const {
    Picodollars sum = 0;
    for (const auto& [name, amount] : drawn_)
      if (std::get<0>(name) == subject && std::get<1>(name) == period) sum += amount;
    return sum;
  }

 private:
  using Key = std::tuple<std::string, Period, std::int32_t>;
  static Key key(const StoreEffect& effect) {
    return {effect.subject, effect.effect.period, effect.effect.index};
  }
  std::map<Key, Picodollars> drawn_;
};

}  // namespace redoubt::limits
