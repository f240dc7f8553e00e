#include "engine/agents/memory.hpp"

#include <algorithm>
#include <utility>

#include "engine/agents/ranking.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/stable_order.hpp"

namespace redoubt::agents {

const char* name_of(MemoryType type) {
  static constexpr const char* kNames[] = {"episodic", "semantic", "procedural"};
  return kNames[static_cast<std::size_t>(type)];
}

const char* name_of(Retention retention) {
  static constexpr const char* kNames[] = {"fifo", "importance", "recency"};
  return kNames[static_cast<std::size_t>(retention)];
}

namespace {

/// Reciprocal rank fusion (Cormack, Clarke, Buettcher, 2009): the weight of rank 0 is 1 / 60.
constexpr std::int64_t kFusionOffset = 60;
constexpr std::int64_t kFusionScale = 1000000000;

Error bad(const char* code, Pieces message, Pieces path, Pieces expected) {
  return make_error(code, message, path, expected, {});
}

bool owns(const Owner& reader, MemoryScope scope, const Owner& owner) {
  if (reader.tenant != owner.tenant || reader.user != owner.user) return false;
  if (scope == MemoryScope::user) return true;
  if (reader.agent != owner.agent) return false;
  return scope == MemoryScope::agent || reader.session == owner.session;
}

bool participates(const SharedContext& context, const Owner& reader, std::int64_t now_ms) {
  if (context.tenant != reader.tenant) return false;
  if (context.expires_ms > 0 && context.expires_ms <= now_ms) return false;
  return std::find(context.participants.begin(), context.participants.end(), reader.agent) !=
         context.participants.end();
}

// Whether `a` is dropped before `b`.
bool goes_before(Retention retention, const MemoryEntry& a, const MemoryEntry& b) {
  if (retention == Retention::importance && a.importance_permille != b.importance_permille)
    return a.importance_permille < b.importance_permille;
  if (retention == Retention::recency) {
    const std::int64_t left = a.accessed_ms > 0 ? a.accessed_ms : a.stored_ms;
    const std::int64_t right = b.accessed_ms > 0 ? b.accessed_ms : b.stored_ms;
    if (left != right) return left < right;
  }
  return a.id < b.id;
}

std::size_t metadata_bytes(const MemoryEntry& entry) {
  return entry.metadata ? canonical(*entry.metadata).size() : 0;
}

Result<void> check(const MemoryEntry& entry) {
  if (entry.content.empty() || entry.content.size() > kEntryBytesMax)
    return bad("bad_memory", {"an entry has ", entry.content.size(), " bytes"}, {"content"},
               {"1 to ", kEntryBytesMax, " bytes"});
  if (entry.embedding.size() > kEmbeddingMax)
    return bad("bad_memory", {"an embedding has ", entry.embedding.size(), " numbers"},
               {"embedding"}, {"at most ", kEmbeddingMax});
  if (const std::size_t bytes = metadata_bytes(entry); bytes > kMetadataBytesMax)
    return bad("bad_memory", {"an entry's metadata has ", bytes, " bytes"}, {"metadata"},
               {"at most ", kMetadataBytesMax, " bytes"});
  return {};
}

// Ranks of scores above 0, the best first, as weights that can be added up.
void add_ranks(const std::vector<std::int64_t>& scores, std::vector<std::int64_t>& weights) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < scores.size(); ++i)
    if (scores[i] > 0) order.push_back(i);
  sort_stable(order, [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    // Equal scores have equal ranks.
    if (i > 0 && scores[order[i]] != scores[order[i - 1]]) rank = static_cast<std::int64_t>(i);
    weights[order[i]] += kFusionScale / (kFusionOffset + rank);
  }
}

}  // namespace

std::size_t bytes_of(const MemoryEntry& entry) {
  constexpr std::size_t kHeldBytes = 256;  // ids, times, places in the indexes
  const Owner& owner = entry.owner;
  return kHeldBytes + entry.content.size() + entry.key.size() + owner.tenant.size() +
         owner.user.size() + owner.agent.size() + owner.session.size() + metadata_bytes(entry) +
         entry.embedding.size() * sizeof(float);
}

