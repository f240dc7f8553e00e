#include "relay/storage/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace redoubt::storage {
namespace {

constexpr mode_t others = S_IRWXG | S_IRWXO;
// It stands in the file's header.
constexpr const char* write_application_id = "PRAGMA application_id = ";

StoreFault class_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StoreFault::busy;
    case SQLITE_FULL:
      return StoreFault::full;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return StoreFault::read_only;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return StoreFault::io;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return StoreFault::damaged;
    default:
      return StoreFault::none;
  }
}

Error fault_of(const std::string& path, std::string_view doing, std::string_view said) {
  Error error{.code = "bad_store", .path = path};
  error.message = path + ": " + std::string(doing) + ": " + std::string(said);
  return error;
}

// SQLite makes its -wal and -shm with the mode of the file, so the file is made before it. One that
// exists is not opened here: closing it would end the locks that this process holds on it for
// another connection (POSIX), and a second process would take the write-ahead log away.
Result<void> make_private(const std::string& path) {
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    ::close(made);
    return {};
  }
  const int reason = errno;
  struct stat status {};
  const bool exists = reason == EEXIST && lstat(path.c_str(), &status) == 0;
  if (!exists) return fault_of(path, "opening the store", std::strerror(reason));
  if (!S_ISREG(status.st_mode)) return fault_of(path, "opening the store", "not a file");
  const bool is_private = (status.st_mode & others) == 0;
  if (!is_private && chmod(path.c_str(), 0600) != 0) {
    return fault_of(path, "opening the store",
                    "others may read it, and its mode cannot be changed to 0600");
  }
  return {};
}

Result<void> check_file(Database& database) {
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const auto id = database.integer("PRAGMA application_id");
  if (!id) return id.error();
  if (*tables > 0 && *id != application_id) {
    return fault_of(database.path(), "opening the store", "the database of another program");
  }
  auto check = database.prepare("PRAGMA quick_check(1)");
  if (!check) return check.error();
  const auto row = check->step();
  if (!row) return row.error();
  const std::string verdict = *row ? check->text(0) : "no answer";
  if (verdict != "ok") return fault_of(database.path(), "checking the store", verdict);
  return {};
}

Result<void> configure(Database& database) {
  if (auto checked = check_file(database); !checked) return checked;
  return database.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;" +
      (write_application_id + std::to_string(application_id)));
}

}  // namespace

std::string_view fault_name(StoreFault fault) {
  constexpr std::array<std::string_view, 6> names{
      "none", "store_busy", "store_full", "store_read_only", "store_io", "store_damaged"};
  return names[static_cast<std::size_t>(fault)];
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

struct Database::Kept {
  std::string sql;
  std::unique_ptr<Statement> statement;
};

Database::Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
Database::~Database() = default;

// Statements name the database that compiled them, so that those kept do not move with it.
Database::Database(Database&& other) noexcept
    : path_(std::move(other.path_)), handle_(std::move(other.handle_)) {
  other.kept_.clear();
}
Database& Database::operator=(Database&& other) noexcept {
  kept_.clear();
  other.kept_.clear();
  path_ = std::move(other.path_);
  handle_ = std::move(other.handle_);
  fault_ = other.fault_;
  return *this;
}

Result<Database> Database::open(const std::string& path) {
  if (path != in_memory) {
    if (auto made = make_private(path); !made) return made.error();
  }
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (path == in_memory ? SQLITE_OPEN_CREATE : 0);
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(path, handle);
  if (opened != SQLITE_OK) return database.fault("opening the store");
  sqlite3_busy_timeout(handle, busy_ms_max);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (auto configured = configure(database); !configured) return configured.error();
  return database;
}

Error Database::fault(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(handle_.get()) & 0xff;
  Error error = fault_of(path_, doing, handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory");
  const StoreFault kind = class_of(code);
  if (kind != StoreFault::none) fault_ = kind;
  if (kind == StoreFault::busy) error.code = "store_busy";
  if (kind == StoreFault::damaged) {
    error.message += "; restore a backup, or move the file away to begin with an empty store";
  }
  return error;
}

std::int64_t Database::changes_total() const {
  return sqlite3_total_changes(handle_.get());
}

Result<void> Database::touch() {
  return execute(write_application_id + std::to_string(application_id));
}

bool Database::has_room(std::uint64_t bytes) const {
  struct statvfs disk {};
  if (statvfs(path_.c_str(), &disk) != 0) return true;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize >= bytes;
}

Result<void> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fault("the store");
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
  if (code != SQLITE_OK) return fault("the store");
  return Statement(this, handle);
}

Result<Statement*> Database::kept(std::string_view sql) {
  for (const Kept& kept : kept_)
    if (kept.sql == sql) return kept.statement.get();
  if (kept_.size() >= kept_statements_max)
    return fault_of(path_, "the store", "too many statements are kept");
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  kept_.push_back({std::string(sql), std::make_unique<Statement>(std::move(*statement))});
  return kept_.back().statement.get();
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row) return fault_of(path_, "the store", "a row was expected");
  return statement->integer(0);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const {
  sqlite3_finalize(handle);
}

Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement& Statement::bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_.get(), parameter, value);
  if (code != SQLITE_OK) bind_fault_ = code;
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(handle_.get(), parameter, data, text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_fault_ = code;
  return *this;
}

Statement& Statement::bind_blob(int parameter, std::span<const std::uint8_t> bytes) {
  const int code = bytes.empty() ? sqlite3_bind_zeroblob(handle_.get(), parameter, 0)
                                 : sqlite3_bind_blob64(handle_.get(), parameter, bytes.data(),
                                                       bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) bind_fault_ = code;
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  const int code = sqlite3_bind_null(handle_.get(), parameter);
  if (code != SQLITE_OK) bind_fault_ = code;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_fault_ != SQLITE_OK) {
    return fault_of(database_->path(), "the store", sqlite3_errstr(bind_fault_));
  }
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->fault("the store");
}

Result<void> Statement::run() {
  const auto row = step();
  if (!row) {
    const Error error = row.error();
    reset();
    return error;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  bind_fault_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(size));
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
  const int size = sqlite3_column_bytes(handle_.get(), column);
  return data == nullptr ? std::span<const std::uint8_t>()
                         : std::span(data, static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A failed rollback means that SQLite has rolled back already.
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  if (auto committed = database_->execute("COMMIT"); !committed) return committed;
  database_ = nullptr;
  return {};
}

}  // namespace redoubt::storage
