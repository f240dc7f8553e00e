// SqliteAgentMemoryStore: runs::AgentMemoryStore in the table memories.
//
// Callbacks come on the writer's or the reader's thread.
#pragma once

#include "relay/services/runs/agent_memory_store.hpp"
#include "relay/storage/reader.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::storage {

class SqliteAgentMemoryStore final : public runs::AgentMemoryStore {
 public:
  /// Both outlive it.
  SqliteAgentMemoryStore(Writer& writer, Reader& reads) : writer_(writer), reads_(reads) {}

  void read(auth::Identity owner, std::uint64_t after, std::size_t count_max,
            runs::Callback<std::vector<std::string>> callback) override;
  void keep(auth::Identity owner, std::vector<agents::MemoryEntry> written,
            std::vector<std::uint64_t> dropped, runs::Callback<void> callback) override;

 private:
  Writer& writer_;
  Reader& reads_;
};

}  // namespace redoubt::storage
