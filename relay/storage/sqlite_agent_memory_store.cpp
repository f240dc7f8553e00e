#include "relay/storage/sqlite_agent_memory_store.hpp"

#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"

namespace redoubt::storage {
namespace {

Result<std::vector<std::string>> entries_of(Database& database, const auth::Identity& owner,
                                            std::uint64_t after, std::size_t count_max) {
  auto rows = database.prepare(
      "SELECT entry FROM memories WHERE tenant = ? AND owner = ? AND id > ? ORDER BY id LIMIT ?");
  if (!rows) return rows.error();
  rows->bind(1, owner.tenant).bind(2, owner.subject);
  rows->bind(3, static_cast<std::int64_t>(after));
  rows->bind(4, static_cast<std::int64_t>(count_max));
  std::vector<std::string> entries;
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return entries;
    entries.push_back(rows->text(0));
  }
}

Result<void> drop_entry(Database& database, const auth::Identity& owner, std::uint64_t id) {
  auto row = database.prepare("DELETE FROM memories WHERE tenant = ? AND owner = ? AND id = ?");
  if (!row) return row.error();
  row->bind(1, owner.tenant).bind(2, owner.subject).bind(3, static_cast<std::int64_t>(id));
  return row->run();
}

Result<void> write_entry(Database& database, const auth::Identity& owner,
                         const agents::MemoryEntry& entry) {
  auto row = database.prepare(
      "INSERT OR REPLACE INTO memories (tenant, owner, id, entry) VALUES (?, ?, ?, ?)");
  if (!row) return row.error();
  row->bind(1, owner.tenant).bind(2, owner.subject);
  row->bind(3, static_cast<std::int64_t>(entry.id));
  row->bind(4, canonical(agents::entry_json(entry)));
  return row->run();
}

}  // namespace

void SqliteAgentMemoryStore::read(auth::Identity owner, std::uint64_t after, std::size_t count_max,
                                  runs::Callback<std::vector<std::string>> callback) {
  reads_.after_writes<std::vector<std::string>>(
      [owner = std::move(owner), after, count_max](Database& database) {
        return entries_of(database, owner, after, count_max);
      },
      std::move(callback));
}

void SqliteAgentMemoryStore::keep(auth::Identity owner, std::vector<agents::MemoryEntry> written,
                                  std::vector<std::uint64_t> dropped,
                                  runs::Callback<void> callback) {
  transaction<void>(
      writer_,
      [owner = std::move(owner), written = std::move(written),
       dropped = std::move(dropped)](Database& database) -> Result<void> {
        for (const std::uint64_t id : dropped)
          if (auto done = drop_entry(database, owner, id); !done) return done;
        for (const agents::MemoryEntry& entry : written)
          if (auto done = write_entry(database, owner, entry); !done) return done;
        return {};
      },
      std::move(callback));
}

}  // namespace redoubt::storage
