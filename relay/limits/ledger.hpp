// Ledger: where money is written down: leases drawn on budgets, and a line for each attempt.
//
// 1. A lease's draw is one transaction: it is on disk before anybody may spend it.
// 2. Lines of attempts are written behind the call, in order, at most WriterOptions::gather later;
//    where the writer's queue is full the line is lost and counted, the money is not: leases hold
//    it.
// 3. A call that is under way is noted, behind it as lines are, and its line takes the note's
// place.
//    What a process noted that died is written down at the next start as `lost`, at its bounds and
//    under the time at which it was opened, which is the period whose budget holds it. Of a death
//    within WriterOptions::gather after a call was opened the note may be missing.
// 4. Without a store (a relay without the file) draws are granted from memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/usage.hpp"
#include "relay/auth/identity.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/store/writer.hpp"

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

/// The amount that was granted; nothing where the store failed.
using Granted = std::function<void(std::optional<Picodollars>)>;

class Ledger {
 public:
  /// `writer` outlives the ledger; null: memory only.
  explicit Ledger(store::Writer* writer) : writer_(writer) {}

  /// Carries a lease's effect out; a draw's answer comes on the writer's thread, or at once.
  void carry_out(const StoreEffect& effect, Granted granted);
  void write(LedgerLine line);
  /// Notes the call `line.noted`, which was opened at `line.ended_ms`.
  void note(const LedgerLine& line);
  /// The call was never sent: its note goes.
  void forget(std::uint64_t noted);
  /// At the start, before any call: writes down what is noted of a process that died. Told on the
  /// writer's thread, where there is anything to tell.
  void write_lost(std::function<void(const Result<LostCalls>&)> told);
  /// Usage of a caller since `from_ms`, by target; told on the writer's thread or at once.
  void usage(auth::Identity caller, std::int64_t from_ms,
             std::function<void(Result<std::vector<UsageRow>>)> told);
  std::uint64_t lines_lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  store::Writer* writer_;
  std::atomic<std::uint64_t> lost_{0};
  std::mutex mutex_;
  std::map<std::string, Picodollars> drawn_;  // without a store
};

}  // namespace redoubt::limits
