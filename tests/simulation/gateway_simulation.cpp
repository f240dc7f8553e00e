// The gateway's machines under a hostile network: limiter, leases, targets, breakers, retries,
// model calls, cache, single flight and held streams together, on one seeded clock, with providers
// that fail in every way (simulated_provider.hpp), a store that is late and fails, clients that
// leave, calls that nobody settles. After each step the laws are checked by plain counting of its
// own:
//
//   limits       no subject passes requests, tokens, open calls or money (limit_witness.hpp); money
//                is on disk as drawn before it is held
//   ledger       its sum is the sum of what was settled; a charge is never less than what the
//                provider generates, to the end of the answer where it does not stop when nobody
//                reads, and equals what it reported
//   targets      open calls <= cap; retries <= burst + ratio x calls; breakers walk legal arrows,
//   and
//                open for all by what several players' calls failed of, or where nothing answers
//   model call   one outcome, nothing after it but one late answer, no attempt after a first token,
//                all within the deadline; the game's within answer_by; each attempt released once
//   cache        what a tenant finds is what that tenant asked
//   flights      one payer; each follower sees the whole stream, in order, once
//   held streams after a resume neither gap nor repeat
//   the end      nothing is left in any table, and the store's draws are what was spent
//
//   redoubt_gateway_simulation [CALLS [SEED]]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "engine/base/rng.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/upstream/exact_cache.hpp"
#include "relay/upstream/model_call.hpp"
#include "relay/upstream/single_flight.hpp"
#include "relay/upstream/stream_hold.hpp"
#include "relay/upstream/targets.hpp"
#include "tests/relay/limits/model_store.hpp"
#include "tests/simulation/limit_witness.hpp"
#include "tests/simulation/simulated_provider.hpp"

using namespace redoubt;
using namespace redoubt::upstream;
using limits::Picodollars;
using simulation::Exchange;
using simulation::LimitWitness;
using simulation::SimulatedProvider;

namespace {

constexpr std::int64_t ms_ns = 1'000'000;
constexpr std::int64_t noon_s = 1'795'780'800;  // 2026-11-27T12:00:00Z
constexpr int calls_per_world = 5'000;
constexpr int targets_count = 3;
constexpr int players_count = 12;
constexpr std::int64_t breaker_slow_ms = 4'000;
constexpr std::int64_t breaker_window_ns = 10'000 * ms_ns;
constexpr int tenants_count = 3;
constexpr int prompts_count = 40;
constexpr std::int64_t input_upper = 2'000;
constexpr std::int64_t output_upper = 400;
constexpr int retry_burst = 10;
constexpr int retry_permille = 100;

// What must be seen in a long run: a simulation that never gets there proves nothing.
enum Seen : std::uint8_t {
  delivered,
  delivered_late,
  engine_in_time,
  failed_call,
  client_left,
  retried,
  fell_back,
  refused_429,
  refused_402,
  refused_503,
  waited_for_money,
  expired_orphan,
  breaker_opened,
  breaker_closed,
  cache_hit,
  followed,
  handed_over,
  last_left,
  resumed,
  stream_lost,
  abandoned_late,
  estimated_charge,
  store_failed,
  next_day,
  seen_count
};
constexpr std::array<const char*, seen_count> seen_names{
    "delivered",        "delivered late",   "engine in time", "failed",         "client left",
    "retried",          "fell back",        "refused 429",    "refused 402",    "refused 503",
    "waited for money", "expired",          "breaker opened", "breaker closed", "cache hit",
    "followed",         "handed over",      "last left",      "resumed",        "stream lost",
    "abandoned late",   "estimated charge", "store failed",   "next day"};

struct Tally {
  std::array<std::uint64_t, seen_count> seen{};
  std::uint64_t calls = 0;
  std::uint64_t steps = 0;
};

enum class Kind : std::uint8_t {
  arrive,
  input,   // from the provider
  answer,  // whether an attempt may be made
  wake,
  leave,         // a client with a call of its own
  leave_flight,  // a follower, which `call` names
  store,
  detach,
  resume,
};

struct Event {
  std::int64_t at_ns;
  std::uint64_t order;
  Kind kind;
  std::uint32_t call = 0;
  int attempt = 0;
  std::size_t place = 0;

  bool operator<(const Event& other) const {
    return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
  }
};

// A model call, with the clients that wait for it.
struct Run {
  std::unique_ptr<ModelCall> machine;
  ModelCallOptions options;
  std::int64_t started_ns = 0;
  std::string player;
  int tenant = 0;
  int prompt = 0;
  bool flies = false;  // its frames go to a flight's followers
  CacheKey key{};
  bool cacheable = false;

