#include "relay/upstream/call_limits.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "engine/llm/failure.hpp"
#include "relay/upstream/clock.hpp"

namespace redoubt::upstream {
namespace {

constexpr std::size_t waiting_for_money_max = 4'096;

limits::Instant instant() {
  return {now_ns(), wall_s()};
}

/// The stricter of two; absent is no limit.
std::optional<std::int64_t> tighter(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

/// What one player may have of the calls that a target takes at a time: with half of them, another
/// player's call finds a place.
std::int64_t player_part(int concurrent_max) {
  return std::max(1, concurrent_max / 2);
}

CallRefusal refusal_by(const limits::Refusal& refusal) {
  return {.status = refusal.status,
          .reason = Reason::limit,
          .retry_after_ms = retry_after_ms(refusal),
          .failure = limit_failure(refusal)};
}

}  // namespace

limits::Rules with_own(limits::Rules rules, const auth::CallerLimits& own) {
  const auto money = [](std::optional<std::int64_t> microusd) -> std::optional<std::int64_t> {
    if (!microusd) return std::nullopt;
    const std::int64_t most = limits::budget_max / limits::picodollars_per_microdollar;
    return std::min(*microusd, most) * limits::picodollars_per_microdollar;
  };
  rules.requests_per_minute = tighter(rules.requests_per_minute, own.requests_per_minute);
  rules.tokens_per_minute = tighter(rules.tokens_per_minute, own.tokens_per_minute);
  rules.concurrent_max = tighter(rules.concurrent_max, own.concurrent_calls);
  rules.day_picodollars = tighter(rules.day_picodollars, money(own.cost_microusd_per_day));
  rules.month_picodollars = tighter(rules.month_picodollars, money(own.cost_microusd_per_month));
  return rules;
}

llm::ChatFailure limit_failure(const limits::Refusal& refusal, limits::PromptReserved prompt) {
  llm::ChatFailure failure = llm::local_failure(
      refusal.status == 402 ? llm::FailureClass::no_quota : llm::FailureClass::rate_limited,
      limits::refusal_text(refusal, prompt));
  failure.code = std::string(limits::limit_name(refusal.limit));
  failure.status = refusal.status;
  failure.should_retry = failure.should_retry && refusal.retry_after_ns >= 0;
  return failure;
}

std::int64_t retry_after_ms(const limits::Refusal& refusal) {
  return refusal.retry_after_ns < 0 ? -1 : (refusal.retry_after_ns + 999'999) / 1'000'000;
}

CallLimits::CallLimits(const GatewayOptions& options, const RoutePlans& plans,
                       const auth::CurrentKeys& keys, limits::Ledger& ledger, std::uint64_t seed)
    : options_(options),
      plans_(plans),
      keys_(keys),
      ledger_(ledger),
      targets_(plans.target_options()),
      limiter_({}, seed),
      rng_(seed) {
  reload_keys();
}

void CallLimits::reload_keys() {
  const auth::KeyRingPtr ring = keys_.get();
  const std::lock_guard lock(mutex_);
  for (std::uint32_t target = 0; target < plans_.size(); ++target) {
    std::vector<WeightedKey> keys;
    if (ring) {
      for (const auth::ProviderKey& key : ring->keys()) {
        if (key.provider == plans_.provider(target).name) keys.push_back({key.name, key.weight});
      }
    }
    targets_.replace_keys(target, std::move(keys));
  }
}

Rng CallLimits::next_rng() {
  const std::lock_guard lock(mutex_);
  return Rng(rng_.next());
}

Admission CallLimits::admit(std::uint32_t target, bool is_retry, std::string_view caller,
                            std::span<const std::uint32_t> refused_keys) {
  const std::lock_guard lock(mutex_);
  return targets_.admit(target, is_retry, now_ns(), caller, refused_keys);
}

std::string CallLimits::key_name(const Admission& admission) {
  const std::lock_guard lock(mutex_);
  return targets_.key_count(admission.target) == 0
             ? std::string()
             : targets_.key_name(admission.target, admission.key);
}

KeyOutlook CallLimits::key_outlook(const Admission& admission, const Failure& failure,
                                   std::span<const std::uint32_t> refused_keys) {
  const std::lock_guard lock(mutex_);
  return targets_.outlook(admission, failure, now_ns(), refused_keys);
}

void CallLimits::finish(const Admission& admission, const AttemptResult& result) {
  const std::lock_guard lock(mutex_);
  targets_.finish(admission, result, now_ns());
}

void CallLimits::abandon(const Admission& admission,
                         std::optional<limits::ReservationId> reservation) {
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    targets_.abandon(admission);
    if (reservation) {
      open_lines_.take(*reservation);
      (void)limiter_.cancel(*reservation, instant());  // it may have expired meanwhile
      effects = take_effects_locked();
    }
  }
  if (reservation) ledger_.forget(*reservation);
  carry_out(std::move(effects));
}

CallLimits::Shares CallLimits::callers_shares(const Order& order, std::string_view player) const {
  Shares shares;
  shares.add({limits::Scope::all, "all", options_.all});
  if (order.identity.is_anonymous())
    shares.add({limits::Scope::purse, "anonymous", options_.anonymous});
  shares.add({limits::Scope::player, player, with_own(options_.player, order.own_limits)});
  return shares;
}

CallLimits::Shares CallLimits::shares_of(const Asked& asked) const {
  Shares shares;
  shares.add({limits::Scope::all, "all", options_.all, asked.requests});
  shares.add({limits::Scope::model, plans_.name(asked.target), options_.model});
  if (!asked.key.empty())
    shares.add({limits::Scope::provider_key, asked.key, options_.provider_key});
  if (asked.identity->is_anonymous())
    shares.add({limits::Scope::purse, "anonymous", options_.anonymous, asked.requests});
  const limits::Rules own = with_own(options_.player, *asked.own);
  shares.add({limits::Scope::player, asked.player, own, asked.requests});
  const std::int64_t part = player_part(plans_.plan(asked.target).concurrent_max);
  if (!own.concurrent_max || *own.concurrent_max > part)
    shares.add({limits::Scope::player_part, asked.part, {.concurrent_max = part}, 0});
  return shares;
}

std::optional<CallRefusal> CallLimits::refused_by_zero(const Order& order) const {
  const std::string player = order.identity.key();
  const auto refusal = limits::refused_by_zero(callers_shares(order, player).span(),
                                               plans_.may_cost(order.request.model));
  if (!refusal) return std::nullopt;
  return refusal_by(*refusal);
}

CallMaker::Counted CallLimits::count_request(const Order& order) {
  const std::string player = order.identity.key();
  Shares shares = callers_shares(order, player);
  for (std::size_t i = 0; i < shares.count; ++i) {
    // Another's answer takes no place and no money.
    limits::Rules& rules = shares.list[i].rules;
    rules.concurrent_max.reset();
    rules.day_picodollars.reset();
    rules.month_picodollars.reset();
  }
  limits::Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = limiter_.reserve({.shares = shares.span()}, instant());
    if (outcome.verdict == limits::Verdict::reserved)
      (void)limiter_.settle(outcome.id, {}, instant());
  }
  CallMaker::Counted counted{.refusal = {}, .quotas = outcome.quotas};
  if (outcome.verdict == limits::Verdict::reserved) return counted;
  counted.refusal = refusal_by(outcome.refusal);
  return counted;
}

limits::Quotas CallLimits::quotas(const Asked& asked) {
  const Shares shares = shares_of(asked);
  const std::lock_guard lock(mutex_);
  return limiter_.quotas(shares.span(), instant());
}

limits::Outcome CallLimits::reserve(const Asked& asked,
                                    const std::shared_ptr<MoneyWaiter>& waiter) {
  const Shares shares = shares_of(asked);
  limits::Call call;
  call.shares = shares.span();
  call.tokens_upper = asked.bound.input_tokens + asked.bound.output_tokens;
  if (const llm::Tariff* tariff = plans_.plan(asked.target).tariff) {
    const std::int64_t now_s = wall_s();
    const std::int64_t upper = llm::cost_bound_picodollars(
        asked.bound.input_tokens, asked.bound.output_tokens, asked.bound.tool_uses, *tariff,
        {now_s, now_s + asked.open_ns_max / 1'000'000'000});
    call.picodollars_upper = std::min(upper, limits::call_cost_max);
  }
  call.open_ns_max = asked.open_ns_max;
  limits::OpenLine line = open_line(asked, call.picodollars_upper);
  limits::LedgerLine note;
  limits::Outcome outcome;
  std::vector<limits::LedgerLine> expired;
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    expired = expire_locked();
    outcome = limiter_.reserve(call, instant());
    if (outcome.verdict == limits::Verdict::reserved)
      note = open_lines_.add(outcome.id, std::move(line));
    // Before the draw is carried out, so that its answer finds the call waiting.
    if (outcome.verdict == limits::Verdict::waiting) {
      if (waiting_.size() < waiting_for_money_max) {
        waiting_.push_back(waiter);
      } else {
        outcome.verdict = limits::Verdict::refused;
        outcome.refusal = {.scope = limits::Scope::all,
                           .limit = limits::Limit::store,
                           .status = 503,
                           .retry_after_ns = limits::busy_retry_ns};
      }
    }
    effects = take_effects_locked();
  }
  write_unsettled(std::move(expired));
  carry_out(std::move(effects));
  if (outcome.verdict == limits::Verdict::reserved) ledger_.note(note);
  return outcome;
}

limits::OpenLine CallLimits::open_line(const Asked& asked, limits::Picodollars upper) const {
  limits::OpenLine open{.opened_ms = wall_ms()};
  open.line.request_id = asked.request_id;
  open.line.identity = *asked.identity;
  open.line.target = plans_.name(asked.target);
  open.line.key = asked.key;
  open.line.usage.input = asked.bound.input_tokens;
  open.line.usage.output = asked.bound.output_tokens;
  open.line.cost = upper;
  return open;
}

std::optional<limits::Settled> CallLimits::settle(limits::ReservationId id, limits::Used used) {
  std::vector<limits::StoreEffect> effects;
  std::optional<limits::Settled> out;
  {
    const std::lock_guard lock(mutex_);
    if (!open_lines_.take(id)) return std::nullopt;
    if (const auto settled = limiter_.settle(id, used, instant())) out = *settled;
    effects = take_effects_locked();
  }
  carry_out(std::move(effects));
  return out;
}

std::vector<limits::LedgerLine> CallLimits::expire_locked() {
  std::vector<limits::Expired> expired;
  limiter_.expire(instant(), expired);
  return open_lines_.expire(expired, wall_ms());
}

void CallLimits::write_unsettled(std::vector<limits::LedgerLine> lines) {
  for (limits::LedgerLine& line : lines) {
    const TargetPlan& plan = plans_.plan(*plans_.find(line.target));
    const limits::Settled charged{
        .charged = {.tokens = line.usage.input + line.usage.output, .picodollars = line.cost}};
    plan.metrics.unsettled(line.outcome);
    plan.metrics.ended(line.usage, charged, line.estimated, line.outcome, 0, line.duration_ms);
    ledger_.write(std::move(line));
  }
}

void CallLimits::carry_out(std::vector<limits::StoreEffect> effects) {
  for (const limits::StoreEffect& effect : effects) {
    const bool draw = effect.effect.kind == limits::LeaseEffect::Kind::draw;
    auto granted = [this, draw, subject = effect.subject, period = effect.effect.period,
                    index = effect.effect.index](std::optional<limits::Picodollars> amount) {
      if (!draw) return;
      std::vector<limits::StoreEffect> more;
      {
        const std::lock_guard lock(mutex_);
        if (amount) {
          limiter_.lease_granted(subject, period, index, *amount);
        } else {
          limiter_.lease_failed(subject, period, index, instant());
        }
        more = take_effects_locked();
      }
      carry_out(std::move(more));
      wake_waiting();
    };
    ledger_.carry_out(effect, std::move(granted));
  }
}

void CallLimits::wake_waiting() {
  std::vector<std::weak_ptr<MoneyWaiter>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& weak : waiting) {
    if (const auto call = weak.lock())
      boost::asio::post(call->shard(), [call] { call->money_came(); });
  }
}

Gateway::Spent CallLimits::spent(const auth::Identity& caller, const auth::CallerLimits& own,
                                 const limits::Drawn& drawn, std::int64_t now_s) {
  using limits::Period;
  const limits::Rules rules = with_own(options_.player, own);
  const std::string player = caller.key();
  const auto engaged = [&](Period period, limits::Picodollars so_far) {
    return limiter_.engaged(limits::Scope::player, player, period, limits::period_of(period, now_s),
                            so_far);
  };
  Gateway::Spent spent;
  const std::lock_guard lock(mutex_);
  if (rules.day_picodollars) spent.day = engaged(Period::day, drawn.day);
  if (rules.month_picodollars) spent.month = engaged(Period::month, drawn.month);
  return spent;
}

void CallLimits::close() {
  std::vector<limits::LedgerLine> open;
  std::vector<limits::StoreEffect> effects;
  {
    const std::lock_guard lock(mutex_);
    open = open_lines_.close(wall_ms());
    limiter_.close_leases();
    effects = take_effects_locked();
  }
  write_unsettled(std::move(open));
  for (const limits::StoreEffect& effect : effects)
    ledger_.carry_out(effect, [](std::optional<limits::Picodollars>) {});
}

}  // namespace redoubt::upstream
