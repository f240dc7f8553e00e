#include "relay/storage/sqlite_key_table.hpp"

#include <algorithm>

namespace redoubt::storage {

using auth::SealedKey;

namespace {

constexpr std::string_view select_all =
    "SELECT name, provider, version, master_key_id, fingerprint, created_ms, nonce, sealed, "
    "last_used_ms, weight FROM sealed_keys ORDER BY name";

Result<SealedKey> read_row(const storage::Statement& row) {
  SealedKey record{.name = row.text(0),
                   .provider = row.text(1),
                   .version = row.integer(2),
                   .master_key_id = row.text(3),
                   .fingerprint = row.text(4),
                   .created_ms = row.integer(5)};
  const auto nonce = row.blob(6);
  if (nonce.size() != record.nonce.size()) {
    return Error{.code = "broken_seal",
                 .message = "the record of the key " + record.name + " was changed or is damaged"};
  }
  std::copy(nonce.begin(), nonce.end(), record.nonce.begin());
  const auto sealed = row.blob(7);
  record.sealed.assign(sealed.begin(), sealed.end());
  if (!row.is_null(8)) record.last_used_ms = row.integer(8);
  record.weight =
      static_cast<int>(std::clamp<std::int64_t>(row.integer(9), 1, auth::key_weight_max));
  return record;
}

// Fields 1 to 8 of an INSERT or UPDATE.
void bind_record(storage::Statement& statement, const SealedKey& record) {
  statement.bind(1, record.name)
      .bind(2, record.provider)
      .bind(3, record.version)
      .bind(4, record.master_key_id)
      .bind(5, record.fingerprint)
      .bind(6, record.created_ms)
      .bind_blob(7, record.nonce)
      .bind_blob(8, record.sealed);
}

constexpr std::string_view update =
    "UPDATE sealed_keys SET provider = ?2, version = ?3, master_key_id = ?4, fingerprint = ?5, "
    "created_ms = ?6, nonce = ?7, sealed = ?8 WHERE name = ?1";

}  // namespace

Result<std::vector<SealedKey>> SqliteKeyTable::list() {
  auto rows = database_.prepare(select_all);
  if (!rows) return rows.error();
  std::vector<SealedKey> keys;
  while (true) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return keys;
    auto record = read_row(*rows);
    if (!record) return record.error();
    keys.push_back(std::move(*record));
  }
}

Result<void> SqliteKeyTable::add(const SealedKey& record) {
  auto transaction = storage::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  const auto count = database_.integer("SELECT count(*) FROM sealed_keys");
  if (!count) return count.error();
  if (*count >= static_cast<std::int64_t>(auth::provider_keys_max)) {
    return auth::too_many_keys(static_cast<std::size_t>(*count));
  }
  auto insert = database_.prepare(
      "INSERT INTO sealed_keys (name, provider, version, master_key_id, fingerprint, created_ms, "
      "nonce, sealed, weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING");
  if (!insert) return insert.error();
  bind_record(*insert, record);
  insert->bind(9, record.weight);
  if (auto done = insert->run(); !done) return done;
  if (database_.changes() == 0) {
    return auth::key_exists(record.name);
  }
  return transaction->commit();
}

Result<void> SqliteKeyTable::replace(const SealedKey& record) {
  const std::string sql = std::string(update) + " AND version = ?3 - 1";
  auto statement = database_.prepare(sql);
  if (!statement) return statement.error();
  bind_record(*statement, record);
  if (auto done = statement->run(); !done) return done;
  if (database_.changes() == 1) return {};
  if (auto found = auth::find_key(*this, record.name); !found) return found.error();
  return auth::key_changed(record.name);
}

Result<void> SqliteKeyTable::remove(std::string_view name) {
  auto statement = database_.prepare("DELETE FROM sealed_keys WHERE name = ?");
  if (!statement) return statement.error();
  statement->bind(1, name);
  if (auto done = statement->run(); !done) return done;
  if (database_.changes() == 0) return auth::unknown_key(name);
  return {};
}

Result<void> SqliteKeyTable::weigh(std::string_view name, int weight) {
  auto statement = database_.prepare("UPDATE sealed_keys SET weight = ?2 WHERE name = ?1");
  if (!statement) return statement.error();
  statement->bind(1, name).bind(2, weight);
  if (auto done = statement->run(); !done) return done;
  if (database_.changes() == 0) return auth::unknown_key(name);
  return {};
}

Result<void> SqliteKeyTable::note_use(std::string_view name, std::int64_t now_ms) {
  auto statement = database_.prepare(
      "UPDATE sealed_keys SET last_used_ms = ?2 WHERE name = ?1 AND "
      "coalesce(last_used_ms, 0) < ?2");
  if (!statement) return statement.error();
  statement->bind(1, name).bind(2, now_ms);
  return statement->run();
}

Result<int> SqliteKeyTable::change_all(
    const std::function<Result<SealedKey>(const SealedKey&)>& change) {
  auto transaction = storage::Transaction::begin(database_);
  if (!transaction) return transaction.error();
  const auto keys = list();
  if (!keys) return keys.error();
  auto statement = database_.prepare(update);
  if (!statement) return statement.error();
  for (const SealedKey& record : *keys) {
    const auto changed = change(record);
    if (!changed) return changed.error();
    bind_record(*statement, *changed);
    if (auto done = statement->run(); !done) return done.error();
  }
  if (auto committed = transaction->commit(); !committed) return committed.error();
  return static_cast<int>(keys->size());
}

}  // namespace redoubt::storage