  Admission admission;
  std::vector<std::uint32_t> refused_keys;
  int admitted_attempt = 0;  // 0: none
  limits::ReservationId reservation = 0;
  int waiting_attempt = 0;  // acquired when the store's money comes
  bool request_counted = false;
  Exchange exchange;
  std::int64_t generated = 0;
  int open_attempt = 0;

  int outcomes = 0;
  int late = 0;
  int frames = 0;
  bool client_gone = false;
  bool ended = false;
  bool emitted = false;
  int releases = 0;
  std::int64_t wake_ns = 0;
  int opens = 0;

  std::unique_ptr<StreamHold> hold;
  std::uint64_t client_has = 0;  // the last frame that the held stream's client has
};

struct Follower {
  std::uint32_t run = 0;
  int frames = 0;
};

class World {
 public:
  World(std::uint64_t seed, Tally& tally) : seed_(seed), rng_(seed), tally_(tally) {
    make_targets();
    make_rules();
  }

  bool live() {
    for (int i = 0; i < calls_per_world; ++i)
      at(static_cast<std::int64_t>(i) * gap_ms_ * ms_ns + rng_.below(5) * ms_ns, Kind::arrive);
    while (!events_.empty() && fault_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ns_ = std::max(now_ns_, event.at_ns);
      ++tally_.steps;
      happen(event);
      expire();
      check_targets();
    }
    if (fault_.empty()) check_end();
    if (fault_.empty()) return true;
    std::printf("seed %llu at %lld ms: %s\n", static_cast<unsigned long long>(seed_),
                static_cast<long long>(now_ns_ / ms_ns), fault_.c_str());
    return false;
  }

