// MemoryLedger: limits::Ledger that ends with the process.
//
// Draws are granted at once and every callback comes before its call returns. Of lines the newest
// lines_max are kept.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "relay/limits/ledger.hpp"

namespace redoubt::storage {

class MemoryLedger final : public limits::Ledger {
 public:
  static constexpr std::size_t lines_max = 4'096;

  void carry_out(const limits::StoreEffect& effect, limits::Granted granted) override;
  void write(limits::LedgerLine line) override;
  void note(const limits::LedgerLine& line) override;
  void forget(std::uint64_t noted) override;
  void write_lost(std::function<void(const Result<limits::LostCalls>&)> callback) override;
  void usage(auth::Identity caller, std::int64_t from_ms,
             std::function<void(Result<std::vector<limits::UsageRow>>)> callback) override;
  void drawn(std::string subject, std::int64_t now_s,
             std::function<void(Result<limits::Drawn>)> callback) override;
  std::uint64_t lines_lost() const override { return 0; }

 private:
  void keep(limits::LedgerLine line);

  std::mutex mutex_;
  std::map<std::string, limits::Picodollars> drawn_;
  std::deque<limits::LedgerLine> lines_;
  std::map<std::uint64_t, limits::LedgerLine> notes_;
};

}  // namespace redoubt::storage
