// Migrations: how a store's tables come to be, as numbered steps that only go forward.
//
// 1. Step n is applied once, in its own transaction, after step n - 1; the table `migrations` says
//    which were.
// 2. A step that was applied never changes: its SQL is kept as a hash, and a store whose hash
//    differs is refused. What must change is a new step.
// 3. A store with a step that this program does not know was written by a newer one: refused.
//
// To add tables: a file relay/storage/migrations/NNN_name.sql, and its line in migrations.cpp.
#pragma once

#include <span>
#include <string_view>

#include "engine/base/result.hpp"
#include "relay/storage/database.hpp"

namespace redoubt::storage {

struct Migration {
  int number = 0;  ///< 1, 2, 3, ... without gaps
  std::string_view name;
  std::string_view sql;
};

/// The steps of this program.
std::span<const Migration> migrations();

/// How many of the steps the store has; 0 for a new one. Errors: a step that is not ours.
Result<int> applied_migrations(Database& database, std::span<const Migration> steps);

/// Brings the store to the last step. On an error the store stays at the last step that succeeded.
Result<void> migrate(Database& database, std::span<const Migration> steps);

/// Database::open and migrate: what everybody who uses the store calls.
Result<Database> open(const std::string& path);

}  // namespace redoubt::storage
