#include "relay/storage/memory_run_store.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace redoubt::storage {
namespace {

using runs::DueRuns;
using runs::OwnerUse;
using runs::ReadRoom;
using runs::RunKey;
using runs::RunPiece;
using runs::StoredRun;
template <class T>
using Callback = runs::Callback<T>;

/// Ended runs that one call drops to make room.
constexpr std::size_t evicted_at_once_max = 16;

template <class T>
void call_back(const Callback<T>& callback, Result<T> result) {
  if (callback) callback(std::move(result));
}

std::string joined_pieces(const std::vector<std::string>& pieces, std::size_t from) {
  return std::accumulate(pieces.begin() + static_cast<std::ptrdiff_t>(from), pieces.end(),
                         std::string());
}

}  // namespace

// --- room ---

MemoryRunStore::Rows::iterator MemoryRunStore::first_of(const auth::Identity& owner) {
  return rows_.lower_bound({owner, {}});
}

OwnerUse MemoryRunStore::use_of(const auth::Identity& owner) const {
  OwnerUse use;
  for (auto at = rows_.lower_bound({owner, {}}); at != rows_.end() && at->first.owner == owner;
       ++at) {
    use.bytes += static_cast<std::int64_t>(at->second.run.text_bytes);
    use.under_way += at->second.run.ended_ms == 0;
  }
  return use;
}

/// The newest first.
std::vector<MemoryRunStore::Rows::iterator> MemoryRunStore::ended_of(const auth::Identity& owner) {
  std::vector<Rows::iterator> ended;
  for (auto at = first_of(owner); at != rows_.end() && at->first.owner == owner; ++at)
    if (at->second.run.ended_ms > 0) ended.push_back(at);
  std::stable_sort(ended.begin(), ended.end(), [](Rows::iterator a, Rows::iterator b) {
    return a->second.run.started_ms > b->second.run.started_ms;
  });
  return ended;
}

void MemoryRunStore::forget_families(const auth::Identity& owner) {
  std::set<std::string> roots;
  for (auto at = first_of(owner); at != rows_.end() && at->first.owner == owner; ++at)
    roots.insert(at->second.run.root);
  std::erase_if(owners_[owner].families,
                [&](const auto& family) { return roots.count(family.first) == 0; });
}

/// Lets the oldest ended runs go, and says what is left.
OwnerUse MemoryRunStore::make_room(const auth::Identity& owner) {
  std::vector<Rows::iterator> ended = ended_of(owner);
  const auto most = static_cast<std::size_t>(bounds_.ended_max);
  bool dropped = false;
  const auto drop_but = [&](std::size_t kept) {
    for (std::size_t count = 0; ended.size() > kept && count < evicted_at_once_max; ++count) {
      const auto at = ended.begin() + static_cast<std::ptrdiff_t>(kept);
      rows_.erase(*at);
      ended.erase(at);
      dropped = true;
    }
  };
  drop_but(most);
  OwnerUse use = use_of(owner);
  for (std::size_t left = std::min(ended.size(), most); use.bytes > bounds_.bytes_max && left > 0;
       use = use_of(owner))
    drop_but(--left);
  if (dropped) forget_families(owner);
  return use;
}

// --- what is kept ---

Result<OwnerUse> MemoryRunStore::put_now(StoredRun run, std::int64_t epoch) {
  const RunKey key = run.key;
  Row row;
  row.pieces.push_back(std::move(run.history));
  row.snapshot = std::move(run.snapshot);
  row.snapshot_seq = run.snapshot_seq;
  row.snapshot_pieces = 1;
  run.text_bytes = run.definition.size() + row.pieces[0].size() + row.snapshot.size();
  row.run = std::move(run);
  const std::string root = row.run.root;
  const bool under_way = row.run.ended_ms == 0;
  rows_[key] = std::move(row);
  Owner& owner = owners_[key.owner];
  if (root != key.id && ++owner.families[root] > bounds_.descendants_max)
    return runs::too_many_descendants(bounds_);
  if (epoch >= 0) {
    if (owner.epochs.size() >= static_cast<std::size_t>(bounds_.imports_max))
      return runs::too_many_imports(bounds_);
    if (!owner.epochs.emplace(key.id, static_cast<std::uint32_t>(epoch)).second)
      return Error{.code = "bad_store", .message = "the bundle was imported before"};
  }
  const OwnerUse use = make_room(key.owner);
  if (use.bytes > bounds_.bytes_max) return runs::owner_full(bounds_);
  if (under_way && use.under_way > bounds_.under_way_max) return runs::too_many_runs(bounds_);
  return use;
}

