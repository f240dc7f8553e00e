#include "relay/storage/migrations.hpp"

#include <array>
#include <string>

#include "engine/base/hash64.hpp"

namespace redoubt::data {
extern const std::string_view migration_001_sealed_keys;
extern const std::string_view migration_002_ledger;
extern const std::string_view migration_003_runs;
extern const std::string_view migration_004_kept_answers;
extern const std::string_view migration_005_memories;
extern const std::string_view migration_006_key_weights;
extern const std::string_view migration_007_budgets_of_tenants;
extern const std::string_view migration_008_run_owners;
extern const std::string_view migration_009_open_calls;
extern const std::string_view migration_010_waiting_runs;
extern const std::string_view migration_011_run_memory;
extern const std::string_view migration_012_unweighed_runs;
extern const std::string_view migration_013_run_snapshots;
}  // namespace redoubt::data

namespace redoubt::storage {
namespace {

const std::array<Migration, 13> all{{
    {1, "sealed_keys", data::migration_001_sealed_keys},
    {2, "ledger", data::migration_002_ledger},
    {3, "runs", data::migration_003_runs},
    {4, "kept_answers", data::migration_004_kept_answers},
    {5, "memories", data::migration_005_memories},
    {6, "key_weights", data::migration_006_key_weights},
    {7, "budgets_of_tenants", data::migration_007_budgets_of_tenants},
    {8, "run_owners", data::migration_008_run_owners},
    {9, "open_calls", data::migration_009_open_calls},
    {10, "waiting_runs", data::migration_010_waiting_runs},
    {11, "run_memory", data::migration_011_run_memory},
    {12, "unweighed_runs", data::migration_012_unweighed_runs},
    {13, "run_snapshots", data::migration_013_run_snapshots},
}};

constexpr const char* ledger =
    "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " hash TEXT NOT NULL) STRICT";

std::string hash_of(std::string_view sql) {
  Hash64 hash;
  hash.add_bytes(sql);
  return hex16(hash.value());
}

Error refuse(const Database& database, std::string message) {
  Error error{.code = "bad_store", .path = database.path()};
  error.message = database.path() + ": " + std::move(message);
  return error;
}

// How many steps the store has, each compared with ours.
Result<int> applied(Database& database, std::span<const Migration> steps) {
  auto rows = database.prepare("SELECT number, name, hash FROM migrations ORDER BY number");
  if (!rows) return rows.error();
  int count = 0;
  while (true) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return count;
    const std::string shown = std::to_string(rows->integer(0)) + " (" + rows->text(1) + ")";
    if (count >= static_cast<int>(steps.size())) {
      return refuse(database, "written by a newer version of this program: its migration " + shown +
                                  " is unknown here; start that version");
    }
    const Migration& step = steps[static_cast<std::size_t>(count)];
    if (rows->integer(0) != step.number || rows->text(2) != hash_of(step.sql)) {
      return refuse(database, "its migration " + shown + " is not this program's migration " +
                                  std::to_string(step.number));
    }
    ++count;
  }
}

Result<void> apply(Database& database, const Migration& step) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  // Another process may have been quicker since the steps were counted.
  const auto last = database.integer("SELECT count(*) FROM migrations");
  if (!last) return last.error();
  if (*last >= step.number) return {};
  if (auto done = database.execute(std::string(step.sql)); !done) return done;
  auto note = database.prepare("INSERT INTO migrations (number, name, hash) VALUES (?, ?, ?)");
  if (!note) return note.error();
  note->bind(1, step.number).bind(2, step.name).bind(3, hash_of(step.sql));
  if (auto done = note->run(); !done) return done;
  return transaction->commit();
}

}  // namespace

std::span<const Migration> migrations() {
  return all;
}

Result<int> applied_migrations(Database& database, std::span<const Migration> steps) {
  const auto tables =
      database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'");
  if (!tables) return tables.error();
  if (*tables == 0) return 0;
  return applied(database, steps);
}

Result<void> migrate(Database& database, std::span<const Migration> steps) {
  if (auto made = database.execute(ledger); !made) return made;
  const auto count = applied(database, steps);
  if (!count) return count.error();
  for (const Migration& step : steps.subspan(static_cast<std::size_t>(*count))) {
    if (auto done = apply(database, step); !done) {
      Error error = done.error();
      error.message += " (migration " + std::to_string(step.number) + ", " +
                       std::string(step.name) + "; nothing of it was kept)";
      return error;
    }
  }
  return {};
}

Result<Database> open(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return database;
  if (auto migrated = migrate(*database, migrations()); !migrated) return migrated.error();
  return database;
}

}  // namespace redoubt::storage
