// SqliteLedger: limits::Ledger in the tables budget_draws, model_calls and open_calls.
//
// Lines and notes gather in the writer (WriterOptions::gather), draws hurry it. Usage is read on
// the readers' connection. Callbacks come on the writer's or the reader's thread.
#pragma once

#include <atomic>

#include "relay/limits/ledger.hpp"
#include "relay/storage/reader.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::storage {

class SqliteLedger final : public limits::Ledger {
 public:
  /// Both outlive it.
  SqliteLedger(storage::Writer& writer, storage::Reader& reads) : writer_(writer), reads_(reads) {}

  void carry_out(const limits::StoreEffect& effect, limits::Granted granted) override;
  void write(limits::LedgerLine line) override;
  void note(const limits::LedgerLine& line) override;
  void forget(std::uint64_t noted) override;
  void write_lost(std::function<void(const Result<limits::LostCalls>&)> callback) override;
  void usage(auth::Identity caller, std::int64_t from_ms,
             std::function<void(Result<std::vector<limits::UsageRow>>)> callback) override;
  void drawn(std::string subject, std::int64_t now_s,
             std::function<void(Result<limits::Drawn>)> callback) override;
  std::uint64_t lines_lost() const override { return lost_.load(std::memory_order_relaxed); }

 private:
  storage::Writer& writer_;
  storage::Reader& reads_;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace redoubt::storage
