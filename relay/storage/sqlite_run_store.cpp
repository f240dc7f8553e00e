#include "relay/storage/sqlite_run_store.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

namespace redoubt::storage {
namespace {

using runs::DueRuns;
using runs::OwnerBounds;
using runs::OwnerUse;
using runs::ReadRoom;
using runs::RunKey;
using runs::RunPiece;
using runs::StoredRun;
template <class T>
using Callback = runs::Callback<T>;

/// Ended runs that one job deletes to make room, so that no job is long.
constexpr int evicted_at_once_max = 16;
constexpr const char* columns =
    "SELECT id, limits, workflow, status, started_ms, ended_ms, root, depth, taking_up, waits, "
    "memory_bytes, bytes FROM runs ";
// Values of taking_up: 0 none, 1 being read back, 2 set aside, 3 to be read back, 4 to be read back
// for the second time, because the start before did not come to it.
constexpr std::int64_t set_aside_mark = 2;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A statement whose first parameters are the owner, and where `id` is given, the run.
Result<Statement> prepare_for(Database& database, std::string_view sql,
                              const auth::Identity& owner) {
  auto statement = database.prepare(sql);
  if (statement) statement->bind(1, owner.tenant).bind(2, owner.subject);
  return statement;
}
Result<Statement> prepare_for(Database& database, std::string_view sql, const RunKey& key) {
  auto statement = prepare_for(database, sql, key.owner);
  if (statement) statement->bind(3, key.id);
  return statement;
}
Result<void> run_for(Database& database, std::string_view sql, const RunKey& key) {
  auto statement = prepare_for(database, sql, key);
  return statement ? statement->run() : Result<void>(statement.error());
}

Result<StoredRun> read_row(const Statement& row, const auth::Identity& owner) {
  auto limits = runs::limits_of(row.text(1));
  if (!limits) return limits.error();
  StoredRun run;
  run.key = {owner, row.text(0)};
  run.limits = std::move(*limits);
  run.workflow = row.text(2);
  run.status = row.text(3);
  run.started_ms = row.integer(4);
  run.ended_ms = row.integer(5);
  run.root = row.text(6);
  run.depth = static_cast<int>(row.integer(7));
  run.set_aside = row.integer(8) == set_aside_mark;
  run.waits = row.integer(9) != 0;
  run.memory_bytes = static_cast<std::uint64_t>(row.integer(10));
  run.text_bytes = static_cast<std::uint64_t>(row.integer(11));
  return run;
}

/// Nothing where there is none.
Result<void> read_snapshot(Database& database, StoredRun& run) {
  auto row = prepare_for(database,
                         "SELECT seq, piece, snapshot FROM run_snapshots WHERE tenant = ? AND "
                         "owner = ? AND run = ?",
                         run.key);
  if (!row) return row.error();
  const auto there = row->step();
  if (!there) return there.error();
  if (!*there) return {};
  run.snapshot_seq = static_cast<std::uint64_t>(row->integer(0));
  run.pieces = row->integer(1) + 1;
  run.snapshot = text_of(row->blob(2));
  return {};
}

/// The definition, and the pieces from number `run.pieces` on.
Result<void> read_history(Database& database, StoredRun& run) {
  auto definition = prepare_for(
      database, "SELECT definition FROM run_definitions WHERE tenant = ? AND owner = ? AND run = ?",
      run.key);
  if (!definition) return definition.error();
  const auto there = definition->step();
  if (!there) return there.error();
  if (*there) run.definition = definition->text(0);
  auto rows = prepare_for(database,
                          "SELECT frames FROM run_pieces WHERE tenant = ? AND owner = ? AND "
                          "run = ? AND number >= ? ORDER BY number",
                          run.key);
  if (!rows) return rows.error();
  rows->bind(4, run.pieces);
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    run.history += text_of(rows->blob(0));
    ++run.pieces;
  }
}

Result<OwnerUse> use_of(Database& database, const auth::Identity& owner) {
  auto row = prepare_for(database,
                         "SELECT coalesce(sum(bytes), 0), count(*) FILTER (WHERE ended_ms = 0) "
                         "FROM runs WHERE tenant = ? AND owner = ?",
                         owner);
  if (!row) return row.error();
  if (const auto there = row->step(); !there) return there.error();
  return OwnerUse{row->integer(0), row->integer(1)};
}

Result<void> add_piece(Database& database, const RunKey& key, std::int64_t number,
                       const std::string& frames) {
  auto piece = prepare_for(database,
                           "INSERT INTO run_pieces (tenant, owner, run, number, frames) "
                           "VALUES (?, ?, ?, ?, ?)",
                           key);
  if (!piece) return piece.error();
  piece->bind(4, number).bind_blob(5, bytes_of(frames));
  return piece->run();
}

/// In place of the last one, after the piece of that number.
Result<void> keep_snapshot(Database& database, const RunKey& key, std::int64_t piece,
                           std::uint64_t seq, const std::string& snapshot) {
  auto more = prepare_for(database,
                          "UPDATE runs SET bytes = bytes + ?4 - coalesce((SELECT length(snapshot) "
                          "FROM run_snapshots WHERE tenant = ?1 AND owner = ?2 AND run = ?3), 0) "
                          "WHERE tenant = ?1 AND owner = ?2 AND id = ?3",
                          key);
  if (!more) return more.error();
  more->bind(4, static_cast<std::int64_t>(snapshot.size()));
  if (auto done = more->run(); !done) return done;
  auto row = prepare_for(database,
                         "INSERT OR REPLACE INTO run_snapshots (tenant, owner, run, seq, piece, "
                         "snapshot) VALUES (?, ?, ?, ?, ?, ?)",
                         key);
  if (!row) return row.error();
  row->bind(4, static_cast<std::int64_t>(seq)).bind(5, piece).bind_blob(6, bytes_of(snapshot));
  return row->run();
}

// --- room ---

Result<void> forget_families(Database& database, const auth::Identity& owner) {
  auto gone = prepare_for(database,
                          "DELETE FROM run_families WHERE tenant = ? AND owner = ? AND NOT EXISTS "
                          "(SELECT 1 FROM runs WHERE runs.tenant = run_families.tenant AND "
                          "runs.owner = run_families.owner AND runs.root = run_families.root)",
                          owner);
  return gone ? gone->run() : Result<void>(gone.error());
}

Result<void> drop_oldest_but(Database& database, const auth::Identity& owner,
                             std::int64_t kept_max) {
  auto old = prepare_for(database,
                         "DELETE FROM runs WHERE tenant = ?1 AND owner = ?2 AND id IN (SELECT id "
                         "FROM runs WHERE tenant = ?1 AND owner = ?2 AND ended_ms > 0 "
                         "ORDER BY started_ms DESC, id LIMIT ?4 OFFSET ?3)",
                         owner);
  if (!old) return old.error();
  old->bind(3, kept_max).bind(4, static_cast<std::int64_t>(evicted_at_once_max));
  return old->run();
}

Result<std::int64_t> ended_of(Database& database, const auth::Identity& owner) {
  auto row = prepare_for(
      database, "SELECT count(*) FROM runs WHERE tenant = ? AND owner = ? AND ended_ms > 0", owner);
  if (!row) return row.error();
  if (const auto there = row->step(); !there) return there.error();
  return row->integer(0);
}

/// Lets the oldest ended runs go, and says what is left.
Result<OwnerUse> make_room(Database& database, const auth::Identity& owner,
                           const OwnerBounds& bounds) {
  bool dropped = false;
  const auto ended = ended_of(database, owner);
  if (!ended) return ended.error();
  if (*ended > bounds.ended_max) {
    if (auto done = drop_oldest_but(database, owner, bounds.ended_max); !done) return done.error();
    dropped = true;
  }
  auto use = use_of(database, owner);
  for (std::int64_t left = std::min(*ended, bounds.ended_max);
       use && use->bytes > bounds.bytes_max && left > 0; use = use_of(database, owner)) {
    if (auto done = drop_oldest_but(database, owner, --left); !done) return done.error();
    dropped = true;
  }
  if (use && dropped)
    if (auto done = forget_families(database, owner); !done) return done.error();
  return use;
}

Result<void> count_descendant(Database& database, const StoredRun& run, const OwnerBounds& bounds) {
  auto row =
      prepare_for(database,
                  "INSERT INTO run_families (tenant, owner, root, runs) VALUES (?, ?, ?, 1) "
                  "ON CONFLICT (tenant, owner, root) DO UPDATE SET runs = runs + 1 RETURNING runs",
                  {run.key.owner, run.root});
  if (!row) return row.error();
  if (const auto there = row->step(); !there) return there.error();
  if (row->integer(0) <= bounds.descendants_max) return {};
  return runs::too_many_descendants(bounds);
}

Result<void> keep_epoch(Database& database, const RunKey& key, std::int64_t epoch,
                        const OwnerBounds& bounds) {
  auto count = prepare_for(
      database, "SELECT count(*) FROM run_epochs WHERE tenant = ? AND owner = ?", key.owner);
  if (!count) return count.error();
  if (const auto there = count->step(); !there) return there.error();
  if (count->integer(0) >= bounds.imports_max) return runs::too_many_imports(bounds);
  auto known = prepare_for(
      database, "INSERT INTO run_epochs (tenant, owner, run, epoch) VALUES (?, ?, ?, ?)", key);
  if (!known) return known.error();
  known->bind(4, epoch);
  return known->run();
}

Result<void> insert_run(Database& database, const StoredRun& run) {
  auto row = prepare_for(database,
                         "INSERT INTO runs (tenant, owner, id, limits, workflow, status, "
                         "started_ms, ended_ms, bytes, root, depth, taking_up, waits, wake_ms, "
                         "memory_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
                         run.key);
  if (!row) return row.error();
  row->bind(4, runs::limits_text(run.limits)).bind(5, run.workflow).bind(6, run.status);
  row->bind(7, run.started_ms).bind(8, run.ended_ms);
  row->bind(9, static_cast<std::int64_t>(run.definition.size() + run.history.size()));
  row->bind(10, run.root).bind(11, static_cast<std::int64_t>(run.depth));
  row->bind(12, static_cast<std::int64_t>(run.waits)).bind(13, run.wake_ms);
  row->bind(14, static_cast<std::int64_t>(run.memory_bytes));
  if (auto done = row->run(); !done) return done;
  auto file = prepare_for(
      database, "INSERT INTO run_definitions (tenant, owner, run, definition) VALUES (?, ?, ?, ?)",
      run.key);
  if (!file) return file.error();
  file->bind(4, run.definition);
  if (auto done = file->run(); !done) return done;
  if (auto done = add_piece(database, run.key, 0, run.history); !done) return done;
  if (run.snapshot.empty()) return {};
  return keep_snapshot(database, run.key, 0, run.snapshot_seq, run.snapshot);
}

Result<OwnerUse> put_run(Database& database, const StoredRun& run, std::int64_t epoch,
                         const OwnerBounds& bounds) {
  auto gone =
      run_for(database, "DELETE FROM runs WHERE tenant = ? AND owner = ? AND id = ?", run.key);
  if (!gone) return gone.error();
  if (auto done = insert_run(database, run); !done) return done.error();
  if (run.root != run.key.id)
    if (auto counted = count_descendant(database, run, bounds); !counted) return counted.error();
  if (epoch >= 0)
    if (auto kept = keep_epoch(database, run.key, epoch, bounds); !kept) return kept.error();
  auto use = make_room(database, run.key.owner, bounds);
  if (!use) return use;
  if (use->bytes > bounds.bytes_max) return runs::owner_full(bounds);
  if (run.ended_ms == 0 && use->under_way > bounds.under_way_max)
    return runs::too_many_runs(bounds);
  return use;
}

Result<OwnerUse> append_piece(Database& database, const RunPiece& piece,
                              const OwnerBounds& bounds) {
  auto row = prepare_for(database,
                         "UPDATE runs SET status = ?4, ended_ms = ?5, bytes = bytes + ?6, "
                         "waits = ?7, wake_ms = ?8, memory_bytes = max(memory_bytes, ?10), "
                         "taking_up = CASE WHEN ?9 THEN 0 ELSE taking_up END WHERE tenant = ?1 AND "
                         "owner = ?2 AND id = ?3",
                         piece.key);
  if (!row) return row.error();
  row->bind(7, static_cast<std::int64_t>(piece.waits)).bind(8, piece.wake_ms);
  row->bind(9, static_cast<std::int64_t>(piece.rests));
  row->bind(10, static_cast<std::int64_t>(piece.memory_bytes));
  row->bind(4, piece.status).bind(5, piece.ended_ms);
  row->bind(6, static_cast<std::int64_t>(piece.frames.size()));
  if (auto done = row->run(); !done) return done.error();
  if (database.changes() == 0) return runs::unknown_run();
  if (auto added = add_piece(database, piece.key, piece.number, piece.frames); !added)
    return added.error();
  if (!piece.snapshot.empty())
    if (auto kept =
            keep_snapshot(database, piece.key, piece.number, piece.snapshot_seq, piece.snapshot);
        !kept)
      return kept.error();
  return piece.ended_ms > 0 ? make_room(database, piece.key.owner, bounds)
                            : use_of(database, piece.key.owner);
}

// --- reading back ---

Result<std::vector<RunKey>> read_keys(Statement& rows) {
  std::vector<RunKey> keys;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return keys;
    keys.push_back({{rows.text(0), rows.text(1)}, rows.text(2)});
  }
}

