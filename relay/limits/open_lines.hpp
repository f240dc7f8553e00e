// OpenLines: what the ledger is to say of reservations that are open, should nobody settle them.
//
//   add    -> a call reserved: its line, charged in full, waits
//   take   -> it was settled or cancelled: its line goes (what is written of it comes from the
//   call) expire -> nobody settled in time: its line is to be written, as an estimate close  -> the
//   relay ends: what is still open counts as spent, so all lines are to be written
//
// 1. A reservation has one line at most, whichever way it ends; who settles too late finds that its
//    line was taken already and writes none.
// 2. As many lines as there are open reservations (LimiterOptions::reservations_max).
// Not thread-safe.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "relay/limits/ledger.hpp"
#include "relay/limits/limiter.hpp"

namespace redoubt::limits {

/// Why a line was written though nobody settled: its outcome.
constexpr const char* expired_outcome = "expired";
constexpr const char* unsettled_outcome = "unsettled";

/// The line of a call that holds a reservation: what can be told of it before it ends. Its usage
/// and cost are the bounds that were reserved.
struct OpenLine {
  LedgerLine line;
  std::int64_t opened_ms = 0;  ///< since 1970
};

class OpenLines {
 public:
  /// What the ledger notes of it meanwhile.
  LedgerLine add(ReservationId id, OpenLine line);
  /// False where it expired before.
  bool take(ReservationId id) { return open_.erase(id) > 0; }
  /// Lines of what expired, in its order.
  std::vector<LedgerLine> expire(std::span<const Expired> expired, std::int64_t now_ms);
  /// All that are left, in the order in which they were opened.
  std::vector<LedgerLine> close(std::int64_t now_ms);
  std::size_t size() const { return open_.size(); }

 private:
  std::unordered_map<ReservationId, OpenLine> open_;
};

}  // namespace redoubt::limits
