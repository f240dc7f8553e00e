#include "relay/limits/limiter.hpp"

#include <algorithm>
#include <cassert>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "relay/limits/amounts.hpp"
#include "relay/limits/refusal_text.hpp"

namespace redoubt::limits {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t minute_s = 60;
// Each reservation looks at so many subjects to forget, so that none pays for a sweep; one that
// finds the table full looks further.
constexpr int visits_each = 2;
constexpr int visits_when_full = 64;

constexpr std::array<std::string_view, 7> scope_names{"all",   "model",  "provider_key", "token",
                                                      "purse", "player", "player_part"};
constexpr std::array<std::string_view, 8> limit_names{"requests",     "tokens",       "concurrency",
                                                      "day_budget",   "month_budget", "subjects",
                                                      "reservations", "store"};

std::int64_t seconds_up(std::int64_t ns) {
  return (ns + second_ns - 1) / second_ns;
}

// Never waits longest; of equals the first stays.
bool waits_longer(std::int64_t a_ns, std::int64_t b_ns) {
  if (a_ns < 0 || b_ns < 0) return a_ns < 0 && b_ns >= 0;
  return a_ns > b_ns;
}

void keep_worst(Refusal& worst, bool& any, const Refusal& refusal) {
  if (!any || waits_longer(refusal.retry_after_ns, worst.retry_after_ns)) worst = refusal;
  any = true;
}

Error unknown_reservation(ReservationId id) {
  return make_error("unknown_reservation",
                    {"reservation ", hex16(id), " is not open: it has ended, or never was"}, {},
                    {"an open reservation"}, {hex16(id)});
}

std::string subject_name(Scope scope, std::string_view id) {
  std::string name(scope_name(scope));
  name += ':';
  name += id;
  return name;
}

}  // namespace

std::string_view scope_name(Scope scope) {
  return scope_names[static_cast<std::size_t>(scope)];
}

std::string_view limit_name(Limit limit) {
  return limit_names[static_cast<std::size_t>(limit)];
}

std::size_t Limiter::Hash::operator()(const std::string& name) const {
  Hash64 hash;
  hash.add(seed);
  hash.add_bytes(name);
  return hash.value();
}

Limiter::Limiter(LimiterOptions options, std::uint64_t hash_seed)
    : options_(options), by_name_(16, Hash{hash_seed}) {
  assert(options.subjects_max > 0 && options.reservations_max > 0);
}

bool Limiter::forget(std::uint32_t index, std::int64_t now_ns) {
  Subject& subject = subjects_[index];
  if (!subject.in_use || subject.open > 0) return false;
  if (subject.requests.used(now_ns) > 0 || subject.tokens.used(now_ns) > 0) return false;
  // A lease that is drawn and given back for every call would be two writes a call; and a caller
  // who waits for one must find it.
  const bool leased =
      subject.day.state() != LeaseState::closed || subject.month.state() != LeaseState::closed;
  if (leased && now_ns - subject.asked_ns < lease_idle_ns) return false;
  const bool day_closed = subject.day.close(lease_effects_);
  const bool month_closed = subject.month.close(lease_effects_);
  collect(index);
  if (!day_closed || !month_closed) return false;
  by_name_.erase(subject.name);
  subject = Subject{};
  free_subjects_.push_back(index);
  return true;
}

void Limiter::forget_some(int visits, std::int64_t now_ns) {
  for (int i = 0; i < visits && !subjects_.empty(); ++i) {
    hand_ = (hand_ + 1) % static_cast<std::uint32_t>(subjects_.size());
    forget(hand_, now_ns);
  }
}

std::uint32_t Limiter::add(std::string name, std::int64_t now_ns) {
  if (by_name_.size() >= options_.subjects_max) forget_some(visits_when_full, now_ns);
  if (by_name_.size() >= options_.subjects_max) return none;
  std::uint32_t index = 0;
  if (free_subjects_.empty()) {
    index = static_cast<std::uint32_t>(subjects_.size());
    subjects_.emplace_back();
  } else {
    index = free_subjects_.back();
    free_subjects_.pop_back();
  }
  subjects_[index].name = name;
  subjects_[index].in_use = true;
  by_name_.emplace(std::move(name), index);
  return index;
}