Result<DueRuns> due_runs(Database& database, std::int64_t now_ms, std::size_t count_max) {
  auto rows = database.prepare(
      "SELECT tenant, owner, id FROM (SELECT tenant, owner, id, wake_ms, row_number() OVER "
      "(PARTITION BY tenant, owner ORDER BY wake_ms) AS turn FROM runs WHERE waits = 1 AND "
      "wake_ms > 0 AND wake_ms <= ? AND ended_ms = 0 AND taking_up = 0 AND status <> 'parked') "
      "ORDER BY turn, wake_ms LIMIT ?");
  if (!rows) return rows.error();
  rows->bind(1, now_ms).bind(2, static_cast<std::int64_t>(count_max));
  auto keys = read_keys(*rows);
  if (!keys) return keys.error();
  auto next = database.prepare(
      "SELECT coalesce(min(wake_ms), 0) FROM runs WHERE waits = 1 AND wake_ms > 0 AND wake_ms > ?");
  if (!next) return next.error();
  next->bind(1, now_ms);
  if (const auto there = next->step(); !there) return there.error();
  return DueRuns{std::move(*keys), next->integer(0)};
}

Result<std::vector<RunKey>> note_all(Database& database, std::int64_t now_ms) {
  auto rows = database.prepare(
      "UPDATE runs SET taking_up = 2 WHERE taking_up IN (1, 4) RETURNING tenant, owner, id");
  if (!rows) return rows.error();
  auto aside = read_keys(*rows);
  if (!aside) return aside;
  auto again = database.prepare("UPDATE runs SET taking_up = 4 WHERE taking_up = 3");
  if (!again) return again.error();
  if (auto done = again->run(); !done) return done.error();
  auto others = database.prepare(
      "UPDATE runs SET taking_up = 3 "
      "WHERE ended_ms = 0 AND (waits = 0 OR (wake_ms > 0 AND wake_ms <= ?)) AND taking_up = 0 "
      "AND status <> 'parked'");
  if (!others) return others.error();
  others->bind(1, now_ms);
  if (auto done = others->run(); !done) return done.error();
  return aside;
}

