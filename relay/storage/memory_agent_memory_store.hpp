// MemoryAgentMemoryStore: runs::AgentMemoryStore in memory, for tests. Calls back at once. Any
// thread.
#pragma once

#include <map>
#include <mutex>

#include "relay/services/runs/agent_memory_store.hpp"

namespace redoubt::storage {

class MemoryAgentMemoryStore final : public runs::AgentMemoryStore {
 public:
  void read(auth::Identity owner, std::uint64_t after, std::size_t count_max,
            runs::Callback<std::vector<std::string>> callback) override;
  void keep(auth::Identity owner, std::vector<agents::MemoryEntry> written,
            std::vector<std::uint64_t> dropped, runs::Callback<void> callback) override;

 private:
  std::mutex mutex_;
  std::map<auth::Identity, std::map<std::uint64_t, std::string>> entries_;
};

}  // namespace redoubt::storage
