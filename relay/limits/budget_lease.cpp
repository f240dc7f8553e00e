#include "relay/limits/budget_lease.hpp"

#include <algorithm>
#include <cassert>

namespace redoubt::limits {

LeaseState BudgetLease::state() const {
  if (asked_ > 0) return LeaseState::drawing;
  if (failed_until_ns_ > 0) return LeaseState::failed;
  if (dry_) return LeaseState::dry;
  return current_.granted > 0 || current_.held > 0 ? LeaseState::open : LeaseState::closed;
}

void BudgetLease::give_back(Account& account, std::vector<LeaseEffect>& out) {
  if (account.remaining() > 0) {
    out.push_back({.kind = LeaseEffect::Kind::give_back,
                   .period = period_,
                   .index = account.index,
                   .amount = account.remaining()});
  }
  account = Account{.index = account.index};
}

bool BudgetLease::roll(std::int32_t index, std::vector<LeaseEffect>& out) {
  if (index <= current_.index) return true;  // a clock that goes back stays in the later period
  if (current_.held > 0) {
    if (before_.held > 0) return false;
    before_ = current_;
  } else {
    give_back(current_, out);
  }
  current_ = Account{.index = index};
  dry_ = false;
  failed_until_ns_ = 0;
  return true;
}

void BudgetLease::draw(Picodollars amount, Picodollars limit, std::vector<LeaseEffect>& out) {
  asked_ = std::min(std::max(amount, std::max<Picodollars>(1, limit / lease_parts)), limit);
  asked_limit_ = limit;
  asked_index_ = current_.index;
  failed_until_ns_ = 0;
  dry_ = false;
  out.push_back({.kind = LeaseEffect::Kind::draw,
                 .period = period_,
                 .index = current_.index,
                 .amount = asked_,
                 .limit = limit});
}

HoldVerdict BudgetLease::ask(Picodollars amount, Picodollars limit, std::int32_t index,
                             std::int64_t now_ns, std::vector<LeaseEffect>& out) {
  assert(amount >= 0 && amount <= call_cost_max && limit > 0 && limit <= budget_max);
  if (!roll(index, out)) return HoldVerdict::busy;
  // A limit that was lowered may lie under what was granted.
  const Picodollars engaged = add_saturated(current_.spent, current_.held);
  const bool under_limit = amount <= limit && engaged <= limit - amount;
  const bool may_draw = asked_ == 0 && !(dry_ && limit <= asked_limit_) &&
                        (failed_until_ns_ == 0 || now_ns >= failed_until_ns_);
  if (under_limit && amount <= current_.remaining()) {
    const bool little_left = current_.remaining() - amount < limit / lease_parts / 4;
    if (little_left && may_draw && failed_until_ns_ == 0) draw(0, limit, out);
    return HoldVerdict::fits;
  }
  const bool would_fit_alone = amount <= limit && current_.spent <= limit - amount;
  if (!under_limit)
    return would_fit_alone && current_.held > 0 ? HoldVerdict::busy : HoldVerdict::exhausted;
  if (may_draw) draw(amount - current_.remaining(), limit, out);
  if (asked_ > 0) return HoldVerdict::wait;
  if (failed_until_ns_ > 0) return HoldVerdict::failed;
  const bool may_return = amount <= current_.granted - current_.spent;
  return may_return ? HoldVerdict::busy : HoldVerdict::exhausted;
}

void BudgetLease::settle(std::int32_t index, Picodollars amount, Picodollars used,
                         std::vector<LeaseEffect>& out) {
  Account& account = index == current_.index ? current_ : before_;
  assert(account.index == index && amount <= account.held && used >= 0);
  account.held -= amount;
  account.spent = add_saturated(account.spent, used);
  if (account.remaining() < 0) {
    const Picodollars missing = -account.remaining();
    account.granted = add_saturated(account.granted, missing);
    out.push_back(
        {.kind = LeaseEffect::Kind::force, .period = period_, .index = index, .amount = missing});
  }
  if (&account == &before_ && before_.held == 0) give_back(before_, out);
}

void BudgetLease::spend(std::int32_t index, Picodollars used, std::vector<LeaseEffect>& out) {
  const auto force = [&](Picodollars amount) {
    out.push_back(
        {.kind = LeaseEffect::Kind::force, .period = period_, .index = index, .amount = amount});
  };
  if (used == 0) return;
  // Of a period that is over here already.
  if (index < current_.index || !roll(index, out)) return force(used);
  current_.spent = add_saturated(current_.spent, used);
  if (current_.remaining() >= 0) return;
  const Picodollars missing =
      std::min(-current_.remaining(), budget_max / spent_calls) * spent_calls;
  current_.granted = add_saturated(current_.granted, missing);
  force(missing);
}

void BudgetLease::granted(std::int32_t index, Picodollars amount, std::vector<LeaseEffect>& out) {
  if (asked_ == 0 || index != asked_index_) return;  // a second answer to one draw
  amount = std::clamp<Picodollars>(amount, 0, asked_);
  const bool less = amount < asked_;
  asked_ = 0;
  if (index == current_.index) {
    current_.granted += amount;
    dry_ = less;
    return;
  }
  if (amount > 0) {  // the period ended while the store was drawing
    out.push_back({.kind = LeaseEffect::Kind::give_back,
                   .period = period_,
                   .index = index,
                   .amount = amount});
  }
}

void BudgetLease::draw_failed(std::int32_t index, std::int64_t now_ns) {
  if (asked_ == 0 || index != asked_index_) return;
  asked_ = 0;
  if (index == current_.index) failed_until_ns_ = now_ns + draw_retry_ns;
}

bool BudgetLease::close(std::vector<LeaseEffect>& out) {
  if (asked_ > 0 || current_.held > 0 || before_.held > 0) return false;
  give_back(current_, out);
  dry_ = false;
  failed_until_ns_ = 0;
  return true;
}

}  // namespace redoubt::limits
