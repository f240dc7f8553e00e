// Memory: what agents have been told and have answered, kept apart by whom it belongs to.
//
// 1. An entry belongs to a tenant, a user, an agent and a session. A reader sees the entries of its
//    own tenant and user, and of those the session's, the agent's or all, as its scope says; other
//    tenants' and other users' entries are never seen.
// 2. Entries are shared by explicit contexts: a context has participants (agents of one tenant) and
//    entries that were put into it by those who see them; it may expire.
// 3. Retention is of a session: at most `entries_max`, and the oldest (fifo), the least important
//    (importance) or the one longest not looked at (recency) goes first. A user may keep
//    kOwnerEntriesMax entries of kOwnerBytesMax bytes in all: beyond, the oldest go.
// 4. Searching ranks by BM25 and, where both sides have one, by the cosine of their embeddings;
//    the two rankings are joined by reciprocal rank. What is equal comes in the order of
//    importance, then the newest first, then the last stored. No libm: every build ranks alike.
// 5. Times are milliseconds since 1970 and come from the host, which keeps the entries.
// 6. No call reads what belongs to others. store() costs O(log entries), and looks through its
//    session where importance or recency decide; a search ranks the newest kSearchEntriesMax
//    entries of kSearchBytesMax bytes that the reader sees.
// 7. A host with a database of its own need not load anything to store: it tells room_for() what
// its
//    index says of the owner, and drops as many of the oldest as that asks for (memory_call.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/agents/agent.hpp"
#include "engine/base/result.hpp"

namespace redoubt::agents {

/// Of one Memory, whoever they belong to.
inline constexpr std::size_t kEntriesMax = 100'000;
inline constexpr std::size_t kMemoryBytesMax = 256u << 20;
/// Of one user, all agents and sessions together.
inline constexpr std::size_t kOwnerEntriesMax = 10'000;
inline constexpr std::size_t kOwnerBytesMax = 8u << 20;
/// What one search looks at.
inline constexpr std::size_t kSearchEntriesMax = 2'000;
inline constexpr std::size_t kSearchBytesMax = 2u << 20;
inline constexpr std::size_t kEntryBytesMax = 64 * 1024;
inline constexpr std::size_t kMetadataBytesMax = 16 * 1024;
inline constexpr std::size_t kEmbeddingMax = 4096;
inline constexpr std::size_t kQueryTermsMax = 64;
inline constexpr std::size_t kContextsMax = 1000;
inline constexpr std::size_t kParticipantsMax = 100;
inline constexpr std::uint32_t kSessionEntriesMax = 4000;
inline constexpr std::uint32_t kRetrieveDefault = 100;
inline constexpr std::uint32_t kSearchDefault = 10;
inline constexpr std::int64_t kKeptMs = 30LL * 24 * 3600 * 1000;

enum class MemoryType : std::uint8_t { episodic, semantic, procedural };
const char* name_of(MemoryType type);

enum class Retention : std::uint8_t { fifo, importance, recency };
const char* name_of(Retention retention);

struct Owner {
  std::string tenant;
  std::string user;
  std::string agent;
  std::string session;
};

struct MemoryEntry {
  std::uint64_t id = 0;  ///< given by store(), in its order
  Owner owner;
  std::string content;
  MemoryType type = MemoryType::episodic;
  std::int64_t stored_ms = 0;
  std::int64_t accessed_ms = 0;  ///< 0: never
  std::uint32_t access_count = 0;
  std::uint32_t importance_permille = 1000;
  std::string key;  ///< of the effect that stored it; "": none
  Value metadata;
  std::vector<float> embedding;  ///< empty: none
};

struct SharedContext {
  std::string id;
  std::string name;
  std::string tenant;
  std::vector<std::string> participants;  ///< agents
  std::vector<std::uint64_t> entries;
  std::int64_t expires_ms = 0;  ///< 0: never
};

struct MemoryLimits {
  Retention retention = Retention::fifo;
  std::uint32_t entries_max = kSessionEntriesMax;
};

struct Query {
  std::string_view text;
  std::vector<float> embedding;
  std::uint32_t limit = kSearchDefault;
};

struct MemorySummary {
  std::uint64_t entries = 0;
  std::uint64_t by_type[3] = {};
  std::uint32_t importance_permille = 0;  ///< mean
  std::uint64_t sessions = 0;
  std::uint64_t shared_contexts = 0;
  std::int64_t last_ms = 0;
};

/// What an entry counts for in the bounds of bytes: its texts and numbers, and what holds them.
std::size_t bytes_of(const MemoryEntry& entry);

/// What an owner keeps, as an index says: no entry is read for it.
struct OwnerUse {
  std::uint64_t entries = 0;          ///< of the user
  std::uint64_t bytes = 0;            ///< bytes_of() of all of them
  std::uint64_t session_entries = 0;  ///< of the session that stores
};

/// What must go before an entry may be stored; of its session first, then the user's oldest until
/// both numbers are reached (what the session gives counts).
struct MemoryRoom {
  std::uint64_t session_entries = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};
MemoryRoom room_for(const MemoryEntry& entry, const OwnerUse& use, const MemoryLimits& limits);

class Memory {
 public:
  explicit Memory(MemoryLimits limits = {}) : limits_(limits) {}

