// Database: SQLite behind three values: Database, Statement, Transaction.
//
// 1. Nothing throws: a failure is an Error with code bad_store (what SQLite said, and the file) or
//    store_busy (another process held the lock for longer than busy_ms_max).
// 2. A Database is used by one thread at a time and outlives its Statements and Transactions.
// 3. The file is this program's own: it carries application_id, so that no other program's database
//    is taken for ours; it and its -wal and -shm are readable by their owner alone (0600).
// 4. Journal: WAL. A commit is on disk when it returns (synchronous = FULL): money and keys are in
//    here. Foreign keys are enforced.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace redoubt::storage {

/// "Redb" in ASCII: PRAGMA application_id of our files.
constexpr std::int32_t application_id = 0x52656462;
/// Statements that kept() holds: the program's own texts, a handful.
constexpr std::size_t kept_statements_max = 32;
/// How long a statement waits for another process's lock.
constexpr int busy_ms_max = 5'000;
/// The name that opens a database in memory, which ends with the process.
constexpr std::string_view in_memory = ":memory:";

class Statement;

/// Why a file cannot be written to or read, whatever was asked of it.
enum class StoreFault : std::uint8_t {
  none,
  busy,       ///< another process holds its lock
  full,       ///< no room on the disk, or in the file
  read_only,  ///< it, its folder or its file system may not be written to
  io,         ///< the system could not read or write
  damaged,    ///< it is no database of ours any more
};
/// "store_full": for people and programs, without a path.
std::string_view fault_name(StoreFault fault);

class Database {
 public:
  /// Opens or creates the file. Refused with what is wrong: a file of another program, a damaged
  /// one (PRAGMA quick_check), one that others may read and that is not ours to change, a folder
  /// that cannot be written.
  static Result<Database> open(const std::string& path);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Runs one or more statements without parameters and rows.
  Result<void> execute(const std::string& sql);
  /// Compiles exactly one statement.
  Result<Statement> prepare(std::string_view sql);
  /// The same statement each time, compiled once: for constant SQL that runs often and gives no
  /// rows (Statement::run leaves it as it was). It lives as long as the database is not moved.
  Result<Statement*> kept(std::string_view sql);
  /// The first column of the first row of a statement that has one.
  Result<std::int64_t> integer(std::string_view sql);
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  const std::string& path() const { return path_; }

  /// The Error of SQLite's last result, for `doing`: "opening", "adding a key".
  Error fault(std::string_view doing) const;
  /// The last of the file's own faults since this was asked.
  StoreFault take_fault() { return std::exchange(fault_, StoreFault::none); }
  /// Rows that were changed since it was opened.
  std::int64_t changes_total() const;
  /// Writes the file's header as it is: a write that changes nothing.
  Result<void> touch();
  /// Has the file's disk so much room? Also where nobody can say.
  bool has_room(std::uint64_t bytes) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Kept;
  Database(std::string path, sqlite3* handle);

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::vector<Kept> kept_;  ///< after the handle: they end first
  mutable StoreFault fault_ = StoreFault::none;
};

/// One compiled statement. Parameters are bound by position, from 1; a statement may be run again
/// after reset(). The database that prepared it must not have been moved since.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  // A failed bind is remembered and comes out of the next step().
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind_blob(int parameter, std::span<const std::uint8_t> bytes);
  Statement& bind_null(int parameter);

  /// true: a row stands ready; false: done.
  Result<bool> step();
  /// Runs a statement that gives no rows, and resets it.
  Result<void> run();
  void reset();

  // Columns of the row, from 0; a value of another type is converted as SQLite does.
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  /// Valid until the next step() or reset().
  std::span<const std::uint8_t> blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const;
  };
  Statement(const Database* database, sqlite3_stmt* handle)
      : database_(database), handle_(handle) {}

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int bind_fault_ = 0;
};

/// BEGIN IMMEDIATE ... COMMIT; rolls back unless commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  ///< null once committed or moved from
};

}  // namespace redoubt::storage