Result<std::optional<StoredRun>> take_run(Database& database, const RunKey& key,
                                          const ReadRoom& room) {
  auto rows = prepare_for(database,
                          std::string(columns) + "WHERE tenant = ? AND owner = ? AND id = ?", key);
  if (!rows) return rows.error();
  const auto there = rows->step();
  if (!there) return there.error();
  if (!*there) return std::optional<StoredRun>();
  auto run = read_row(*rows, key.owner);
  if (!run) return run.error();
  run->unread = run->needs() > room.memory_bytes_max || run->text_bytes > room.text_bytes_max;
  if (run->set_aside || run->unread) return std::optional<StoredRun>(std::move(*run));
  if (!room.whole)
    if (auto read = read_snapshot(database, *run); !read) return read.error();
  if (auto read = read_history(database, *run); !read) return read.error();
  auto marked = run_for(
      database, "UPDATE runs SET taking_up = 1 WHERE tenant = ? AND owner = ? AND id = ?", key);
  if (!marked) return marked.error();
  return std::optional<StoredRun>(std::move(*run));
}

Result<std::vector<std::string>> read_pieces(Database& database, const RunKey& key,
                                             std::int64_t from, std::size_t bytes_max) {
  auto rows = prepare_for(database,
                          "SELECT frames FROM run_pieces WHERE tenant = ? AND owner = ? AND "
                          "run = ? AND number >= ? ORDER BY number",
                          key);
  if (!rows) return rows.error();
  rows->bind(4, from);
  std::vector<std::string> pieces;
  for (std::size_t bytes = 0; bytes < bytes_max; bytes += pieces.back().size()) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    pieces.push_back(text_of(rows->blob(0)));
  }
  return pieces;
}

}  // namespace

