// MemoryRunStore: runs::RunStore in memory, for tests. Calls back at once. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "relay/services/runs/run_store.hpp"

namespace redoubt::storage {

class MemoryRunStore final : public runs::RunStore {
 public:
  explicit MemoryRunStore(runs::OwnerBounds bounds = {}) : bounds_(bounds) {}

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
  /// What a start does with a run.
  enum class Recovery : std::uint8_t { none, reading, noted, noted_again, aside };
  struct Row {
    runs::StoredRun run;  ///< its history and snapshot apart
    Recovery recovery = Recovery::none;
    std::vector<std::string> pieces;
    std::string snapshot;
    std::uint64_t snapshot_seq = 0;
    std::size_t snapshot_pieces = 0;  ///< that it stands for
  };
  /// What is remembered of an owner's runs that may be gone.
  struct Owner {
    std::map<std::string, std::int64_t> families;  ///< descendants, by root
    std::set<std::pair<std::string, std::uint32_t>> epochs;
  };
  using Rows = std::map<runs::RunKey, Row>;

  Result<runs::OwnerUse> put_now(runs::StoredRun run, std::int64_t epoch);
  Result<runs::OwnerUse> append_now(runs::RunPiece piece);
  runs::OwnerUse use_of(const auth::Identity& owner) const;
  runs::OwnerUse make_room(const auth::Identity& owner);
  std::vector<Rows::iterator> ended_of(const auth::Identity& owner);
  void forget_families(const auth::Identity& owner);
  Rows::iterator first_of(const auth::Identity& owner);
  bool due_at(const Row& row, std::int64_t now_ms) const;

  const runs::OwnerBounds bounds_;
  std::mutex mutex_;
  Rows rows_;
  std::map<auth::Identity, Owner> owners_;
  std::optional<workflow::SigningKey> signing_key_;
};

}  // namespace redoubt::storage