 private:
  limits::Instant now() const {
    return {now_ns_, noon_s + day_offset_s_ + now_ns_ / 1'000 / ms_ns};
  }
  bool chance(std::uint32_t percent) { return rng_.below(100) < percent; }
  void see(Seen what) { ++tally_.seen[what]; }
  void fault(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }
  void require(bool holds, const char* law) {
    if (!holds) fault(law);
  }
  void at(std::int64_t at_ns, Kind kind, std::uint32_t call = 0, int attempt = 0,
          std::size_t place = 0) {
    events_.push({at_ns, ++order_, kind, call, attempt, place});
  }

  void make_targets() {
    std::vector<TargetOptions> options;
    for (int i = 0; i < targets_count; ++i) {
      TargetOptions target{.name = "p/m" + std::to_string(i),
                           .keys = {{"a", 2}, {"b", 1}},
                           .concurrent_max = 8 + static_cast<int>(rng_.below(60)),
                           .key_refused_ms = 5'000,
                           .key_limited_ms = 1'000};
      target.breaker = {.calls_min = 5, .slow_ms = breaker_slow_ms};
      target.retry_budget = {.ratio_permille = retry_permille, .burst = retry_burst};
      options.push_back(std::move(target));
      providers_.emplace_back(rng_.fork(static_cast<std::uint64_t>(i) + 1));
    }
    targets_ = std::make_unique<Targets>(options);
    states_.fill(BreakerState::closed);
  }

  // Some worlds are tight, some hardly limited.
  void make_rules() {
    const bool tight = rng_.below(2) == 0;
    gap_ms_ = tight ? 40 + rng_.below(60) : 60 + rng_.below(60);
    const Picodollars call_cost = cost(input_upper, output_upper);
    const limits::Rules player{.requests_per_minute = tight ? 60 : 400,
                               .tokens_per_minute = tight ? 60'000 : 1'000'000,
                               .concurrent_max = tight ? 4 : 50,
                               .day_picodollars = call_cost * (tight ? 25 : 4'000),
                               .month_picodollars = call_cost * (tight ? 40 : 90'000)};
    for (int i = 0; i < players_count; ++i)
      witnesses_.emplace("player:p" + std::to_string(i), LimitWitness(player));
    limits::Rules all{.day_picodollars = call_cost * 20'000};
    limits::Rules model;
    if (tight) {
      all.requests_per_minute = 700;
      all.concurrent_max = 40;
      model.tokens_per_minute = 200'000;
    }
    witnesses_.emplace("all:all", LimitWitness(all));
    for (int i = 0; i < targets_count; ++i)
      witnesses_.emplace("model:m" + std::to_string(i), LimitWitness(model));
    midnight_ns_ = 150'000 * ms_ns;
  }

  static Picodollars cost(std::int64_t input, std::int64_t output) {
    return input * 250'000 + output * 2'000'000;
  }

  // Who is counted by a call of a target; without one, only the request itself.
  void shares_of(const Run& run, int target, std::int64_t requests) {
    names_.clear();
    shares_.clear();
    names_.push_back("player:" + run.player);
    names_.push_back("all:all");
    if (target >= 0) names_.push_back("model:m" + std::to_string(target));
    constexpr limits::Scope scopes[] = {limits::Scope::player, limits::Scope::all,
                                        limits::Scope::model};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string_view name = names_[i];
      shares_.push_back({scopes[i], name.substr(name.find(':') + 1),
                         witnesses_.at(names_[i]).rules(), i == 2 ? 1 : requests});
    }
  }

  limits::Outcome reserve(const Run& run, int target, std::int64_t requests, std::int64_t tokens,
                          Picodollars money) {
    shares_of(run, target, requests);
    const limits::Outcome outcome = limiter_.reserve({.shares = shares_,
                                                      .tokens_upper = tokens,
                                                      .picodollars_upper = money,
                                                      .open_ns_max = 40'000 * ms_ns},
                                                     now());
    if (outcome.verdict == limits::Verdict::reserved) {
      for (std::size_t i = 0; i < names_.size(); ++i) {
        const std::string over = witnesses_.at(names_[i]).reserved(outcome.id, shares_[i].requests,
                                                                   tokens, money, now());
        if (!over.empty()) fault(names_[i] + " passes its limit: " + over);
        const std::int64_t day = now().unix_s / 86'400;
        if (shares_[i].rules.day_picodollars)
          require(store_.drawn_at(names_[i], limits::Period::day, static_cast<std::int32_t>(day)) >=
                      witnesses_.at(names_[i]).engaged(day),
                  "money is held that is not drawn on disk");
      }
      reservations_[outcome.id] = names_;
    }
    if (outcome.verdict == limits::Verdict::refused) {
      see(outcome.refusal.status == 402   ? refused_402
          : outcome.refusal.status == 503 ? refused_503
                                          : refused_429);
    }
    carry_out_effects();
    return outcome;
  }

  // What the witnesses and the ledger know of an end.
  void book(limits::ReservationId id, limits::Used used) {
    const auto found = reservations_.find(id);
    if (found == reservations_.end()) return fault("a reservation ends twice");
    for (const std::string& name : found->second)
      witnesses_.at(name).ended(id, used.tokens, used.picodollars);
    reservations_.erase(found);
    ledger_ += used.picodollars;
  }

  void settle(limits::ReservationId id, limits::Used used) {
    const Result<limits::Settled> settled = limiter_.settle(id, used, now());
    if (!settled) {
      require(orphans_.erase(id) == 1, "an open reservation cannot be settled");
    } else {
      require(settled.value().overrun.picodollars == 0, "a charge is over its bound");
      book(id, settled.value().charged);
    }
    carry_out_effects();
  }

  void expire() {
    expired_.clear();
    limiter_.expire(now(), expired_);
    for (const limits::Expired& one : expired_) {
      see(expired_orphan);
      require(orphans_.erase(one.id) == 1, "a reservation expires that was to be settled");
      book(one.id, one.charged);
    }
    if (!expired_.empty()) carry_out_effects();
  }

  // The store: effects are carried out in order, a few milliseconds later; a draw may fail, with or
  // without having been done.
  void carry_out_effects() {
    for (limits::StoreEffect& effect : limiter_.take_effects()) {
      store_queue_.push_back(std::move(effect));
      at(now_ns_ + (1 + rng_.below(4)) * ms_ns, Kind::store);
    }
  }

  void store_works() {
    const limits::StoreEffect effect = std::move(store_queue_.front());
    store_queue_.pop_front();
    const limits::LeaseEffect& lease = effect.effect;
    const bool draw = lease.kind == limits::LeaseEffect::Kind::draw;
    if (draw && chance(3)) {
      see(store_failed);
      if (chance(50)) lost_[effect.subject] += store_.carry_out(effect);
      limiter_.lease_failed(effect.subject, lease.period, lease.index, now());
    } else {
      const Picodollars granted = store_.carry_out(effect);
      if (draw) limiter_.lease_granted(effect.subject, lease.period, lease.index, granted);
    }
    carry_out_effects();
    std::vector<std::uint32_t> waiting;
    waiting.swap(waiting_);
    for (const std::uint32_t call : waiting)
      if (runs_.count(call) > 0 && runs_.at(call).waiting_attempt > 0) money_came(call);
  }

  void happen(const Event& event) {
    if (event.kind == Kind::arrive) return arrive();
    if (event.kind == Kind::store) return store_works();
    if (event.kind == Kind::leave_flight) return leave_flight(event.call);
    const auto found = runs_.find(event.call);
    if (found == runs_.end()) return;
    Run& run = found->second;
    switch (event.kind) {
      case Kind::input:
        return provider_says(event, run);
      case Kind::answer:
        return answer(event, run);
      case Kind::detach:
        return detach(event.call, run);
      case Kind::resume:
        return resume(event.call, run);
      case Kind::leave:
        run.client_gone = true;
        see(client_left);
        return feed(event.call, {.kind = InputKind::client_gone});
      case Kind::wake:
        if (run.machine->next_wake_ns() <= now_ns_) feed(event.call, {});
        return;
      case Kind::arrive:
      case Kind::store:
      case Kind::leave_flight:
        return;
    }
  }

  void arrive() {
    ++tally_.calls;
    if (now_ns_ >= midnight_ns_ && day_offset_s_ == 0) {
      day_offset_s_ = 43'200;
      see(next_day);
    }
    Run run;
    const std::uint32_t roll = rng_.below(10);
    run.options = roll < 4   ? game_call_options()
                  : roll < 8 ? v1_call_options(Delivery::stream)
                             : v1_call_options(Delivery::whole);
    if (!run.options.game) {
      run.options.deadline_ms = 30'000;
      run.options.first_token_ms = 12'000;
      run.options.progress_ms = 8'000;
    }
    run.player = "p" + std::to_string(rng_.below(players_count));
    run.tenant = static_cast<int>(rng_.below(tenants_count));
    run.prompt = static_cast<int>(rng_.below(prompts_count));
    run.cacheable = run.options.game || chance(30);
    run.started_ns = now_ns_;
    const std::string tenant = "t" + std::to_string(run.tenant);
    run.key = cache_key(tenant, (run.options.game ? "game" : "v1") + std::to_string(run.prompt));
    if (run.cacheable && (found_in_cache(run) || joined_flight(run))) return;
    begin(std::move(run));
  }

  bool found_in_cache(const Run& run) {
    const ExactCache::Answer answer = cache_.find(run.key, now_ns_);
    if (!answer) return false;
    see(cache_hit);
    require(*answer == std::to_string(run.tenant) + "/" + std::to_string(run.prompt),
            "the cache gives one tenant another's answer");
    pay_a_request(run);
    return true;
  }

  void pay_a_request(const Run& run) {
    const limits::Outcome outcome = reserve(run, -1, 1, 0, 0);
    require(outcome.verdict != limits::Verdict::waiting, "a request alone waits for money");
    if (outcome.verdict == limits::Verdict::reserved) settle(outcome.id, {});
  }

  bool joined_flight(Run& run) {
    const FollowerId id = ++next_follower_;
    const Joined joined = flight_.join(run.key, id);
    if (joined.role == Role::alone) return false;
    if (joined.role == Role::leader) {
      run.flies = true;
      followers_[id] = {next_call_ + 1, 0};
      require(flight_.payer(run.key) == id, "who opens a flight does not pay it");
      flight_run_[run.key] = next_call_ + 1;
      if (!run.options.game && chance(15)) leave_later(id);
      return false;
    }
    see(followed);
    pay_a_request(run);
    const std::uint32_t call = flight_run_.at(run.key);
    require(static_cast<int>(joined.frames.size()) == runs_.at(call).frames,
            "a late follower does not get the stream from its beginning");
    followers_[id] = {call, static_cast<int>(joined.frames.size())};
    if (chance(30)) leave_later(id);
    return true;
  }

  void leave_later(FollowerId id) {
    at(now_ns_ + rng_.below(3'000) * ms_ns, Kind::leave_flight, static_cast<std::uint32_t>(id));
  }

  void begin(Run run) {
    const std::uint32_t call = ++next_call_;
    std::vector<PlannedTarget> planned;
    for (std::uint32_t i = 0; i < targets_count; ++i)
      planned.push_back({(i + call) % targets_count, stops_on_disconnect((i + call))});
    run.machine =
        std::make_unique<ModelCall>(run.options, planned, run.options.game, rng_.fork(call));
    const bool own_client = !run.flies && !run.options.game;
    if (own_client && chance(10)) at(now_ns_ + rng_.below(5'000) * ms_ns, Kind::leave, call);
    if (own_client && run.options.delivery == Delivery::stream && chance(20)) {
      run.hold = std::make_unique<StreamHold>(StreamHoldOptions{.hold_ms = 3'000, .bytes_max = 64});
      at(now_ns_ + rng_.below(2'000) * ms_ns, Kind::detach, call);
    }
    Run& kept = runs_.emplace(call, std::move(run)).first->second;
    at(kept.started_ns + kept.options.deadline_ms * ms_ns, Kind::wake, call);
    feed(call, {.kind = InputKind::start});
  }

  void leave_flight(FollowerId id) {
    const auto found = followers_.find(id);
    if (found == followers_.end()) return;
    const std::uint32_t call = found->second.run;
    followers_.erase(found);
    Run& run = runs_.at(call);
    const LeftFlight left = flight_.leave(run.key, id);
    require(left.left != Left::unknown, "a follower is not known to its flight");
    if (left.left == Left::handed_over) see(handed_over);
    if (left.left != Left::last) return;
    see(last_left);
    flight_run_.erase(run.key);
    run.flies = false;
    run.client_gone = true;
    feed(call, {.kind = InputKind::client_gone});
  }

  // Whether the attempt may be made; the call may have ended meanwhile.
  void answer(const Event& event, Run& run) {
    Input input{
        .kind = InputKind::acquired,
        .attempt = event.attempt,
        .bound = {.input_tokens = input_upper, .output_tokens = output_upper, .may_think = false}};
    if (const auto denied = denials_.find(event.call); denied != denials_.end()) {
      input.kind = InputKind::denied;
      input.denial = denied->second;
      denials_.erase(denied);
    } else if (run.admitted_attempt != event.attempt) {
      return;
    }
    feed(event.call, input);
  }

  void provider_says(const Event& event, Run& run) {
    // What is under way when an attempt is cancelled arrives all the same; the machine ignores it.
    if (run.open_attempt != event.attempt) {
      Input stale{.kind = chance(50) ? InputKind::token : InputKind::finished,
                  .attempt = event.attempt};
      return feed(event.call, stale);
    }
    const simulation::TimedInput& timed = run.exchange.inputs[event.place];
    run.generated = timed.generated;
    Input input = timed.input;
    if (input.kind == InputKind::finished && run.options.delivery == Delivery::stream)
      input.good = true;
    if (event.place + 1 < run.exchange.inputs.size()) schedule(event.call, run, event.place + 1);
    if (input.kind == InputKind::failed || (input.kind == InputKind::finished && !input.good)) {
      const KeyOutlook keys =
          targets_->outlook(run.admission, input.failure, now_ns_, run.refused_keys);
      if (keys.refused) run.refused_keys.push_back(run.admission.key);
      input.another_key = keys.another;
      input.key_back_ms = keys.back_ms;
    }
    feed(event.call, input);
  }

  void schedule(std::uint32_t call, const Run& run, std::size_t place) {
    const std::int64_t before = place == 0 ? 0 : run.exchange.inputs[place - 1].after_ms;
    at(now_ns_ + (run.exchange.inputs[place].after_ms - before) * ms_ns, Kind::input, call,
       run.open_attempt, place);
  }

  void feed(std::uint32_t call, const Input& input) {
    std::vector<Action> actions;
    Run& run = runs_.at(call);
    require(now_ns_ <= run.started_ns + run.options.deadline_ms * ms_ns || run.ended ||
                input.kind == InputKind::time,
            "a call lives past its deadline");
    run.machine->step(input, now_ns_, actions);
    for (const Action& action : actions) {
      const auto found = runs_.find(call);
      if (found == runs_.end()) return fault("an action after the end");
      act(call, found->second, action);
    }
    const auto found = runs_.find(call);
    if (found == runs_.end()) return;
    if (found->second.ended) return finish_run(call, found->second);
    Run& after = found->second;
    const std::int64_t wake_ns = after.machine->next_wake_ns();
    if (wake_ns > 0 && wake_ns != after.wake_ns) at(wake_ns, Kind::wake, call);
    after.wake_ns = wake_ns;
  }

  void act(std::uint32_t call, Run& run, const Action& action) {
    require(!run.ended || action.kind == ActionKind::abandon, "an action after `ended`");
    switch (action.kind) {
      case ActionKind::acquire:
        return acquire(call, run, action);
      case ActionKind::open:
        return open(call, run, action);
      case ActionKind::cancel:
        run.open_attempt = 0;
        return;
      case ActionKind::release:
        return release(run, action);
      case ActionKind::abandon:
        return abandon(run, action);
      case ActionKind::emit:
        return emit(call, run);
      case ActionKind::deliver:
      case ActionKind::engine:
      case ActionKind::fail:
        return outcome(run, action);
      case ActionKind::deliver_late:
        see(delivered_late);
        require(run.outcomes == 1 && ++run.late == 1 && run.options.game,
                "a late answer without the engine's before it");
        return fill_cache(run);
      case ActionKind::ended:
        run.ended = true;
        return;
    }
  }

  void acquire(std::uint32_t call, Run& run, const Action& action) {
    require(run.admitted_attempt == 0, "two attempts at once");
    require(!run.emitted, "another attempt after the first token");
    const std::uint32_t target = (action.place + call) % targets_count;
    if (action.is_retry) see(retried);
    if (!action.is_retry && action.place > 0) see(fell_back);
    if (!action.is_retry) run.refused_keys.clear();
    run.admission = targets_->admit(target, action.is_retry, now_ns_, run.player, run.refused_keys);
    if (run.admission.denial != Denial::none)
      return later_denied(call, action.attempt,
                          {.retry_after_ms = (run.admission.retry_at_ns - now_ns_) / ms_ns});
    ++(action.is_retry ? retries_ : first_calls_)[target];
    ++open_[target];
    run.admitted_attempt = action.attempt;
    ask_limits(call, run);
  }

  // Answers go through the queue, so that no machine is stepped within its own step.
  void later_denied(std::uint32_t call, int attempt, CallDenial denial) {
    denials_[call] = denial;
    at(now_ns_ + answer_takes_ns(), Kind::answer, call, attempt);
  }

  std::int64_t answer_takes_ns() { return (chance(2) ? rng_.below(3'000) : rng_.below(3)) * ms_ns; }

  void abandon(Run& run, const Action& action) {
    see(abandoned_late);
    require(run.admitted_attempt == action.attempt && run.ended,
            "what is abandoned was not acquired too late");
    leave_target(run);
    if (!limiter_.cancel(run.reservation, now())) return fault("a cancelled call was not open");
    const std::vector<std::string> names = reservations_.at(run.reservation);
    for (const std::string& name : names)
      witnesses_.at(name).cancelled(run.reservation);
    reservations_.erase(run.reservation);
    carry_out_effects();
  }

  void leave_target(Run& run) {
    targets_->abandon(run.admission);
    --open_[run.admission.target];
    run.admitted_attempt = 0;
    run.waiting_attempt = 0;
  }

  void ask_limits(std::uint32_t call, Run& run) {
    const auto target = static_cast<int>(run.admission.target);
    const limits::Outcome outcome =
        reserve(run, target, run.request_counted ? 0 : 1, input_upper + output_upper,
                cost(input_upper, output_upper));
    if (outcome.verdict == limits::Verdict::waiting) {
      see(waited_for_money);
      run.waiting_attempt = run.admitted_attempt;
      waiting_.push_back(call);
      return;
    }
    run.waiting_attempt = 0;
    if (outcome.verdict == limits::Verdict::refused) {
      const int attempt = run.admitted_attempt;
      leave_target(run);
      return later_denied(call, attempt,
                          {.by_limit = outcome.refusal.scope != limits::Scope::model,
                           .status = outcome.refusal.status,
                           .retry_after_ms = outcome.refusal.retry_after_ns / ms_ns});
    }
    run.reservation = outcome.id;
    run.request_counted = true;
    at(now_ns_ + answer_takes_ns(), Kind::answer, call, run.admitted_attempt);
  }

  void money_came(std::uint32_t call) {
    Run& run = runs_.at(call);
    ask_limits(call, run);
  }

  void open(std::uint32_t call, Run& run, const Action& action) {
    ++run.opens;
    run.open_attempt = action.attempt;
    run.generated = 0;
    run.exchange = providers_[run.admission.target].exchange(action.attempt, input_upper,
                                                             output_upper, now_ns_ / ms_ns);
    require(action.total_ms <= run.options.deadline_ms, "an attempt may outlive the deadline");
    if (!run.exchange.inputs.empty()) schedule(call, run, 0);
  }

  // One of the targets' providers generates no more once its stream is closed.
  static bool stops_on_disconnect(std::uint32_t target) { return target % targets_count == 1; }

  // What the provider of an attempt that has ended bills of its output. Before anything was read of
  // a stream nobody knows what was thought.
  static std::int64_t billed(const Run& run) {
    const bool stopped = stops_on_disconnect(run.admission.target) && run.generated > 0 &&
                         run.options.delivery == Delivery::stream;
    return stopped ? run.generated : run.exchange.generated_at_end;
  }

  void release(Run& run, const Action& action) {
    require(run.admitted_attempt == action.attempt, "an attempt is released that is not open");
    ++run.releases;
    run.open_attempt = 0;
    run.admitted_attempt = 0;
    --open_[run.admission.target];
    if (action.inconclusive) {
      targets_->abandon(run.admission);
    } else {
      note_trouble(run, action);
      targets_->finish(run.admission, {action.failure, action.first_token_ms}, now_ns_);
    }
    limits::Used used;
    if (action.charge.kind != ChargeKind::nothing) {
      const llm::Usage& usage = action.charge.usage;
      used = {usage.input + usage.output, cost(usage.input, usage.output)};
      if (action.charge.kind == ChargeKind::estimated) see(estimated_charge);
      require(usage.output >= billed(run), "less output is charged than is generated");
      require(billed(run) == 0 || usage.input >= run.exchange.input_tokens,
              "less input is charged than was read");
      if (action.charge.kind == ChargeKind::reported)
        require(usage.output == run.generated && usage.input == run.exchange.input_tokens,
                "a reported usage is not what is charged");
    } else {
      require(billed(run) == 0, "what is generated is not charged");
    }
    if (rng_.below(2'000) == 0) {  // whoever should have settled is gone
      orphans_.insert(run.reservation);
      return;
    }
    settle(run.reservation, used);
  }

  void emit(std::uint32_t call, Run& run) {
    require(run.outcomes == 0, "bytes after the outcome");
    run.emitted = true;
    ++run.frames;
    const auto frame = std::make_shared<const std::string>("token of ten");
    if (run.flies)
      for (const FollowerId id : flight_.publish(run.key, frame))
        ++followers_.at(id).frames;
    if (!run.hold) return;
    const std::uint64_t sequence = run.hold->push(frame);
    if (run.hold->state() == HoldState::attached) {
      require(sequence == run.client_has + 1, "a held stream has a gap or repeats");
      run.client_has = sequence;
    } else if (run.hold->state() == HoldState::lost) {
      at(now_ns_, Kind::leave, call);
    }
  }

  void detach(std::uint32_t call, Run& run) {
    run.hold->detach(now_ns_);
    run.client_has -= std::min<std::uint64_t>(run.client_has, rng_.below(3));  // was under way
    at(now_ns_ + rng_.below(4'000) * ms_ns, Kind::resume, call);
  }

  void resume(std::uint32_t call, Run& run) {
    const Resumed back = run.hold->resume(run.client_has, now_ns_);
    if (!back.ok) {
      see(stream_lost);
      run.client_gone = true;
      return feed(call, {.kind = InputKind::client_gone});
    }
    see(resumed);
    for (const NumberedFrame& frame : back.frames)
      require(frame.sequence == ++run.client_has, "a resumed stream has a gap or repeats");
    require(run.client_has == run.hold->last_sequence(), "a resumed stream lacks its end");
  }

  void outcome(Run& run, const Action& action) {
    require(++run.outcomes == 1, "a second outcome");
    require(!run.client_gone, "an outcome for a client that left");
    const std::int64_t took_ms = (now_ns_ - run.started_ns) / ms_ns;
    require(took_ms <= run.options.deadline_ms, "an outcome after the deadline");
    if (run.options.game)
      require(took_ms <= run.options.answer_by_ms, "the game waits longer than answer_by");
    require(action.kind != ActionKind::engine || run.options.game, "the engine answers /v1");
    require(action.kind != ActionKind::fail || !run.options.game, "the game gets an error");
    if (action.kind == ActionKind::fail) see(failed_call);
    if (action.kind == ActionKind::engine) see(engine_in_time);
    if (action.kind != ActionKind::deliver) return;
    see(delivered);
    fill_cache(run);
  }

  void fill_cache(const Run& run) {
    if (!run.cacheable) return;
    cache_.put(run.key,
               std::make_shared<const std::string>(std::to_string(run.tenant) + "/" +
                                                   std::to_string(run.prompt)),
               now_ns_);
    require(cache_.entries() <= cache_entries_max, "the cache outgrows its bound");
  }

  void finish_run(std::uint32_t call, Run& run) {
    require(run.outcomes == 1 || run.client_gone, "a call ends without an outcome");
    require(run.releases == run.opens, "an attempt was not released");
    if (run.flies) {
      flight_run_.erase(run.key);
      for (const FollowerId id : flight_.finish(run.key)) {
        require(followers_.at(id).frames == run.frames, "a follower misses a part of the stream");
        followers_.erase(id);
      }
      run.flies = false;
    }
    if (run.waiting_attempt > 0) leave_target(run);
    if (run.admitted_attempt > 0) return;  // an answer of the limiter is still under way
    denials_.erase(call);
    runs_.erase(call);
  }

  // Whose call told something bad of its target, and when; "" for one that could not connect.
  void note_trouble(const Run& run, const Action& action) {
    const bool connected = !action.failure || action.failure->stage != Stage::connect;
    if (action.failure || action.first_token_ms >= breaker_slow_ms)
      troubles_[run.admission.target][connected ? run.player : ""] = now_ns_;
  }

  bool may_open(std::uint32_t target) const {
    int players = 0;
    for (const auto& [player, at_ns] : troubles_[target]) {
      if (at_ns + breaker_window_ns < now_ns_) continue;
      if (player.empty()) return true;
      ++players;
    }
    return players > static_cast<int>(colluders_max);
  }

  void check_targets() {
    for (std::uint32_t i = 0; i < targets_count; ++i) {
      require(targets_->open(i) == open_[i], "a target's open calls are miscounted");
      require(retries_[i] * 1'000 <= retry_burst * 1'000 + first_calls_[i] * retry_permille,
              "more retries than the budget allows");
      const BreakerState state = targets_->breaker(i).shared().state();
      require(targets_->breaker(i).shared().probes_out() <= static_cast<int>(colluders_max) + 1,
              "more probes than allowed");
      if (state == states_[i]) continue;
      const bool legal =
          state == BreakerState::open
              ? true
              : (state == BreakerState::half_open ? states_[i] == BreakerState::open
                                                  : states_[i] == BreakerState::half_open);
      require(legal, "a breaker walks no arrow of its table");
      if (state == BreakerState::open) {
        see(breaker_opened);
        require(states_[i] != BreakerState::closed || may_open(i),
                "two players' failures open a breaker for all");
      }
      if (state == BreakerState::closed) see(breaker_closed);
      states_[i] = state;
    }
  }

  void check_end() {
    now_ns_ += 200'000 * ms_ns;
    expire();
    drain_store();
    require(orphans_.empty() && reservations_.empty(), "a reservation was never ended");
    require(limiter_.open_reservations() == 0, "the limiter holds what has ended");
    require(runs_.empty() && denials_.empty(), "a call is left over");
    require(followers_.empty() && flight_.flights() == 0 && flight_.kept_bytes() == 0,
            "a flight is left over");
    limiter_.close_leases();
    carry_out_effects();
    drain_store();
    Picodollars players = 0;
    for (const auto& [name, witness] : witnesses_) {
      require(witness.open() == 0, "a call is still counted as open");
      if (name.compare(0, 7, "player:") == 0) players += witness.spent();
      if (!witness.rules().day_picodollars) continue;
      const Picodollars drawn =
          store_.drawn_of(name, limits::Period::day) + store_.drawn_of(name, limits::Period::month);
      const int budgets = witness.rules().month_picodollars ? 2 : 1;
      require(drawn == witness.spent() * budgets + lost_[name],
              "the store's draws are not what was spent");
    }
    require(players == ledger_, "the ledger's sum is not what the players were charged");
    for (int i = 0; i < 1'000 && limiter_.subjects() > 0; ++i)
      (void)limiter_.cancel(limiter_.reserve({}, now()).id, now());
    require(limiter_.subjects() == 0, "a subject is never forgotten");
  }
  void drain_store() {
    while (!store_queue_.empty())
      store_works();
  }

  static constexpr std::size_t cache_entries_max = 30;

  std::uint64_t seed_;
  Rng rng_;
  Tally& tally_;
  std::string fault_;
  std::int64_t now_ns_ = 1'000 * ms_ns;
  std::int64_t day_offset_s_ = 0;
  std::int64_t midnight_ns_ = 0;
  std::int64_t gap_ms_ = 10;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;

  limits::Limiter limiter_{{.subjects_max = 64, .reservations_max = 4'096}, 1};
  limits::ModelStore store_;
  std::deque<limits::StoreEffect> store_queue_;
  std::map<std::string, Picodollars> lost_;  // drawn, and the answer never came
  std::map<std::string, LimitWitness> witnesses_;
  std::map<limits::ReservationId, std::vector<std::string>> reservations_;
  std::set<limits::ReservationId> orphans_;
  std::vector<limits::Expired> expired_;
  std::vector<std::string> names_;
  std::vector<limits::Share> shares_;
  Picodollars ledger_ = 0;

  std::array<std::map<std::string, std::int64_t>, targets_count> troubles_;
  std::unique_ptr<Targets> targets_;
  std::vector<SimulatedProvider> providers_;
  std::array<BreakerState, targets_count> states_{};
  std::array<int, targets_count> open_{};
  std::array<std::int64_t, targets_count> retries_{};
  std::array<std::int64_t, targets_count> first_calls_{};

  ExactCache cache_{{.ttl_ms = 20'000, .entries_max = cache_entries_max, .bytes_max = 1 << 16}};
  SingleFlight flight_{{.followers_max = 8, .kept_bytes_max = 48}};
  std::map<CacheKey, std::uint32_t> flight_run_;
  std::map<FollowerId, Follower> followers_;
  FollowerId next_follower_ = 0;

  std::map<std::uint32_t, Run> runs_;
  std::map<std::uint32_t, CallDenial> denials_;
  std::vector<std::uint32_t> waiting_;
  std::uint32_t next_call_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t most = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  constexpr std::uint64_t failures_shown = 5;
  constexpr std::uint64_t enough_to_see_all = 200'000;
  Tally tally;
  std::uint64_t worlds = 0;
  std::uint64_t failed = 0;
  for (; tally.calls < most && failed < failures_shown; ++seed, ++worlds)
    failed += World(seed, tally).live() ? 0 : 1;
  for (int i = 0; i < seen_count; ++i) {
    std::printf("%12llu %s\n", static_cast<unsigned long long>(tally.seen[i]), seen_names[i]);
    if (most >= enough_to_see_all && tally.seen[i] == 0 && failed == 0) {
      std::printf("never seen: %s\n", seen_names[i]);
      ++failed;
    }
  }
  std::printf("%llu calls, %llu steps in %llu worlds\n%llu passed, %llu failed\n",
              static_cast<unsigned long long>(tally.calls),
              static_cast<unsigned long long>(tally.steps), static_cast<unsigned long long>(worlds),
              static_cast<unsigned long long>(worlds - std::min(worlds, failed)),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