MemoryRoom room_for(const MemoryEntry& entry, const OwnerUse& use, const MemoryLimits& limits) {
  MemoryRoom room;
  const std::uint64_t session_max = std::max<std::uint32_t>(limits.entries_max, 1);
  if (use.session_entries >= session_max)
    room.session_entries = use.session_entries - session_max + 1;
  if (use.entries >= kOwnerEntriesMax) room.entries = use.entries - kOwnerEntriesMax + 1;
  const std::uint64_t bytes = use.bytes + bytes_of(entry);
  if (bytes > kOwnerBytesMax) room.bytes = bytes - kOwnerBytesMax;
  return room;
}

void Memory::add(MemoryEntry entry) {
  const std::uint64_t id = entry.id;
  Kept& kept = users_[{entry.owner.tenant, entry.owner.user}];
  const std::size_t bytes = bytes_of(entry);
  kept.ids.insert(id);
  kept.bytes += bytes;
  bytes_ += bytes;
  kept.sessions[{entry.owner.agent, entry.owner.session}].insert(id);
  if (!entry.key.empty()) kept.keys.emplace(entry.key, id);
  by_time_.emplace(entry.stored_ms, id);
  entries_.emplace(id, std::move(entry));
}

void Memory::drop(std::uint64_t id) {
  const auto found = entries_.find(id);
  const MemoryEntry& entry = found->second;
  const auto user = users_.find({entry.owner.tenant, entry.owner.user});
  Kept& kept = user->second;
  const std::size_t bytes = bytes_of(entry);
  kept.ids.erase(id);
  kept.bytes -= bytes;
  bytes_ -= bytes;
  const auto session = kept.sessions.find({entry.owner.agent, entry.owner.session});
  session->second.erase(id);
  if (session->second.empty()) kept.sessions.erase(session);
  if (const auto key = kept.keys.find(entry.key); key != kept.keys.end() && key->second == id)
    kept.keys.erase(key);
  if (kept.ids.empty()) users_.erase(user);
  by_time_.erase({entry.stored_ms, id});
  entries_.erase(found);
}

// REQUIRES: the session has entries.
std::uint64_t Memory::first_to_go(const std::set<std::uint64_t>& session) const {
  std::uint64_t first = *session.begin();
  if (limits_.retention == Retention::fifo) return first;
  for (const std::uint64_t id : session)
    if (goes_before(limits_.retention, entries_.at(id), entries_.at(first))) first = id;
  return first;
}

const MemoryEntry* Memory::stored_under(const Owner& owner, const std::string& key) const {
  const auto user = users_.find({owner.tenant, owner.user});
  if (user == users_.end() || key.empty()) return nullptr;
  const auto found = user->second.keys.find(key);
  return found == user->second.keys.end() ? nullptr : &entries_.at(found->second);
}

OwnerUse Memory::use_of(const Owner& owner) const {
  const auto user = users_.find({owner.tenant, owner.user});
  if (user == users_.end()) return {};
  const Kept& kept = user->second;
  const auto session = kept.sessions.find({owner.agent, owner.session});
  return {kept.ids.size(), kept.bytes, session == kept.sessions.end() ? 0 : session->second.size()};
}

Result<void> Memory::restore(MemoryEntry entry) {
  if (auto good = check(entry); !good) return good;
  if (entries_.size() >= kEntriesMax || bytes_ + bytes_of(entry) > kMemoryBytesMax)
    return bad("memory_full", {"the memory is full"}, {}, {});
  if (entry.id == 0 || entries_.count(entry.id) > 0)
    return bad("bad_memory", {"the entry ", entry.id, " is there already"}, {"id"}, {"a new id"});
  next_id_ = std::max(next_id_, entry.id + 1);
  add(std::move(entry));
  return {};
}

