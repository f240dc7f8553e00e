// AgentMemoryStore: what the agents of an owner remember, in the store; the port of relay/storage's
// adapters, whose suite is tests/relay/storage/agent_memory_store_test.cpp. Each call is one
// transaction. Callbacks come once, at once or later and on any thread; they must be quick and not
// throw.
//
// It sets no bound on what an owner keeps: that is the engine's, which says what is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/agents/memory.hpp"
#include "engine/base/result.hpp"
#include "relay/auth/identity.hpp"

namespace redoubt::runs {

template <class T>
using Callback = std::function<void(Result<T>)>;

class AgentMemoryStore {
 public:
  virtual ~AgentMemoryStore() = default;

  /// Entries (agents::entry_json) of the owner with ids over `after`, at most so many, by their
  /// ids; with all that was kept before.
  virtual void read(auth::Identity owner, std::uint64_t after, std::size_t count_max,
                    Callback<std::vector<std::string>> callback) = 0;
  /// Entries that are new or take the place of those with their ids, and ids that are gone.
  virtual void keep(auth::Identity owner, std::vector<agents::MemoryEntry> written,
                    std::vector<std::uint64_t> dropped, Callback<void> callback) = 0;
};

}  // namespace redoubt::runs