void MemoryRunStore::put(StoredRun run, std::int64_t epoch, Callback<OwnerUse> callback) {
  const auth::Identity identity = run.key.owner;
  Result<OwnerUse> use = OwnerUse{};
  {
    const std::lock_guard lock(mutex_);
    // What it had before, where the run is refused.
    const auto end = [&] {
      return std::find_if(first_of(identity), rows_.end(),
                          [&](const auto& row) { return !(row.first.owner == identity); });
    };
    const Rows rows(first_of(identity), end());
    const Owner owner = owners_[identity];
    use = put_now(std::move(run), epoch);
    if (!use) {
      rows_.erase(first_of(identity), end());
      rows_.insert(rows.begin(), rows.end());
      owners_[identity] = owner;
    }
  }
  call_back(callback, std::move(use));
}

Result<OwnerUse> MemoryRunStore::append_now(RunPiece piece) {
  const auto found = rows_.find(piece.key);
  if (found == rows_.end()) return runs::unknown_run();
  Row& row = found->second;
  if (piece.number != static_cast<std::int64_t>(row.pieces.size()))
    return Error{.code = "bad_store", .message = "a piece of a run comes after the one before it"};
  row.run.status = piece.status;
  row.run.ended_ms = piece.ended_ms;
  row.run.waits = piece.waits;
  row.run.wake_ms = piece.wake_ms;
  row.run.memory_bytes = std::max(row.run.memory_bytes, piece.memory_bytes);
  row.run.text_bytes += piece.frames.size();
  row.pieces.push_back(std::move(piece.frames));
  if (piece.rests) row.recovery = Recovery::none;
  if (!piece.snapshot.empty()) {
    row.run.text_bytes += piece.snapshot.size() - row.snapshot.size();
    row.snapshot = std::move(piece.snapshot);
    row.snapshot_seq = piece.snapshot_seq;
    row.snapshot_pieces = row.pieces.size();
  }
  return piece.ended_ms > 0 ? make_room(piece.key.owner) : use_of(piece.key.owner);
}

void MemoryRunStore::append(RunPiece piece, Callback<OwnerUse> callback) {
  Result<OwnerUse> use = OwnerUse{};
  {
    const std::lock_guard lock(mutex_);
    use = append_now(std::move(piece));
  }
  call_back(callback, std::move(use));
}

void MemoryRunStore::remove(RunKey key, Callback<bool> callback) {
  bool there = false;
  {
    const std::lock_guard lock(mutex_);
    there = rows_.erase(key) > 0;
    forget_families(key.owner);
  }
  call_back(callback, Result<bool>(there));
}

// --- reading back ---

bool MemoryRunStore::due_at(const Row& row, std::int64_t now_ms) const {
  return row.run.waits && row.run.wake_ms > 0 && row.run.wake_ms <= now_ms;
}

void MemoryRunStore::begin_recovery(std::int64_t now_ms, Callback<std::vector<RunKey>> callback) {
  std::vector<RunKey> aside;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, row] : rows_) {
      switch (row.recovery) {
        case Recovery::reading:
        case Recovery::noted_again:
          row.recovery = Recovery::aside;
          aside.push_back(key);
          break;
        case Recovery::noted:
          row.recovery = Recovery::noted_again;
          break;
        case Recovery::none:
          if (row.run.ended_ms == 0 && row.run.status != "parked" &&
              (!row.run.waits || due_at(row, now_ms)))
            row.recovery = Recovery::noted;
          break;
        case Recovery::aside:
          break;
      }
    }
  }
  call_back(callback, Result<std::vector<RunKey>>(std::move(aside)));
}

void MemoryRunStore::to_recover(std::size_t count_max, Callback<std::vector<RunKey>> callback) {
  std::vector<RunKey> keys;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::pair<Recovery, std::uint64_t>, RunKey>> found;
    for (const auto& [key, row] : rows_)
      if (row.recovery == Recovery::noted || row.recovery == Recovery::noted_again)
        found.push_back({{row.recovery, row.run.text_bytes}, key});
    std::sort(found.begin(), found.end());
    for (std::size_t i = 0; i < std::min(count_max, found.size()); ++i)
      keys.push_back(found[i].second);
  }
  call_back(callback, Result<std::vector<RunKey>>(std::move(keys)));
}

void MemoryRunStore::end_recovery() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, row] : rows_)
    if (row.recovery != Recovery::aside) row.recovery = Recovery::none;
}