void SqliteRunStore::put(StoredRun run, std::int64_t epoch, Callback<OwnerUse> callback) {
  auto kept = std::make_shared<const StoredRun>(std::move(run));
  transaction<OwnerUse>(
      writer_,
      [kept, epoch, bounds = bounds_](Database& database) {
        return put_run(database, *kept, epoch, bounds);
      },
      std::move(callback));
}

void SqliteRunStore::append(RunPiece piece, Callback<OwnerUse> callback) {
  auto kept = std::make_shared<const RunPiece>(std::move(piece));
  transaction<OwnerUse>(
      writer_,
      [kept, bounds = bounds_](Database& database) {
        return append_piece(database, *kept, bounds);
      },
      std::move(callback));
}

void SqliteRunStore::begin_recovery(std::int64_t now_ms, Callback<std::vector<RunKey>> callback) {
  transaction<std::vector<RunKey>>(
      writer_, [now_ms](Database& database) { return note_all(database, now_ms); },
      std::move(callback));
}

void SqliteRunStore::end_recovery() {
  transaction<void>(writer_,
                    [](Database& database) {
                      auto marked = database.prepare(
                          "UPDATE runs SET taking_up = 0 WHERE taking_up IN (1, 3, 4)");
                      return marked ? marked->run() : Result<void>(marked.error());
                    },
                    {});
}

