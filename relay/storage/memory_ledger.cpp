#include "relay/storage/memory_ledger.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::storage {

void MemoryLedger::carry_out(const limits::StoreEffect& effect, limits::Granted granted) {
  const std::string period = limits::period_name(effect.effect.period, effect.effect.index);
  limits::Picodollars amount = 0;
  {
    const std::lock_guard lock(mutex_);
    amount = limits::apply(effect.effect, drawn_[effect.subject + " " + period]);
  }
  granted(amount);
}

void MemoryLedger::write(limits::LedgerLine line) {
  const std::lock_guard lock(mutex_);
  notes_.erase(line.noted);
  keep(std::move(line));
}

void MemoryLedger::note(const limits::LedgerLine& line) {
  const std::lock_guard lock(mutex_);
  notes_[line.noted] = line;
}

void MemoryLedger::forget(std::uint64_t noted) {
  const std::lock_guard lock(mutex_);
  notes_.erase(noted);
}

void MemoryLedger::write_lost(std::function<void(const Result<limits::LostCalls>&)> callback) {
  limits::LostCalls lost;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, line] : std::exchange(notes_, {})) {
      ++lost.calls;
      lost.cost = limits::add_saturated(lost.cost, line.cost);
      line.outcome = "lost";
      line.estimated = true;
      keep(std::move(line));
    }
  }
  if (lost.calls > 0) callback(lost);
}

void MemoryLedger::usage(auth::Identity caller, std::int64_t from_ms,
                         std::function<void(Result<std::vector<limits::UsageRow>>)> callback) {
  std::map<std::string, limits::UsageRow> by_target;
  {
    const std::lock_guard lock(mutex_);
    for (const limits::LedgerLine& line : lines_) {
      if (line.identity != caller || line.ended_ms < from_ms) continue;
      limits::UsageRow& row = by_target[line.target];
      row.target = line.target;
      ++row.calls;
      row.input_tokens += line.usage.input;
      row.output_tokens += line.usage.output;
      row.cost = limits::add_saturated(row.cost, line.cost);
    }
  }
  std::vector<limits::UsageRow> rows;
  for (auto& [target, row] : by_target) {
    if (rows.size() == limits::usage_rows_max) break;
    rows.push_back(std::move(row));
  }
  callback(std::move(rows));
}

void MemoryLedger::drawn(std::string subject, std::int64_t now_s,
                         std::function<void(Result<limits::Drawn>)> callback) {
  limits::Drawn drawn;
  {
    const std::lock_guard lock(mutex_);
    const auto in = [&](limits::Period period) {
      const std::string name = limits::period_name(period, limits::period_of(period, now_s));
      const auto found = drawn_.find(subject + " " + name);
      return found == drawn_.end() ? limits::Picodollars{0} : found->second;
    };
    drawn = {in(limits::Period::day), in(limits::Period::month)};
  }
  callback(drawn);
}

void MemoryLedger::keep(limits::LedgerLine line) {
  if (lines_.size() == lines_max) lines_.pop_front();
  lines_.push_back(std::move(line));
}

}  // namespace redoubt::storage