std::uint32_t Limiter::find_or_add(Scope scope, std::string_view id, std::int64_t now_ns) {
  std::string name = subject_name(scope, id.substr(0, subject_bytes_max));
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return add(std::move(name), now_ns);
  return found->second;
}

void Limiter::collect(std::uint32_t subject) {
  for (const LeaseEffect& effect : lease_effects_)
    effects_.push_back({subjects_[subject].name, effect});
  lease_effects_.clear();
}

bool Limiter::windows_refuse(const Call& call, std::span<const std::uint32_t> subjects, Instant now,
                             Refusal& worst) {
  bool any = false;
  const auto check_window = [&](const Share& share, SlidingWindow& window, Limit limit,
                                std::int64_t amount, std::optional<std::int64_t> limit_value) {
    if (!limit_value || amount == 0) return;
    const std::int64_t wait_ns = window.wait_ns(amount, *limit_value, now.mono_ns);
    if (wait_ns == 0) return;
    const std::int64_t left = *limit_value - window.used(now.mono_ns);
    keep_worst(worst, any,
               {.scope = share.scope,
                .limit = limit,
                .retry_after_ns = wait_ns,
                .promised = true,
                .limit_value = *limit_value,
                .remaining = std::max<std::int64_t>(0, left),
                .reset_ns = window.empty_ns(now.mono_ns)});
  };
  for (std::size_t i = 0; i < call.shares.size(); ++i) {
    const Share& share = call.shares[i];
    Subject& subject = subjects_[subjects[i]];
    check_window(share, subject.requests, Limit::requests, share.requests,
                 share.rules.requests_per_minute);
    check_window(share, subject.tokens, Limit::tokens, call.tokens_upper,
                 share.rules.tokens_per_minute);
    const std::optional<std::int64_t> most = share.rules.concurrent_max;
    if (most && subject.open >= *most) {
      keep_worst(worst, any,
                 {.scope = share.scope,
                  .limit = Limit::concurrency,
                  .retry_after_ns = *most == 0 ? SlidingWindow::never : busy_retry_ns,
                  .promised = *most == 0,
                  .limit_value = *most,
                  .reset_ns = busy_retry_ns});
    }
  }
  return any;
}

HoldVerdict Limiter::ask(std::uint32_t subject, const Share& share, Period period,
                         Picodollars amount, Instant now, Refusal& worst) {
  const bool is_day = period == Period::day;
  const std::optional<Picodollars> budget =
      is_day ? share.rules.day_picodollars : share.rules.month_picodollars;
  if (!budget || amount == 0) return HoldVerdict::fits;
  const Picodollars limit = std::min(*budget, budget_max);
  BudgetLease& lease = is_day ? subjects_[subject].day : subjects_[subject].month;
  const std::int32_t index = std::max(period_of(period, now.unix_s), lease.index());
  // Of nothing there is nothing to draw.
  const HoldVerdict verdict = limit == 0
                                  ? HoldVerdict::exhausted
                                  : lease.ask(amount, limit, index, now.mono_ns, lease_effects_);
  collect(subject);
  if (verdict == HoldVerdict::fits || verdict == HoldVerdict::wait) return verdict;
  const Picodollars engaged = add_saturated(lease.spent(), lease.held());
  worst = {.scope = share.scope,
           .limit = is_day ? Limit::day_budget : Limit::month_budget,
           .status = 402,
           .retry_after_ns = busy_retry_ns,
           .limit_value = limit,
           .remaining = std::max<Picodollars>(0, limit - engaged),
           .reset_ns = (period_start_s(period, index + 1) - now.unix_s) * second_ns};
  if (verdict == HoldVerdict::busy) worst.status = 429;
  if (verdict == HoldVerdict::failed) worst.status = 503, worst.limit = Limit::store;
  if (verdict == HoldVerdict::exhausted) {
    worst.promised = true;
    worst.retry_after_ns = amount > limit ? SlidingWindow::never : worst.reset_ns;
  }
  return verdict;
}

