#include "relay/storage/memory_agent_memory_store.hpp"

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"

namespace redoubt::storage {

void MemoryAgentMemoryStore::read(auth::Identity owner, std::uint64_t after, std::size_t count_max,
                                  runs::Callback<std::vector<std::string>> callback) {
  std::vector<std::string> found;
  {
    const std::lock_guard lock(mutex_);
    const auto& own = entries_[owner];
    for (auto at = own.upper_bound(after); at != own.end() && found.size() < count_max; ++at)
      found.push_back(at->second);
  }
  callback(std::move(found));
}

void MemoryAgentMemoryStore::keep(auth::Identity owner, std::vector<agents::MemoryEntry> written,
                                  std::vector<std::uint64_t> dropped,
                                  runs::Callback<void> callback) {
  {
    const std::lock_guard lock(mutex_);
    auto& own = entries_[owner];
    for (const std::uint64_t id : dropped)
      own.erase(id);
    for (const agents::MemoryEntry& entry : written)
      own[entry.id] = canonical(agents::entry_json(entry));
  }
  callback({});
}

}  // namespace redoubt::storage
