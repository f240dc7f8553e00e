// MemoryKeyTable: auth::KeyTable that ends with the process.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "relay/auth/key_table.hpp"

namespace redoubt::storage {

class MemoryKeyTable final : public auth::KeyTable {
 public:
  std::string place() const override { return "memory"; }
  Result<std::vector<auth::SealedKey>> list() override;
  Result<void> add(const auth::SealedKey& record) override;
  Result<void> replace(const auth::SealedKey& record) override;
  Result<void> remove(std::string_view name) override;
  Result<void> weigh(std::string_view name, int weight) override;
  Result<void> note_use(std::string_view name, std::int64_t now_ms) override;
  Result<int> change_all(
      const std::function<Result<auth::SealedKey>(const auth::SealedKey&)>& change) override;

 private:
  std::map<std::string, auth::SealedKey, std::less<>> keys_;
};

}  // namespace redoubt::storage
