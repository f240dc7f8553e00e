// SqliteRunStore: runs::RunStore in the tables runs, run_definitions, run_pieces, run_snapshots,
// run_families, run_epochs and run_signing_keys.
//
// What changes is a job of the writer, what only reads is done on the readers' connection.
// Callbacks come on the thread of the one or the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/services/runs/run_store.hpp"
#include "relay/storage/reader.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::storage {

class SqliteRunStore final : public runs::RunStore {
 public:
  /// Both outlive it.
  SqliteRunStore(Writer& writer, Reader& reads, runs::OwnerBounds bounds = {})
      : writer_(writer), reads_(reads), bounds_(bounds) {}

  const runs::OwnerBounds& bounds() const override { return bounds_; }
  void put(runs::StoredRun run, std::int64_t epoch,
           runs::Callback<runs::OwnerUse> callback) override;
  void append(runs::RunPiece piece, runs::Callback<runs::OwnerUse> callback) override;
  void begin_recovery(std::int64_t now_ms,
                      runs::Callback<std::vector<runs::RunKey>> callback) override;
  void to_recover(std::size_t count_max,
                  runs::Callback<std::vector<runs::RunKey>> callback) override;
  void end_recovery() override;
  void due(std::int64_t now_ms, std::size_t count_max,
           runs::Callback<runs::DueRuns> callback) override;
  void set_clock(runs::RunKey key, std::int64_t wake_ms, runs::Callback<void> callback) override;
  void take(runs::RunKey key, runs::ReadRoom room,
            runs::Callback<std::optional<runs::StoredRun>> callback) override;
  void release(runs::RunKey key, std::uint64_t memory_bytes,
               runs::Callback<void> callback) override;
  void readmit(runs::RunKey key, runs::Callback<void> callback) override;
  void pieces(runs::RunKey key, std::int64_t from, std::size_t bytes_max,
              runs::Callback<std::vector<std::string>> callback) override;
  void history(runs::RunKey key, runs::Callback<std::string> callback) override;
  void epochs(runs::RunKey key, runs::Callback<std::vector<std::uint32_t>> callback) override;
  void list(auth::Identity owner, runs::Callback<std::vector<runs::StoredRun>> callback) override;
  void remove(runs::RunKey key, runs::Callback<bool> callback) override;
  void signing_key(workflow::SigningKey fresh,
                   runs::Callback<workflow::SigningKey> callback) override;

 private:
  Writer& writer_;
  Reader& reads_;
  const runs::OwnerBounds bounds_;
};

}  // namespace redoubt::storage