// The worst of all: exhausted before failed before busy before waiting. Every lease is asked, so
// that all draws that are needed are under way at once.
HoldVerdict Limiter::money_refuses(const Call& call, std::span<const std::uint32_t> subjects,
                                   Instant now, Refusal& worst) {
  HoldVerdict verdict = HoldVerdict::fits;
  bool any = false;
  for (std::size_t i = 0; i < call.shares.size(); ++i) {
    for (const Period period : {Period::day, Period::month}) {
      Refusal refusal;
      const HoldVerdict one =
          ask(subjects[i], call.shares[i], period, call.picodollars_upper, now, refusal);
      if (one == HoldVerdict::fits) continue;
      if (one == HoldVerdict::wait) {
        if (verdict == HoldVerdict::fits) verdict = one;
        continue;
      }
      verdict = one;
      keep_worst(worst, any, refusal);
    }
  }
  return verdict;
}

Quotas Limiter::quotas(std::span<const Share> shares, std::span<const std::uint32_t> subjects,
                       std::int64_t now_ns) {
  Quotas tightest;
  const auto look = [&](std::optional<Quota>& worst, Scope scope, SlidingWindow* window,
                        std::optional<std::int64_t> value) {
    if (!value) return;
    const std::int64_t used = window ? window->used(now_ns) : 0;
    const std::int64_t left = std::max<std::int64_t>(0, *value - used);
    if (!worst || left < worst->remaining)
      worst = Quota{scope, *value, left, window ? window->empty_ns(now_ns) : 0};
  };
  for (std::size_t i = 0; i < shares.size(); ++i) {
    // What all together use is nobody's to see: it is others' traffic.
    if (shares[i].scope < Scope::token) continue;
    // Nothing was ever counted on whom the table does not know.
    Subject* subject = subjects[i] == none ? nullptr : &subjects_[subjects[i]];
    const Rules& rules = shares[i].rules;
    look(tightest.requests, shares[i].scope, subject ? &subject->requests : nullptr,
         rules.requests_per_minute);
    look(tightest.tokens, shares[i].scope, subject ? &subject->tokens : nullptr,
         rules.tokens_per_minute);
  }
  return tightest;
}

Quotas Limiter::quotas(std::span<const Share> shares, Instant now) {
  assert(shares.size() <= shares_max);
  std::array<std::uint32_t, shares_max> places{};
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto found =
        by_name_.find(subject_name(shares[i].scope, shares[i].id.substr(0, subject_bytes_max)));
    places[i] = found == by_name_.end() ? none : found->second;
  }
  return quotas(shares, std::span<const std::uint32_t>(places.data(), shares.size()), now.mono_ns);
}

void Limiter::commit(const Call& call, std::span<const std::uint32_t> subjects, Instant now,
                     Outcome& outcome) {
  std::uint32_t slot = 0;
  if (free_reservations_.empty()) {
    slot = static_cast<std::uint32_t>(reservations_.size());
    reservations_.emplace_back();
  } else {
    slot = free_reservations_.back();
    free_reservations_.pop_back();
  }
  Reservation& reservation = reservations_[slot];
  ++reservation.generation;
  reservation.open = true;
  reservation.expires_ns = now.mono_ns + std::max<std::int64_t>(1, call.open_ns_max);
  reservation.upper = {call.tokens_upper, call.picodollars_upper};
  reservation.parts_count = static_cast<std::uint8_t>(call.shares.size());
  for (std::size_t i = 0; i < call.shares.size(); ++i) {
    const Share& share = call.shares[i];
    Subject& subject = subjects_[subjects[i]];
    Part& part = reservation.parts[i];
    part = {.subject = subjects[i], .requests = share.requests};
    part.requests_slot = subject.requests.add(share.requests, now.mono_ns);
    part.tokens_slot = subject.tokens.add(call.tokens_upper, now.mono_ns);
    ++subject.open;
    if (call.picodollars_upper == 0) continue;
    const auto count = [&](BudgetLease& lease, Period period, bool has_budget) -> Counted {
      if (has_budget) {
        lease.hold(call.picodollars_upper);
        return {lease.index(), true};
      }
      // What one token used counts for the player's others, and their limits may be others.
      if (share.scope == Scope::player) return {period_of(period, now.unix_s), false};
      return {};
    };
    part.day = count(subject.day, Period::day, share.rules.day_picodollars.has_value());
    part.month = count(subject.month, Period::month, share.rules.month_picodollars.has_value());
  }
  by_expiry_.emplace(reservation.expires_ns, slot);
  outcome.verdict = Verdict::reserved;
  outcome.id = (static_cast<std::uint64_t>(reservation.generation) << 32) | slot;
}

