#include "relay/limits/open_lines.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::limits {
namespace {

LedgerLine ended(OpenLine open, const char* outcome, std::int64_t now_ms) {
  LedgerLine line = std::move(open.line);
  line.ended_ms = now_ms;
  line.duration_ms = std::max<std::int64_t>(0, now_ms - open.opened_ms);
  line.outcome = outcome;
  line.estimated = true;
  return line;
}

}  // namespace

LedgerLine OpenLines::add(ReservationId id, OpenLine line) {
  line.line.noted = id;
  LedgerLine note = line.line;
  note.ended_ms = line.opened_ms;
  open_[id] = std::move(line);
  return note;
}

std::vector<LedgerLine> OpenLines::expire(std::span<const Expired> expired, std::int64_t now_ms) {
  std::vector<LedgerLine> lines;
  for (const Expired& one : expired) {
    const auto found = open_.find(one.id);
    if (found == open_.end()) continue;
    found->second.line.cost = one.charged.picodollars;
    lines.push_back(ended(std::move(found->second), expired_outcome, now_ms));
    open_.erase(found);
  }
  return lines;
}

std::vector<LedgerLine> OpenLines::close(std::int64_t now_ms) {
  std::vector<std::pair<std::int64_t, ReservationId>> order;
  for (const auto& [id, open] : open_)
    order.emplace_back(open.opened_ms, id);
  std::sort(order.begin(), order.end());  // ids are unique: no ties
  std::vector<LedgerLine> lines;
  for (const auto& [opened_ms, id] : order)
    lines.push_back(ended(std::move(open_[id]), unsettled_outcome, now_ms));
  open_.clear();
  return lines;
}

}  // namespace redoubt::limits
