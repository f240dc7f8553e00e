// Limiter: every limit of every call, reserved before it and settled after it.
//
//   reserve(call, now) -> reserved, or waiting for the store's money, or refused: by which limit,
//                         and for how long
//   settle(id, used)   -> what was charged: the call ended
//   cancel(id)         -> nothing was charged: the call never went out
//   expire(now)        -> what was charged in full: nobody settled in time
//
// Laws, whatever the interleaving:
// 1. All or nothing: a call is counted on every one of its shares, or on none.
// 2. No overshoot: in any 60 s at most requests_per_minute requests and tokens_per_minute tokens of
//    a subject are reserved or used, at most concurrent_max of its calls are open, and money held
//    and spent in a UTC day or month never passes the budget. (A call that used more than its bound
//    is charged what it used; the excess is told as `overrun`.)
// 3. What was reserved and not used can be reserved again: money and concurrency at once, tokens in
//    the slot of their reservation.
// 4. Every reservation ends once: settled, cancelled or expired. A second end is an error and
//    changes nothing. One that is never ended expires and is charged in full, marked as estimated.
// 5. Subjects are bounded by subjects_max. A subject is forgotten only when it has no open call, an
//    empty window and a lease that was given back (after lease_idle_ns without a call): no debt is
//    ever forgiven, and who waits for a lease finds it. When none can be forgotten,
//    newcomers are refused.
// 6. retry_after of a window or a budget is a promise if nobody else reserves meanwhile; of
//    concurrency and of held money it is the advice to try again in a second (`promised`).
//
// Windows are on the monotonic clock, budgets on UTC. Not thread-safe: its owner holds one lock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/limits/budget_lease.hpp"
#include "relay/limits/money.hpp"
#include "relay/limits/sliding_window.hpp"

namespace redoubt::limits {

struct Instant {
  std::int64_t mono_ns = 0;
  std::int64_t unix_s = 0;
};

/// Whose limit it is. `purse` is what several share (all anonymous players), `player_part` a
/// player's part of what a model's provider takes at a time.
/// From token on, the caller's own.
enum class Scope : std::uint8_t { all, model, provider_key, token, purse, player, player_part };
std::string_view scope_name(Scope scope);

/// Limits of one subject. Absent is no limit; 0 is nothing: of requests and of open calls not one,
/// of tokens and of money no call that could use any. What 0 refuses never passes.
struct Rules {
  std::optional<std::int64_t> requests_per_minute;
  std::optional<std::int64_t> tokens_per_minute;
  std::optional<std::int64_t> concurrent_max;
  std::optional<Picodollars> day_picodollars;
  std::optional<Picodollars> month_picodollars;
};

/// One subject that a call counts on. Another attempt at the same call counts no further request
/// of the player: `requests` 0.
struct Share {
  Scope scope = Scope::player;
  std::string_view id;
  Rules rules;
  std::int64_t requests = 1;
};

struct Call {
  std::span<const Share> shares;  ///< at most shares_max, no subject twice
  std::int64_t tokens_upper = 0;
  Picodollars picodollars_upper = 0;
  std::int64_t open_ns_max = 0;  ///< after this time an unsettled reservation expires
};

enum class Limit : std::uint8_t {
  requests,
  tokens,
  concurrency,
  day_budget,
  month_budget,
  subjects,      ///< the table of subjects is full
  reservations,  ///< the table of open calls is full
  store,         ///< the store that holds the budgets does not answer
};
std::string_view limit_name(Limit limit);

struct Refusal {
  Scope scope = Scope::player;
  Limit limit = Limit::requests;
  int status = 429;  ///< 429; 402 for money; 503 for the store
  /// -1: this call never passes (it is larger than the limit itself, which may be 0).
  std::int64_t retry_after_ns = 0;
  bool promised = false;
  std::int64_t limit_value = 0;
  std::int64_t remaining = 0;  ///< of limit_value, right now
  std::int64_t reset_ns = 0;   ///< until all of limit_value is there again
};

/// The tightest of the call's limits of one kind, for the RateLimit headers.
struct Quota {
  Scope scope = Scope::player;
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  std::int64_t reset_ns = 0;
};

/// Of both kinds, where there is a limit of the kind.
struct Quotas {
  std::optional<Quota> requests;
  std::optional<Quota> tokens;
};

using ReservationId = std::uint64_t;

enum class Verdict : std::uint8_t { reserved, waiting, refused };

struct Outcome {
  Verdict verdict = Verdict::refused;
  ReservationId id = 0;
  Refusal refusal;
  Quotas quotas;
};

struct Used {
  std::int64_t tokens = 0;
  Picodollars picodollars = 0;
};

struct Settled {
  Used charged;
  Used overrun;  ///< what was used beyond the bound
};

struct Expired {
  ReservationId id = 0;
  Used charged;
};

/// A lease's effect with the subject it is for, as the store knows it ("player:ada").
struct StoreEffect {
  std::string subject;
  LeaseEffect effect;
};

struct LimiterOptions {
  std::size_t subjects_max = 32'768;
  std::size_t reservations_max = 65'536;
};

constexpr std::size_t shares_max = 7;
/// Room for the longest auth::Identity::key(): what is cut would be another's.
constexpr std::size_t subject_bytes_max = 512;
/// A lease of which nothing was asked for so long is given back, and its subject may be forgotten.
constexpr std::int64_t lease_idle_ns = 60'000'000'000;
/// Concurrency and held money come back when some call ends: the advice is to ask in a second.
constexpr std::int64_t busy_retry_ns = 1'000'000'000;

class Limiter {
 public:
  /// `hash_seed` keeps a caller from choosing names that collide in the table.
  Limiter(LimiterOptions options, std::uint64_t hash_seed);