Outcome Limiter::reserve(const Call& call, Instant now) {
  assert(call.shares.size() <= shares_max && call.tokens_upper >= 0);
  assert(call.picodollars_upper >= 0 && call.picodollars_upper <= call_cost_max);
  Outcome outcome;
  forget_some(visits_each, now.mono_ns);
  if (by_expiry_.size() >= options_.reservations_max) {
    outcome.refusal = {.scope = Scope::all,
                       .limit = Limit::reservations,
                       .retry_after_ns = busy_retry_ns,
                       .limit_value = static_cast<std::int64_t>(options_.reservations_max),
                       .reset_ns = busy_retry_ns};
    return outcome;
  }
  std::array<std::uint32_t, shares_max> places{};
  for (std::size_t i = 0; i < call.shares.size(); ++i) {
    const Share& share = call.shares[i];
    places[i] = find_or_add(share.scope, share.id, now.mono_ns);
    if (places[i] != none) {
      subjects_[places[i]].asked_ns = now.mono_ns;
      ++subjects_[places[i]].open;  // keeps it while the others are looked up
      continue;
    }
    for (std::size_t k = 0; k < i; ++k)
      --subjects_[places[k]].open;
    outcome.refusal = {.scope = share.scope,
                       .limit = Limit::subjects,
                       .retry_after_ns = busy_retry_ns,
                       .limit_value = static_cast<std::int64_t>(options_.subjects_max),
                       .reset_ns = busy_retry_ns};
    return outcome;
  }
  for (std::size_t i = 0; i < call.shares.size(); ++i)
    --subjects_[places[i]].open;
  const std::span<const std::uint32_t> subjects(places.data(), call.shares.size());
  if (!windows_refuse(call, subjects, now, outcome.refusal)) {
    const HoldVerdict money = money_refuses(call, subjects, now, outcome.refusal);
    if (money == HoldVerdict::fits) commit(call, subjects, now, outcome);
    if (money == HoldVerdict::wait) outcome.verdict = Verdict::waiting;
  }
  outcome.quotas = quotas(call.shares, subjects, now.mono_ns);
  return outcome;
}

Result<std::uint32_t> Limiter::slot_of(ReservationId id) const {
  const auto slot = static_cast<std::uint32_t>(id);
  if (slot >= reservations_.size() || !reservations_[slot].open ||
      reservations_[slot].generation != static_cast<std::uint32_t>(id >> 32))
    return unknown_reservation(id);
  return slot;
}

void Limiter::end(std::uint32_t slot, Used used) {
  Reservation& reservation = reservations_[slot];
  for (std::size_t i = 0; i < reservation.parts_count; ++i) {
    const Part& part = reservation.parts[i];
    Subject& subject = subjects_[part.subject];
    --subject.open;
    if (used.tokens < reservation.upper.tokens)
      subject.tokens.give_back(part.tokens_slot, reservation.upper.tokens - used.tokens);
    const auto settle = [&](BudgetLease& lease, const Counted& counted) {
      if (counted.held) {
        lease.settle(counted.index, reservation.upper.picodollars, used.picodollars,
                     lease_effects_);
      } else if (counted.index >= 0) {
        lease.spend(counted.index, used.picodollars, lease_effects_);
      }
    };
    settle(subject.day, part.day);
    settle(subject.month, part.month);
    collect(part.subject);
  }
  by_expiry_.erase({reservation.expires_ns, slot});
  reservation.open = false;
  free_reservations_.push_back(slot);
}

Result<Settled> Limiter::settle(ReservationId id, Used used, Instant now) {
  const Result<std::uint32_t> slot = slot_of(id);
  if (!slot) return slot.error();
  const Reservation& reservation = reservations_[*slot];
  Settled settled;
  settled.charged = {std::max<std::int64_t>(0, used.tokens),
                     std::clamp<Picodollars>(used.picodollars, 0, call_cost_max)};
  const Used& upper = reservation.upper;
  settled.overrun = {std::max<std::int64_t>(0, settled.charged.tokens - upper.tokens),
                     std::max<Picodollars>(0, settled.charged.picodollars - upper.picodollars)};
  for (std::size_t i = 0; settled.overrun.tokens > 0 && i < reservation.parts_count; ++i)
    subjects_[reservation.parts[i].subject].tokens.add(settled.overrun.tokens, now.mono_ns);
  end(*slot, settled.charged);
  return settled;
}

