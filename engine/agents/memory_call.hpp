// The built-ins memory.search and memory.store, over entries that a host keeps.
//
//   memory.search  {agent, scope, run, query, limit, embedding?} -> {entries: [...]}, best first
//   memory.store   {agent, scope, run, content, embedding?}      -> {id}
//
// The host loads the reader's entries into a Memory, calls, keeps what has changed, and only then
// tells the run. A session is a run. `embedding` is put in by a host that has an embedder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agents/memory.hpp"

namespace redoubt::agents {

/// What the host has to keep after a call.
struct MemoryChange {
  std::vector<MemoryEntry> written;  ///< new ones, and those that were looked at
  std::vector<std::uint64_t> dropped;
};

bool is_memory_call(std::string_view name);

/// `key`: the effect's idempotency key. What was stored under it already is not stored again.
/// Errors: unknown_builtin, bad_json, bad_request, bad_memory, memory_full.
Result<std::string> call_memory(Memory& memory, std::string_view name, std::string_view request,
                                const Owner& who, const std::string& key, std::int64_t now_ms,
                                MemoryChange& change);

}  // namespace redoubt::agents
