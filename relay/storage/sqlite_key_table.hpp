// SqliteKeyTable: auth::KeyTable in the table sealed_keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/auth/key_table.hpp"
#include "relay/storage/database.hpp"

namespace redoubt::storage {

class SqliteKeyTable final : public auth::KeyTable {
 public:
  /// `database` outlives it and is used by one thread at a time.
  explicit SqliteKeyTable(storage::Database& database) : database_(database) {}

  std::string place() const override { return database_.path(); }
  Result<std::vector<auth::SealedKey>> list() override;
  Result<void> add(const auth::SealedKey& record) override;
  Result<void> replace(const auth::SealedKey& record) override;
  Result<void> remove(std::string_view name) override;
  Result<void> weigh(std::string_view name, int weight) override;
  Result<void> note_use(std::string_view name, std::int64_t now_ms) override;
  Result<int> change_all(
      const std::function<Result<auth::SealedKey>(const auth::SealedKey&)>& change) override;

 private:
  storage::Database& database_;
};

}  // namespace redoubt::storage