Result<void> Limiter::cancel(ReservationId id, Instant now) {
  const Result<std::uint32_t> slot = slot_of(id);
  if (!slot) return slot.error();
  const Reservation& reservation = reservations_[*slot];
  for (std::size_t i = 0; i < reservation.parts_count; ++i) {
    const Part& part = reservation.parts[i];
    SlidingWindow& requests = subjects_[part.subject].requests;
    requests.used(now.mono_ns);  // so that a slot that has left the window is not looked for
    requests.give_back(part.requests_slot, part.requests);
  }
  end(*slot, {});
  return {};
}

void Limiter::expire(Instant now, std::vector<Expired>& out) {
  for (int i = 0; i < expired_each_max && !by_expiry_.empty(); ++i) {
    const auto [expires_ns, slot] = *by_expiry_.begin();
    if (expires_ns > now.mono_ns) return;
    const Reservation& reservation = reservations_[slot];
    out.push_back(
        {(static_cast<std::uint64_t>(reservation.generation) << 32) | slot, reservation.upper});
    end(slot, reservation.upper);
  }
}

std::vector<StoreEffect> Limiter::take_effects() {
  return std::exchange(effects_, {});
}

void Limiter::lease_granted(std::string_view subject, Period period, std::int32_t index,
                            Picodollars amount) {
  const auto found = by_name_.find(std::string(subject));
  if (found == by_name_.end()) return;  // a subject with a draw under way is never forgotten
  Subject& known = subjects_[found->second];
  (period == Period::day ? known.day : known.month).granted(index, amount, lease_effects_);
  collect(found->second);
}

void Limiter::lease_failed(std::string_view subject, Period period, std::int32_t index,
                           Instant now) {
  const auto found = by_name_.find(std::string(subject));
  if (found == by_name_.end()) return;
  Subject& known = subjects_[found->second];
  (period == Period::day ? known.day : known.month).draw_failed(index, now.mono_ns);
}

void Limiter::close_leases() {
  for (std::uint32_t i = 0; i < subjects_.size(); ++i) {
    if (!subjects_[i].in_use) continue;
    subjects_[i].day.close(lease_effects_);
    subjects_[i].month.close(lease_effects_);
    collect(i);
  }
}

std::string budget_subject(Scope scope, std::string_view id) {
  return subject_name(scope, id.substr(0, subject_bytes_max));
}

Picodollars Limiter::engaged(Scope scope, std::string_view id, Period period, std::int32_t index,
                             Picodollars drawn) const {
  const auto found = by_name_.find(budget_subject(scope, id));
  if (found == by_name_.end()) return drawn;
  const Subject& subject = subjects_[found->second];
  const BudgetLease& lease = period == Period::day ? subject.day : subject.month;
  if (lease.index() != index) return drawn;
  // A lease that was granted since `drawn` was read is not in it.
  return std::max(add_saturated(lease.spent(), lease.held()), drawn - lease.remaining());
}

namespace {

void append_item(std::string& out, const std::optional<Quota>& quota, std::string_view kind,
                 bool policy) {
  if (!quota) return;
  if (!out.empty()) out += ", ";
  const std::string_view scope = scope_name(quota->scope);
  out += policy ? joined({"\"", scope, "-", kind, "\";q=", quota->limit, ";w=", minute_s})
                : joined({"\"", scope, "-", kind, "\";r=", quota->remaining,
                          ";t=", seconds_up(quota->reset_ns)});
}

std::string header(const Quotas& quotas, bool policy) {
  std::string out;
  append_item(out, quotas.requests, "requests", policy);
  append_item(out, quotas.tokens, "tokens", policy);
  return out;
}

}  // namespace

std::string rate_policy_header(const Quotas& quotas) {
  return header(quotas, true);
}

std::string rate_header(const Quotas& quotas) {
  return header(quotas, false);
}