Result<std::uint64_t> Memory::store(MemoryEntry entry, std::int64_t now_ms,
                                    std::vector<std::uint64_t>& dropped) {
  if (auto good = check(entry); !good) return good.error();
  const MemoryRoom room = room_for(entry, use_of(entry.owner), limits_);
  std::uint64_t gone = 0, gone_bytes = 0;
  const auto go = [&](std::uint64_t id) {
    gone_bytes += bytes_of(entries_.at(id));
    ++gone;
    dropped.push_back(id);
    drop(id);
  };
  const User user{entry.owner.tenant, entry.owner.user};
  for (std::uint64_t n = 0; n < room.session_entries; ++n)
    go(first_to_go(users_[user].sessions[{entry.owner.agent, entry.owner.session}]));
  while (gone < room.entries || gone_bytes < room.bytes)
    go(*users_[user].ids.begin());
  if (entries_.size() >= kEntriesMax || bytes_ + bytes_of(entry) > kMemoryBytesMax)
    return bad("memory_full", {"the memory holds ", entries_.size(), " entries"}, {}, {"fewer"});
  entry.id = next_id_++;
  entry.stored_ms = now_ms;
  entry.accessed_ms = 0;
  entry.access_count = 0;
  const std::uint64_t id = entry.id;
  add(std::move(entry));
  return id;
}

Memory::Ids Memory::seen_by(const Owner& reader, MemoryScope scope, std::int64_t now_ms) const {
  Ids seen;
  if (const auto user = users_.find({reader.tenant, reader.user}); user != users_.end())
    for (const std::uint64_t id : user->second.ids)
      if (owns(reader, scope, entries_.at(id).owner)) seen.push_back(id);
  const std::size_t own = seen.size();
  for (const SharedContext& context : contexts_)
    if (participates(context, reader, now_ms))
      for (const std::uint64_t id : context.entries)
        if (entries_.count(id) > 0) seen.push_back(id);
  if (seen.size() == own) return seen;
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  return seen;
}

// As many of the newest as a search looks at.
Memory::Ids Memory::newest(const Ids& seen) const {
  std::size_t from = seen.size(), bytes = 0;
  for (; from > 0 && seen.size() - from < kSearchEntriesMax; --from) {
    bytes += entries_.at(seen[from - 1]).content.size();
    if (bytes > kSearchBytesMax) break;
  }
  return Ids(seen.begin() + static_cast<std::ptrdiff_t>(from), seen.end());
}

std::vector<MemoryEntry> Memory::looked_at(const Ids& ids, std::int64_t now_ms) {
  std::vector<MemoryEntry> found;
  for (const std::uint64_t id : ids) {
    MemoryEntry& entry = entries_.at(id);
    ++entry.access_count;
    entry.accessed_ms = now_ms;
    found.push_back(entry);
  }
  return found;
}

std::vector<MemoryEntry> Memory::retrieve(const Owner& reader, MemoryScope scope,
                                          std::uint32_t limit, std::int64_t now_ms) {
  Ids ids = seen_by(reader, scope, now_ms);
  sort_stable(ids, [&](std::uint64_t a, std::uint64_t b) {
    const MemoryEntry &x = entries_.at(a), &y = entries_.at(b);
    return x.stored_ms != y.stored_ms ? x.stored_ms > y.stored_ms : x.id > y.id;
  });
  if (ids.size() > limit) ids.resize(limit);
  return looked_at(ids, now_ms);
}

