// The built-ins memory.search and memory.store, over entries that a host keeps.
//
//   memory.search  {agent, scope, run, query, limit, embedding?} -> {entries: [...]}, best first
//   memory.store   {agent, scope, run, content, embedding?}      -> {id}
//
// The host loads the reader's entries into a Memory, calls, keeps what has changed, and only then
// tells the run. A session is a run. `embedding` is put in by a host that has an embedder.
//
// A host with a database loads no more than it must. To search: the user's newest kSearchEntriesMax
// entries, restored into a Memory of that call. To store, no entry at all:
//   1. read_store() gives the entry to be kept; where its key is known already, stored_answer() of
//      the entry that has it is the answer, and nothing else happens;
//   2. room_for() says from counts and sums (indexed, by user and by session) what must go: so many
//      of the session's oldest, then of the user's oldest until entries and bytes suffice;
//   3. the entry is kept under the next id, with bytes_of() beside it, and stored_answer() told.
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

/// The entry that a memory.store asks to be kept, its owner and key filled in; id and times are the
/// host's. Errors: bad_json, bad_request, bad_memory.
Result<MemoryEntry> read_store(std::string_view request, const Owner& who, const std::string& key);
/// What memory.store answers.
std::string stored_answer(std::uint64_t id);

bool is_memory_call(std::string_view name);

/// `key`: the effect's idempotency key. What was stored under it already is not stored again.
/// Errors: unknown_builtin, bad_json, bad_request, bad_memory, memory_full.
Result<std::string> call_memory(Memory& memory, std::string_view name, std::string_view request,
                                const Owner& who, const std::string& key, std::int64_t now_ms,
                                MemoryChange& change);

}  // namespace redoubt::agents
