#include "relay/limits/ledger.hpp"

#include <algorithm>

namespace redoubt::limits {

Picodollars apply(const LeaseEffect& effect, Picodollars& drawn) {
  switch (effect.kind) {
    case LeaseEffect::Kind::draw: {
      const Picodollars room = std::max<Picodollars>(0, effect.limit - drawn);
      const Picodollars granted = std::min(effect.amount, room);
      drawn += granted;
      return granted;
    }
    case LeaseEffect::Kind::force:
      drawn = add_saturated(drawn, effect.amount);
      break;
    case LeaseEffect::Kind::give_back:
      drawn = std::max<Picodollars>(0, drawn - effect.amount);
      break;
  }
  return effect.amount;
}

}  // namespace redoubt::limits