std::vector<MemoryEntry> Memory::search(const Owner& reader, MemoryScope scope, const Query& query,
                                        std::int64_t now_ms) {
  const Ids seen = newest(seen_by(reader, scope, now_ms));
  std::vector<const MemoryEntry*> entries;
  std::vector<std::string_view> texts;
  std::vector<std::int64_t> cosines;
  for (const std::uint64_t id : seen) {
    const MemoryEntry& entry = entries_.at(id);
    entries.push_back(&entry);
    texts.push_back(entry.content);
    cosines.push_back(cosine_millionths(entry.embedding, query.embedding));
  }
  std::vector<std::int64_t> weights(seen.size(), 0);
  add_ranks(bm25(texts, query.text, kQueryTermsMax), weights);
  add_ranks(cosines, weights);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < seen.size(); ++i)
    if (weights[i] > 0) order.push_back(i);
  sort_stable(order, [&](std::uint32_t a, std::uint32_t b) {
    const MemoryEntry &x = *entries[a], &y = *entries[b];
    if (weights[a] != weights[b]) return weights[a] > weights[b];
    if (x.importance_permille != y.importance_permille)
      return x.importance_permille > y.importance_permille;
    return x.stored_ms != y.stored_ms ? x.stored_ms > y.stored_ms : x.id > y.id;
  });
  if (order.size() > query.limit) order.resize(query.limit);
  Ids best;
  for (const std::uint32_t one : order)
    best.push_back(seen[one]);
  return looked_at(best, now_ms);
}

std::vector<std::uint64_t> Memory::clean(std::int64_t now_ms, std::int64_t kept_ms) {
  std::vector<std::uint64_t> gone;
  while (!by_time_.empty() && by_time_.begin()->first < now_ms - kept_ms) {
    gone.push_back(by_time_.begin()->second);
    drop(gone.back());
  }
  std::sort(gone.begin(), gone.end());
  std::vector<SharedContext> open;
  for (SharedContext& context : contexts_)
    if (context.expires_ms == 0 || context.expires_ms > now_ms) open.push_back(std::move(context));
  contexts_ = std::move(open);
  return gone;
}

bool Memory::forget(const Owner& reader, std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !owns(reader, MemoryScope::user, found->second.owner))
    return false;
  drop(id);
  return true;
}

Result<void> Memory::open_context(SharedContext context) {
  if (contexts_.size() >= kContextsMax || context.participants.size() > kParticipantsMax)
    return bad("bad_context", {"too many contexts or participants"}, {},
               {"at most ", kContextsMax, " contexts of ", kParticipantsMax, " agents"});
  for (const SharedContext& other : contexts_)
    if (other.id == context.id)
      return bad("bad_context", {"the context \"", context.id, "\" is there already"}, {"id"},
                 {"another id"});
  contexts_.push_back(std::move(context));
  return {};
}

SharedContext* Memory::usable_context(const Owner& by, std::string_view id, std::int64_t now_ms) {
  for (SharedContext& context : contexts_)
    if (context.id == id && participates(context, by, now_ms)) return &context;
  return nullptr;
}

// Whoever takes no part is not told whether there is such a context.
Result<void> Memory::join_context(const Owner& by, std::string_view id, const std::string& agent,
                                  std::int64_t now_ms) {
  SharedContext* context = usable_context(by, id, now_ms);
  if (!context) return bad("unknown_context", {"there is no context \"", id, "\""}, {"id"}, {});
  const auto& there = context->participants;
  if (std::find(there.begin(), there.end(), agent) != there.end()) return {};
  if (there.size() >= kParticipantsMax)
    return bad("bad_context", {"the context has ", kParticipantsMax, " participants"}, {}, {});
  context->participants.push_back(agent);
  return {};
}

Result<void> Memory::share(const Owner& by, std::string_view id, std::uint64_t entry,
                           std::int64_t now_ms) {
  SharedContext* context = usable_context(by, id, now_ms);
  if (!context) return bad("unknown_context", {"there is no context \"", id, "\""}, {"id"}, {});
  for (const std::uint64_t seen : seen_by(by, MemoryScope::user, now_ms)) {
    if (seen != entry) continue;
    const auto& there = context->entries;
    if (std::find(there.begin(), there.end(), entry) == there.end())
      context->entries.push_back(entry);
    return {};
  }
  return bad("unknown_entry", {"there is no entry ", entry}, {"entry"}, {});
}