  /// Takes an entry that the host had kept; its id must not be known. Errors: bad_memory.
  Result<void> restore(MemoryEntry entry);
  /// Stores an entry and gives its id; what retention drops is added to `dropped`.
  /// Errors: bad_memory (empty or too long, an embedding of another length), memory_full.
  Result<std::uint64_t> store(MemoryEntry entry, std::int64_t now_ms,
                              std::vector<std::uint64_t>& dropped);

  /// The newest first, each counted as looked at.
  std::vector<MemoryEntry> retrieve(const Owner& reader, MemoryScope scope, std::uint32_t limit,
                                    std::int64_t now_ms);
  /// The best first; what the query shares nothing with is left out.
  std::vector<MemoryEntry> search(const Owner& reader, MemoryScope scope, const Query& query,
                                  std::int64_t now_ms);
  /// Forgets what is older than `kept_ms`, and contexts that have expired; gives the ids.
  std::vector<std::uint64_t> clean(std::int64_t now_ms, std::int64_t kept_ms = kKeptMs);
  /// False where the reader has no such entry of its own.
  bool forget(const Owner& reader, std::uint64_t id);

  /// Errors: bad_context (its id is taken, too many participants).
  Result<void> open_context(SharedContext context);
  /// Only a participant may add another. Errors: unknown_context, not_allowed, bad_context.
  Result<void> join_context(const Owner& by, std::string_view context, const std::string& agent,
                            std::int64_t now_ms);
  /// Shares an entry that `by` sees. Errors: unknown_context, not_allowed, unknown_entry.
  Result<void> share(const Owner& by, std::string_view context, std::uint64_t entry,
                     std::int64_t now_ms);

  MemorySummary summary(const Owner& reader, MemoryScope scope, std::int64_t now_ms) const;
  const std::map<std::uint64_t, MemoryEntry>& entries() const { return entries_; }
  /// The entry that was stored under the key for this owner's user; null where there is none.
  const MemoryEntry* stored_under(const Owner& owner, const std::string& key) const;
  OwnerUse use_of(const Owner& owner) const;
  const std::vector<SharedContext>& contexts() const { return contexts_; }

 private:
  /// Ids, the oldest first.
  using Ids = std::vector<std::uint64_t>;
  using User = std::pair<std::string, std::string>;
  struct Kept {
    std::set<std::uint64_t> ids;
    std::uint64_t bytes = 0;
    std::map<std::pair<std::string, std::string>, std::set<std::uint64_t>> sessions;
    std::map<std::string, std::uint64_t> keys;
  };

  Ids seen_by(const Owner& reader, MemoryScope scope, std::int64_t now_ms) const;
  Ids newest(const Ids& seen) const;
  void add(MemoryEntry entry);
  void drop(std::uint64_t id);
  std::uint64_t first_to_go(const std::set<std::uint64_t>& session) const;
  SharedContext* usable_context(const Owner& by, std::string_view id, std::int64_t now_ms);
  std::vector<MemoryEntry> looked_at(const Ids& ids, std::int64_t now_ms);

  MemoryLimits limits_;
  std::uint64_t next_id_ = 1;
  std::uint64_t bytes_ = 0;
  std::map<std::uint64_t, MemoryEntry> entries_;
  std::map<User, Kept> users_;
  std::set<std::pair<std::int64_t, std::uint64_t>> by_time_;  ///< when stored, id
  std::vector<SharedContext> contexts_;
};

nlohmann::json entry_json(const MemoryEntry& entry);
/// Errors: bad_memory with the member's path.
Result<MemoryEntry> read_entry(const nlohmann::json& json);

}  // namespace redoubt::agents