  Outcome reserve(const Call& call, Instant now);
  Result<Settled> settle(ReservationId id, Used used, Instant now);
  Result<void> cancel(ReservationId id, Instant now);
  /// Appends what expired; at most expired_each_max at a time, so that no call pays for a sweep.
  void expire(Instant now, std::vector<Expired>& out);

  /// The tightest of the caller's own shares' limits as they are now; nothing is counted.
  Quotas quotas(std::span<const Share> shares, Instant now);

  /// What the store is to do, in order, once each. Draws are answered by lease_granted or
  /// lease_failed; after either the calls that were told `waiting` reserve again.
  std::vector<StoreEffect> take_effects();
  void lease_granted(std::string_view subject, Period period, std::int32_t index,
                     Picodollars amount);
  void lease_failed(std::string_view subject, Period period, std::int32_t index, Instant now);
  /// Gives back every lease of which nothing is held: before the relay ends.
  void close_leases();

  std::size_t subjects() const { return by_name_.size(); }
  std::size_t open_reservations() const { return by_expiry_.size(); }
  /// What is held and spent of a subject's budget in the period `index`, also by processes before
  /// this one: `drawn` is what the store has drawn of it (Ledger::drawn).
  Picodollars engaged(Scope scope, std::string_view id, Period period, std::int32_t index,
                      Picodollars drawn) const;

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr int expired_each_max = 64;

  struct Subject {
    std::string name;
    SlidingWindow requests;
    SlidingWindow tokens;
    BudgetLease day{Period::day};
    BudgetLease month{Period::month};
    std::int64_t asked_ns = 0;  ///< when a call last asked for it
    std::uint32_t open = 0;
    bool in_use = false;
  };
  /// In which period a call's money counts, -1 for none, and whether it is held there.
  struct Counted {
    std::int32_t index = -1;
    bool held = false;
  };
  struct Part {
    std::uint32_t subject = none;
    std::int64_t requests = 0;
    std::int64_t requests_slot = 0;
    std::int64_t tokens_slot = 0;
    Counted day;
    Counted month;
  };
  struct Reservation {
    std::uint32_t generation = 0;
    bool open = false;
    std::uint8_t parts_count = 0;
    std::int64_t expires_ns = 0;
    Used upper;
    std::array<Part, shares_max> parts;
  };
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const std::string& name) const;
  };

  std::uint32_t find_or_add(Scope scope, std::string_view id, std::int64_t now_ns);
  std::uint32_t add(std::string name, std::int64_t now_ns);
  void forget_some(int visits, std::int64_t now_ns);
  bool forget(std::uint32_t index, std::int64_t now_ns);
  bool windows_refuse(const Call& call, std::span<const std::uint32_t> subjects, Instant now,
                      Refusal& worst);
  HoldVerdict money_refuses(const Call& call, std::span<const std::uint32_t> subjects, Instant now,
                            Refusal& worst);
  HoldVerdict ask(std::uint32_t subject, const Share& share, Period period, Picodollars amount,
                  Instant now, Refusal& worst);
  void commit(const Call& call, std::span<const std::uint32_t> subjects, Instant now,
              Outcome& outcome);
  Quotas quotas(std::span<const Share> shares, std::span<const std::uint32_t> subjects,
                std::int64_t now_ns);
  Result<std::uint32_t> slot_of(ReservationId id) const;
  void end(std::uint32_t slot, Used used);
  void collect(std::uint32_t subject);

  LimiterOptions options_;
  std::unordered_map<std::string, std::uint32_t, Hash> by_name_;
  std::vector<Subject> subjects_;
  std::vector<std::uint32_t> free_subjects_;
  std::vector<Reservation> reservations_;
  std::vector<std::uint32_t> free_reservations_;
  std::set<std::pair<std::int64_t, std::uint32_t>> by_expiry_;  // (expires_ns, slot)
  std::vector<StoreEffect> effects_;
  std::vector<LeaseEffect> lease_effects_;  // of the subject at hand, see collect()
  std::uint32_t hand_ = 0;                  // the next subject that forget_some looks at
};

/// A subject as effects and the store name it.
std::string budget_subject(Scope scope, std::string_view id);

/// The refusal by the first limit of a share that is 0, for who is to be given what is counted as
/// less than a call. `costs`: a call of theirs could cost money.
std::optional<Refusal> refused_by_zero(std::span<const Share> shares, bool costs);

/// Values of draft-ietf-httpapi-ratelimit-headers: `"player-requests";q=60;w=60` and
/// `"player-requests";r=12;t=3`, requests and tokens in one list. Empty where there is no limit.
std::string rate_policy_header(const Quotas& quotas);
std::string rate_header(const Quotas& quotas);
/// Whole seconds, rounded up, at least 1; empty where the call never passes.
std::string retry_after_header(const Refusal& refusal);
/// One sentence: which limit of whom, and when it passes.
std::string refusal_text(const Refusal& refusal);

}  // namespace redoubt::limits