MemorySummary Memory::summary(const Owner& reader, MemoryScope scope, std::int64_t now_ms) const {
  MemorySummary sum;
  std::set<std::string_view> sessions;
  std::uint64_t importance = 0;
  for (const std::uint64_t id : seen_by(reader, scope, now_ms)) {
    const MemoryEntry& entry = entries_.at(id);
    ++sum.entries;
    ++sum.by_type[static_cast<std::size_t>(entry.type)];
    importance += entry.importance_permille;
    sum.last_ms = std::max({sum.last_ms, entry.stored_ms, entry.accessed_ms});
    sessions.insert(entry.owner.session);
  }
  if (sum.entries > 0)
    sum.importance_permille = static_cast<std::uint32_t>(importance / sum.entries);
  sum.sessions = sessions.size();
  for (const SharedContext& context : contexts_)
    sum.shared_contexts += participates(context, reader, now_ms) ? 1 : 0;
  return sum;
}

Json entry_json(const MemoryEntry& entry) {
  Json json{{"id", std::to_string(entry.id)},
            {"content", entry.content},
            {"memory_type", name_of(entry.type)},
            {"tenant", entry.owner.tenant},
            {"user", entry.owner.user},
            {"agent", entry.owner.agent},
            {"session", entry.owner.session},
            {"stored_ms", entry.stored_ms},
            {"accessed_ms", entry.accessed_ms},
            {"access_count", entry.access_count},
            {"importance_permille", entry.importance_permille}};
  if (!entry.key.empty()) json["key"] = entry.key;
  if (entry.metadata) json["metadata"] = *entry.metadata;
  if (!entry.embedding.empty()) json["embedding"] = entry.embedding;
  return json;
}

Result<MemoryEntry> read_entry(const Json& json) {
  constexpr std::size_t kNameBytesMax = 256;
  constexpr std::int64_t kTimeMaxMs = 1LL << 53;
  JsonFields fields(json, "bad_memory");
  MemoryEntry entry;
  const std::string id = fields.text_or("id", 20, "0");
  for (const char c : id) {
    if (c < '0' || c > '9') return bad("bad_memory", {"an id is a number"}, {"id"}, {"digits"});
    entry.id = entry.id * 10 + static_cast<std::uint64_t>(c - '0');
  }
  entry.content = fields.text("content", kEntryBytesMax);
  const std::string type = fields.text_or("memory_type", 16, "episodic");
  bool known = false;
  for (const MemoryType one : {MemoryType::episodic, MemoryType::semantic, MemoryType::procedural})
    if (type == name_of(one)) {
      entry.type = one;
      known = true;
    }
  if (!known) fields.fault("memory_type", "episodic, semantic or procedural", type);
  entry.owner = {
      fields.text_or("tenant", kNameBytesMax, ""), fields.text_or("user", kNameBytesMax, ""),
      fields.text_or("agent", kNameBytesMax, ""), fields.text_or("session", kNameBytesMax, "")};
  entry.stored_ms = fields.integer_or("stored_ms", 0, kTimeMaxMs, 0);
  entry.accessed_ms = fields.integer_or("accessed_ms", 0, kTimeMaxMs, 0);
  entry.access_count = static_cast<std::uint32_t>(fields.integer_or("access_count", 0, 1 << 30, 0));
  entry.importance_permille =
      static_cast<std::uint32_t>(fields.integer_or("importance_permille", 0, 1000000, 1000));
  entry.key = fields.text_or("key", 1024, "");
  if (const Json* metadata = fields.member_or_null("metadata"))
    entry.metadata = std::make_shared<const Json>(*metadata);
  if (const Json* numbers = fields.member_or_null("embedding")) {
    if (!numbers->is_array() || numbers->size() > kEmbeddingMax) {
      fields.fault("embedding", joined({"a list of at most ", kEmbeddingMax, " numbers"}),
                   describe(*numbers));
    } else {
      for (const Json& number : *numbers)
        entry.embedding.push_back(number.is_number() ? number.get<float>() : 0.0f);
    }
  }
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  if (auto good = check(entry); !good) return good.error();
  return entry;
}

}  // namespace redoubt::agents