std::string retry_after_header(const Refusal& refusal) {
  if (refusal.retry_after_ns < 0) return "";
  return std::to_string(std::max<std::int64_t>(1, seconds_up(refusal.retry_after_ns)));
}

namespace {

std::string_view whose(Scope scope) {
  switch (scope) {
    case Scope::all:
      return "all callers together";
    case Scope::model:
      return "this model";
    case Scope::provider_key:
      return "the relay's key for this provider";
    case Scope::token:
      return "this token";
    case Scope::purse:
      return "all anonymous callers together";
    default:
      return "this player";
  }
}

std::string amount_of(Limit limit, std::int64_t value) {
  switch (limit) {
    case Limit::requests:
      return joined({value, " requests a minute"});
    case Limit::tokens:
      return joined({value, " tokens a minute"});
    case Limit::concurrency:
      return joined({value, " calls at a time"});
    case Limit::day_budget:
      return dollars_text(value) + " a day";
    default:
      return dollars_text(value) + " a month";
  }
}

/// "in 14 s", "in 3 h"
std::string wait_of(const Refusal& refusal) {
  return "in " + duration_text(refusal.retry_after_ns);
}

std::string_view ask_for_less(PromptReserved prompt) {
  if (prompt == PromptReserved::by_size)
    return "What a call may use at most is reserved: ask for fewer output tokens (max_tokens)";
  return "What a call may use at most is reserved, and a request with a file, an address, a stored "
         "response or a provider's own tool counts as the model's whole context: send the picture "
         "itself or the file's text";
}

}  // namespace

std::optional<Refusal> refused_by_zero(std::span<const Share> shares, bool costs) {
  for (const Share& share : shares) {
    const Rules& rules = share.rules;
    const auto by = [&](Limit limit, int status) {
      return Refusal{.scope = share.scope,
                     .limit = limit,
                     .status = status,
                     .retry_after_ns = SlidingWindow::never,
                     .promised = true};
    };
    if (rules.requests_per_minute == 0) return by(Limit::requests, 429);
    if (rules.tokens_per_minute == 0) return by(Limit::tokens, 429);
    if (rules.concurrent_max == 0) return by(Limit::concurrency, 429);
    if (costs && rules.day_picodollars == 0) return by(Limit::day_budget, 402);
    if (costs && rules.month_picodollars == 0) return by(Limit::month_budget, 402);
  }
  return std::nullopt;
}

std::string refusal_text(const Refusal& refusal) {
  return refusal_text(refusal, PromptReserved::by_size);
}

std::string refusal_text(const Refusal& refusal, PromptReserved prompt) {
  if (refusal.limit == Limit::store)
    return joined({"The relay cannot look at its budgets; try again ", wait_of(refusal), "."});
  if (refusal.limit == Limit::subjects || refusal.limit == Limit::reservations)
    return joined({"The relay counts as many calls as it can; try again ", wait_of(refusal), "."});
  if (refusal.scope == Scope::player_part)
    return joined({"This player holds ", refusal.limit_value,
                   " of the calls that this model's provider takes at a time, and others have a "
                   "right to the rest; try again ",
                   wait_of(refusal), "."});
  const std::string limit = joined(
      {"The limit of ", whose(refusal.scope), ", ", amount_of(refusal.limit, refusal.limit_value)});
  if (refusal.limit_value == 0) return limit + ", lets nothing pass.";
  const bool money = refusal.limit == Limit::day_budget || refusal.limit == Limit::month_budget;
  if (refusal.retry_after_ns < 0)
    return joined({limit, ", is less than this call alone may use. ", ask_for_less(prompt), "."});
  if (money && refusal.scope < Scope::token)
    return joined({limit, ", has less left than this call may cost. ", ask_for_less(prompt),
                   ", or try again ", wait_of(refusal), "."});
  if (money)
    return joined({limit, ", has ", dollars_text(refusal.remaining),
                   " left, and this call may cost more. ", ask_for_less(prompt), ", or try again ",
                   wait_of(refusal), "."});
  return joined({limit, ", is reached; ", refusal.promised ? "it passes " : "try again ",
                 wait_of(refusal), "."});
}

}  // namespace redoubt::limits