void MemoryRunStore::due(std::int64_t now_ms, std::size_t count_max, Callback<DueRuns> callback) {
  DueRuns due;
  {
    const std::lock_guard lock(mutex_);
    std::map<auth::Identity, std::vector<std::pair<std::int64_t, RunKey>>> by_owner;
    for (const auto& [key, row] : rows_) {
      const std::int64_t wake = row.run.waits ? row.run.wake_ms : 0;
      if (wake > now_ms && (due.next_ms == 0 || wake < due.next_ms)) due.next_ms = wake;
      if (due_at(row, now_ms) && row.run.ended_ms == 0 && row.recovery == Recovery::none &&
          row.run.status != "parked")
        by_owner[key.owner].emplace_back(wake, key);
    }
    std::vector<std::pair<std::pair<std::size_t, std::int64_t>, RunKey>> turns;
    for (auto& [owner, own] : by_owner) {
      std::sort(own.begin(), own.end());
      for (std::size_t turn = 0; turn < own.size(); ++turn)
        turns.push_back({{turn, own[turn].first}, own[turn].second});
    }
    std::sort(turns.begin(), turns.end());
    for (std::size_t i = 0; i < std::min(count_max, turns.size()); ++i)
      due.runs.push_back(turns[i].second);
  }
  call_back(callback, Result<DueRuns>(std::move(due)));
}

void MemoryRunStore::set_clock(RunKey key, std::int64_t wake_ms, Callback<void> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = rows_.find(key); found != rows_.end())
      found->second.run.wake_ms = wake_ms;
  }
  call_back(callback, Result<void>());
}

void MemoryRunStore::take(RunKey key, ReadRoom room, Callback<std::optional<StoredRun>> callback) {
  std::optional<StoredRun> taken;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = rows_.find(key); found != rows_.end()) {
      Row& row = found->second;
      taken = row.run;
      taken->set_aside = row.recovery == Recovery::aside;
      taken->unread =
          taken->needs() > room.memory_bytes_max || taken->text_bytes > room.text_bytes_max;
      if (taken->set_aside || taken->unread) {
        taken->definition.clear();
      } else {
        const bool whole = room.whole || row.snapshot.empty();
        taken->history = joined_pieces(row.pieces, whole ? 0 : row.snapshot_pieces);
        taken->pieces = static_cast<std::int64_t>(row.pieces.size());
        if (!whole) {
          taken->snapshot = row.snapshot;
          taken->snapshot_seq = row.snapshot_seq;
        }
        row.recovery = Recovery::reading;
      }
    }
  }
  call_back(callback, Result<std::optional<StoredRun>>(std::move(taken)));
}

void MemoryRunStore::release(RunKey key, std::uint64_t memory_bytes, Callback<void> callback) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.find(key);
    if (found != rows_.end() && found->second.recovery != Recovery::aside) {
      found->second.recovery = Recovery::none;
      found->second.run.memory_bytes = std::max(found->second.run.memory_bytes, memory_bytes);
    }
  }
  call_back(callback, Result<void>());
}

void MemoryRunStore::readmit(RunKey key, Callback<void> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = rows_.find(key); found != rows_.end())
      found->second.recovery = Recovery::none;
  }
  call_back(callback, Result<void>());
}

// --- what is only read ---

void MemoryRunStore::pieces(RunKey key, std::int64_t from, std::size_t bytes_max,
                            Callback<std::vector<std::string>> callback) {
  std::vector<std::string> found;
  {
    const std::lock_guard lock(mutex_);
    if (const auto row = rows_.find(key); row != rows_.end()) {
      const std::vector<std::string>& all = row->second.pieces;
      std::size_t bytes = 0;
      for (auto i = static_cast<std::size_t>(from); i < all.size() && bytes < bytes_max; ++i) {
        bytes += all[i].size();
        found.push_back(all[i]);
      }
    }
  }
  call_back(callback, Result<std::vector<std::string>>(std::move(found)));
}

void MemoryRunStore::history(RunKey key, Callback<std::string> callback) {
  std::string whole;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = rows_.find(key); found != rows_.end())
      whole = joined_pieces(found->second.pieces, 0);
  }
  call_back(callback, Result<std::string>(std::move(whole)));
}

void MemoryRunStore::epochs(RunKey key, Callback<std::vector<std::uint32_t>> callback) {
  std::vector<std::uint32_t> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, epoch] : owners_[key.owner].epochs)
      if (id == key.id) found.push_back(epoch);
  }
  call_back(callback, Result<std::vector<std::uint32_t>>(std::move(found)));
}

void MemoryRunStore::list(auth::Identity owner, Callback<std::vector<StoredRun>> callback) {
  std::vector<StoredRun> found;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = first_of(owner); at != rows_.end() && at->first.owner == owner; ++at) {
      found.push_back(at->second.run);
      found.back().definition.clear();
      found.back().set_aside = at->second.recovery == Recovery::aside;
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const StoredRun& a, const StoredRun& b) {
    return a.started_ms > b.started_ms;
  });
  call_back(callback, Result<std::vector<StoredRun>>(std::move(found)));
}

void MemoryRunStore::signing_key(workflow::SigningKey fresh,
                                 Callback<workflow::SigningKey> callback) {
  workflow::SigningKey key;
  {
    const std::lock_guard lock(mutex_);
    if (!signing_key_) signing_key_ = std::move(fresh);
    key = *signing_key_;
  }
  callback(std::move(key));
}

}  // namespace redoubt::storage
