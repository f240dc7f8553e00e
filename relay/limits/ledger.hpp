// Ledger: where money is written down: leases drawn on budgets, and a line for each attempt.
//
// 1. A lease's draw is one transaction: it is durable before anybody may spend it.
// 2. Lines of attempts are written behind the call, in order. A line that the store has no room
//    for is lost and counted; the money is not: leases hold it.
// 3. A call that is under way is noted, behind it as lines are, and its line replaces the note.
//    What a process noted that died is written down at the next start as `lost`, at its bounds and
//    under the time at which it was opened, which is the period whose budget holds it. The note of
//    a call that was opened just before a death may be missing.
//
// The port of relay/storage's adapters; tests/relay/storage has the suite that each of them passes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/usage.hpp"
#include "relay/auth/identity.hpp"
#include "relay/limits/limiter.hpp"

namespace redoubt::limits {

/// One attempt, as it is kept.
struct LedgerLine {
  std::int64_t ended_ms = 0;  ///< since 1970
  std::string request_id;
  auth::Identity identity;
  std::string target;
  std::string key;
  std::string outcome;  ///< "ok", "client_gone", "expired", "unsettled", "lost", or the failure's
                        ///< class
  llm::Usage usage;
  Picodollars cost = 0;
  bool estimated = false;
  std::int64_t first_token_ms = 0;
  std::int64_t duration_ms = 0;
  std::uint64_t noted = 0;  ///< the note that the line takes the place of; 0: none
};

/// What of a process that died was written down.
struct LostCalls {
  std::int64_t calls = 0;
  Picodollars cost = 0;
};

/// What was used by one caller and model since a moment.
struct UsageRow {
  std::string target;
  std::int64_t calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  Picodollars cost = 0;
};

/// Lines of a caller's usage that are read at most.
constexpr std::size_t usage_rows_max = 256;

/// What is drawn of a subject's budgets of a day and of its month.
struct Drawn {
  Picodollars day = 0;
  Picodollars month = 0;
};

/// What the effect makes of `drawn`; returns the amount that it grants.
Picodollars apply(const LeaseEffect& effect, Picodollars& drawn);

/// The amount that was granted; nothing where the store failed.
using Granted = std::function<void(std::optional<Picodollars>)>;

/// Callbacks come once, at once or later and on any thread; they must be quick and not throw.
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// Carries a lease's effect out.
  virtual void carry_out(const StoreEffect& effect, Granted granted) = 0;
  virtual void write(LedgerLine line) = 0;
  /// Notes the call `line.noted`, which was opened at `line.ended_ms`.
  virtual void note(const LedgerLine& line) = 0;
  /// The call was never sent: its note goes.
  virtual void forget(std::uint64_t noted) = 0;
  /// At the start, before any call: writes down what is noted of a process that died. Called back
  /// only where there is anything to tell.
  virtual void write_lost(std::function<void(const Result<LostCalls>&)> callback) = 0;
  /// Usage of a caller since `from_ms` by target, in the targets' order, usage_rows_max at most;
  /// with every line that was written before.
  virtual void usage(auth::Identity caller, std::int64_t from_ms,
                     std::function<void(Result<std::vector<UsageRow>>)> callback) = 0;
  /// What is drawn for the subject (budget_subject) in the day and the month of `now_s`, since
  /// 1970; with every draw that was answered before.
  virtual void drawn(std::string subject, std::int64_t now_s,
                     std::function<void(Result<Drawn>)> callback) = 0;
  virtual std::uint64_t lines_lost() const = 0;
};

}  // namespace redoubt::limits
