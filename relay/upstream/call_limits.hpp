// CallLimits: what all calls share, behind one small lock: each target's keys, breaker and places;
// limits, budgets and their leases; what the ledger is to say of each reservation that is open.
//
// 1. An admission ends once, by finish() or abandon(); a reservation by settle() or abandon(), or
// it
//    expires: then it was charged in full and its line is written.
// 2. Nothing calls out under the lock: the ledger, and who waits for money, are told after it.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/rng.hpp"
#include "relay/limits/open_lines.hpp"
#include "relay/upstream/call_maker.hpp"
#include "relay/upstream/route_plans.hpp"

namespace redoubt::upstream {

/// The operator's rules of a player with those of the player's own token: the stricter of two.
limits::Rules with_own(limits::Rules rules, const auth::CallerLimits& own);

llm::ChatFailure limit_failure(const limits::Refusal& refusal,
                               limits::PromptReserved prompt = limits::PromptReserved::by_size);
/// -1: it never passes.
std::int64_t retry_after_ms(const limits::Refusal& refusal);

/// What an attempt asks of the limits, and of whom.
struct Asked {
  std::string_view request_id;
  const auth::Identity* identity = nullptr;
  std::string_view player;  ///< identity->key(), as the limits know it
  std::string_view part;    ///< and it at this target
  const auth::CallerLimits* own = nullptr;
  std::uint32_t target = 0;
  std::string_view key;
  AttemptBound bound;
  std::int64_t open_ns_max = 0;
  std::int64_t requests = 1;
};

/// Waits for money that is being drawn.
class MoneyWaiter {
 public:
  virtual ~MoneyWaiter() = default;
  virtual const net::Executor& shard() const = 0;
  /// The store answered a draw: the reservation can be tried again. On its shard.
  virtual void money_came() = 0;
};

class CallLimits {
 public:
  /// All outlive it.
  CallLimits(const GatewayOptions& options, const RoutePlans& plans, const auth::CurrentKeys& keys,
             limits::Ledger& ledger, std::uint64_t seed);

  /// Takes the keys that the key ring has now.
  void reload_keys();
  /// Of a new call.
  Rng next_rng();

  Admission admit(std::uint32_t target, bool is_retry, std::string_view caller,
                  std::span<const std::uint32_t> refused_keys);
  std::string key_name(const Admission& admission);
  KeyOutlook key_outlook(const Admission& admission, const Failure& failure,
                         std::span<const std::uint32_t> refused_keys);
  void finish(const Admission& admission, const AttemptResult& result);
  void abandon(const Admission& admission, std::optional<limits::ReservationId> reservation);

  limits::Quotas quotas(const Asked& asked);
  /// Where money is still to be drawn, `waiter` is told when it came.
  limits::Outcome reserve(const Asked& asked, const std::shared_ptr<MoneyWaiter>& waiter);
  /// Nothing where it expired before: everything was charged and written down then.
  std::optional<limits::Settled> settle(limits::ReservationId id, limits::Used used);

  /// As CallMaker has them.
  CallMaker::Counted count_request(const Order& order);
  std::optional<CallRefusal> refused_by_zero(const Order& order) const;
  /// As Gateway has it.
  Gateway::Spent spent(const auth::Identity& caller, const auth::CallerLimits& own,
                       const limits::Drawn& drawn, std::int64_t now_s);
  void close();

 private:
  /// Whom a call counts on; views into what was asked.
  struct Shares {
    std::array<limits::Share, limits::shares_max> list;
    std::size_t count = 0;
    void add(limits::Share share) { list[count++] = share; }
    std::span<const limits::Share> span() const { return {list.data(), count}; }
  };
  Shares shares_of(const Asked& asked) const;
  /// Of the caller alone, whatever target is called; `player` is identity.key(), and is kept alive.
  Shares callers_shares(const Order& order, std::string_view player) const;
  limits::OpenLine open_line(const Asked& asked, limits::Picodollars upper) const;
  std::vector<limits::LedgerLine> expire_locked();
  std::vector<limits::StoreEffect> take_effects_locked() { return limiter_.take_effects(); }
  void write_unsettled(std::vector<limits::LedgerLine> lines);
  void carry_out(std::vector<limits::StoreEffect> effects);
  void wake_waiting();

  const GatewayOptions& options_;
  const RoutePlans& plans_;
  const auth::CurrentKeys& keys_;
  limits::Ledger& ledger_;

  std::mutex mutex_;  // what follows
  Targets targets_;
  limits::Limiter limiter_;
  limits::OpenLines open_lines_;
  Rng rng_;
  std::vector<std::weak_ptr<MoneyWaiter>> waiting_;
};

}  // namespace redoubt::upstream