void SqliteRunStore::to_recover(std::size_t count_max, Callback<std::vector<RunKey>> callback) {
  reads_.after_writes<std::vector<RunKey>>(
      [count_max](Database& database) -> Result<std::vector<RunKey>> {
        auto rows = database.prepare(
            "SELECT tenant, owner, id FROM runs WHERE taking_up > 2 "
            "ORDER BY taking_up, bytes LIMIT ?");
        if (!rows) return rows.error();
        rows->bind(1, static_cast<std::int64_t>(count_max));
        return read_keys(*rows);
      },
      std::move(callback));
}

void SqliteRunStore::due(std::int64_t now_ms, std::size_t count_max, Callback<DueRuns> callback) {
  reads_.after_writes<DueRuns>(
      [now_ms, count_max](Database& database) { return due_runs(database, now_ms, count_max); },
      std::move(callback));
}

void SqliteRunStore::set_clock(RunKey key, std::int64_t wake_ms, Callback<void> callback) {
  transaction<void>(
      writer_,
      [key = std::move(key), wake_ms](Database& database) {
        auto row = prepare_for(
            database, "UPDATE runs SET wake_ms = ?4 WHERE tenant = ?1 AND owner = ?2 AND id = ?3",
            key);
        if (!row) return Result<void>(row.error());
        row->bind(4, wake_ms);
        return row->run();
      },
      std::move(callback));
}

void SqliteRunStore::take(RunKey key, ReadRoom room, Callback<std::optional<StoredRun>> callback) {
  transaction<std::optional<StoredRun>>(
      writer_,
      [key = std::move(key), room](Database& database) { return take_run(database, key, room); },
      std::move(callback));
}

void SqliteRunStore::release(RunKey key, std::uint64_t memory_bytes, Callback<void> callback) {
  transaction<void>(
      writer_,
      [key = std::move(key), memory_bytes](Database& database) {
        auto row =
            prepare_for(database,
                        "UPDATE runs SET taking_up = 0, memory_bytes = max(memory_bytes, ?4) "
                        "WHERE tenant = ?1 AND owner = ?2 AND id = ?3 AND taking_up <> 2",
                        key);
        if (!row) return Result<void>(row.error());
        row->bind(4, static_cast<std::int64_t>(memory_bytes));
        return row->run();
      },
      std::move(callback));
}

void SqliteRunStore::readmit(RunKey key, Callback<void> callback) {
  transaction<void>(
      writer_,
      [key = std::move(key)](Database& database) {
        return run_for(database,
                       "UPDATE runs SET taking_up = 0 WHERE tenant = ? AND owner = ? AND id = ?",
                       key);
      },
      std::move(callback));
}

void SqliteRunStore::pieces(RunKey key, std::int64_t from, std::size_t bytes_max,
                            Callback<std::vector<std::string>> callback) {
  reads_.after_writes<std::vector<std::string>>(
      [key = std::move(key), from, bytes_max](Database& database) {
        return read_pieces(database, key, from, bytes_max);
      },
      std::move(callback));
}

void SqliteRunStore::history(RunKey key, Callback<std::string> callback) {
  reads_.after_writes<std::string>(
      [key = std::move(key)](Database& database) -> Result<std::string> {
        StoredRun run;
        run.key = key;
        if (auto read = read_history(database, run); !read) return read.error();
        return std::move(run.history);
      },
      std::move(callback));
}

void SqliteRunStore::epochs(RunKey key, Callback<std::vector<std::uint32_t>> callback) {
  reads_.after_writes<std::vector<std::uint32_t>>(
      [key = std::move(key)](Database& database) -> Result<std::vector<std::uint32_t>> {
        auto rows = prepare_for(
            database, "SELECT epoch FROM run_epochs WHERE tenant = ? AND owner = ? AND run = ?",
            key);
        if (!rows) return rows.error();
        std::vector<std::uint32_t> epochs;
        for (;;) {
          const auto row = rows->step();
          if (!row) return row.error();
          if (!*row) return epochs;
          epochs.push_back(static_cast<std::uint32_t>(rows->integer(0)));
        }
      },
      std::move(callback));
}

void SqliteRunStore::list(auth::Identity owner, Callback<std::vector<StoredRun>> callback) {
  reads_.after_writes<std::vector<StoredRun>>(
      [owner = std::move(owner),
       bounds = bounds_](Database& database) -> Result<std::vector<StoredRun>> {
        auto rows = prepare_for(database,
                                std::string(columns) +
                                    "WHERE tenant = ? AND owner = ? "
                                    "ORDER BY started_ms DESC, id LIMIT ?",
                                owner);
        if (!rows) return rows.error();
        rows->bind(3, bounds.under_way_max + bounds.ended_max + evicted_at_once_max);
        std::vector<StoredRun> runs;
        for (;;) {
          const auto row = rows->step();
          if (!row) return row.error();
          if (!*row) return runs;
          auto run = read_row(*rows, owner);
          if (!run) return run.error();
          runs.push_back(std::move(*run));
        }
      },
      std::move(callback));
}

void SqliteRunStore::remove(RunKey key, Callback<bool> callback) {
  transaction<bool>(
      writer_,
      [key = std::move(key)](Database& database) -> Result<bool> {
        auto gone =
            run_for(database, "DELETE FROM runs WHERE tenant = ? AND owner = ? AND id = ?", key);
        if (!gone) return gone.error();
        const bool there = database.changes() > 0;
        if (auto done = forget_families(database, key.owner); !done) return done.error();
        return there;
      },
      std::move(callback));
}

void SqliteRunStore::signing_key(workflow::SigningKey fresh,
                                 Callback<workflow::SigningKey> callback) {
  transaction<workflow::SigningKey>(
      writer_,
      [fresh = std::move(fresh)](Database& database) -> Result<workflow::SigningKey> {
        auto known =
            database.prepare("SELECT id, secret FROM run_signing_keys ORDER BY id LIMIT 1");
        if (!known) return known.error();
        const auto row = known->step();
        if (!row) return row.error();
        if (*row) return workflow::SigningKey{known->text(0), text_of(known->blob(1))};
        auto added = database.prepare("INSERT INTO run_signing_keys (id, secret) VALUES (?, ?)");
        if (!added) return added.error();
        added->bind(1, fresh.id).bind_blob(2, bytes_of(fresh.bytes));
        if (auto done = added->run(); !done) return done.error();
        return fresh;
      },
      std::move(callback));
}

}  // namespace redoubt::storage
