#include "engine/agents/memory.hpp"

#include <algorithm>
#include <utility>

#include "engine/agents/ranking.hpp"
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

bool same_session(const Owner& a, const Owner& b) {
  return a.tenant == b.tenant && a.user == b.user && a.agent == b.agent && a.session == b.session;
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

Result<void> check(const MemoryEntry& entry) {
  if (entry.content.empty() || entry.content.size() > kEntryBytesMax)
    return bad("bad_memory", {"an entry has ", entry.content.size(), " bytes"}, {"content"},
               {"1 to ", kEntryBytesMax, " bytes"});
  if (entry.embedding.size() > kEmbeddingMax)
    return bad("bad_memory", {"an embedding has ", entry.embedding.size(), " numbers"},
               {"embedding"}, {"at most ", kEmbeddingMax});
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

Result<void> Memory::restore(MemoryEntry entry) {
  if (auto good = check(entry); !good) return good;
  if (entries_.size() >= kEntriesMax) return bad("memory_full", {"the memory is full"}, {}, {});
  const auto place =
      std::lower_bound(entries_.begin(), entries_.end(), entry.id,
                       [](const MemoryEntry& one, std::uint64_t id) { return one.id < id; });
  if (entry.id == 0 || (place != entries_.end() && place->id == entry.id))
    return bad("bad_memory", {"the entry ", entry.id, " is there already"}, {"id"}, {"a new id"});
  next_id_ = std::max(next_id_, entry.id + 1);
  entries_.insert(place, std::move(entry));
  return {};
}

Result<std::uint64_t> Memory::store(MemoryEntry entry, std::int64_t now_ms,
                                    std::vector<std::uint64_t>& dropped) {
  if (auto good = check(entry); !good) return good.error();
  std::uint32_t there = 0;
  std::size_t first = entries_.size();
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    if (!same_session(entries_[e].owner, entry.owner)) continue;
    ++there;
    if (first == entries_.size() || goes_before(limits_.retention, entries_[e], entries_[first]))
      first = e;
  }
  if (there >= limits_.entries_max && there > 0) {
    dropped.push_back(entries_[first].id);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(first));
  } else if (entries_.size() >= kEntriesMax) {
    return bad("memory_full", {"the memory holds ", kEntriesMax, " entries"}, {}, {"fewer"});
  }
  entry.id = next_id_++;
  entry.stored_ms = now_ms;
  entry.accessed_ms = 0;
  entry.access_count = 0;
  entries_.push_back(std::move(entry));
  return entries_.back().id;
}

std::vector<std::uint32_t> Memory::seen_by(const Owner& reader, MemoryScope scope,
                                           std::int64_t now_ms) const {
  std::vector<std::uint64_t> shared;
  for (const SharedContext& context : contexts_)
    if (participates(context, reader, now_ms))
      shared.insert(shared.end(), context.entries.begin(), context.entries.end());
  std::sort(shared.begin(), shared.end());
  std::vector<std::uint32_t> places;
  for (std::uint32_t e = 0; e < entries_.size(); ++e)
    if (owns(reader, scope, entries_[e].owner) ||
        std::binary_search(shared.begin(), shared.end(), entries_[e].id))
      places.push_back(e);
  return places;
}

std::vector<MemoryEntry> Memory::looked_at(const std::vector<std::uint32_t>& places,
                                           std::int64_t now_ms) {
  std::vector<MemoryEntry> found;
  for (const std::uint32_t place : places) {
    MemoryEntry& entry = entries_[place];
    ++entry.access_count;
    entry.accessed_ms = now_ms;
    found.push_back(entry);
  }
  return found;
}

std::vector<MemoryEntry> Memory::retrieve(const Owner& reader, MemoryScope scope,
                                          std::uint32_t limit, std::int64_t now_ms) {
  std::vector<std::uint32_t> places = seen_by(reader, scope, now_ms);
  sort_stable(places, [&](std::uint32_t a, std::uint32_t b) {
    const MemoryEntry &x = entries_[a], &y = entries_[b];
    return x.stored_ms != y.stored_ms ? x.stored_ms > y.stored_ms : x.id > y.id;
  });
  if (places.size() > limit) places.resize(limit);
  return looked_at(places, now_ms);
}

std::vector<MemoryEntry> Memory::search(const Owner& reader, MemoryScope scope, const Query& query,
                                        std::int64_t now_ms) {
  const std::vector<std::uint32_t> seen = seen_by(reader, scope, now_ms);
  std::vector<std::string_view> texts;
  std::vector<std::int64_t> cosines;
  for (const std::uint32_t place : seen) {
    texts.push_back(entries_[place].content);
    cosines.push_back(cosine_millionths(entries_[place].embedding, query.embedding));
  }
  std::vector<std::int64_t> weights(seen.size(), 0);
  add_ranks(bm25(texts, query.text, kQueryTermsMax), weights);
  add_ranks(cosines, weights);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < seen.size(); ++i)
    if (weights[i] > 0) order.push_back(i);
  sort_stable(order, [&](std::uint32_t a, std::uint32_t b) {
    const MemoryEntry &x = entries_[seen[a]], &y = entries_[seen[b]];
    if (weights[a] != weights[b]) return weights[a] > weights[b];
    if (x.importance_permille != y.importance_permille)
      return x.importance_permille > y.importance_permille;
    return x.stored_ms != y.stored_ms ? x.stored_ms > y.stored_ms : x.id > y.id;
  });
  if (order.size() > query.limit) order.resize(query.limit);
  for (std::uint32_t& one : order)
    one = seen[one];
  return looked_at(order, now_ms);
}

std::vector<std::uint64_t> Memory::clean(std::int64_t now_ms, std::int64_t kept_ms) {
  std::vector<std::uint64_t> gone;
  std::vector<MemoryEntry> kept;
  for (MemoryEntry& entry : entries_) {
    if (entry.stored_ms < now_ms - kept_ms) {
      gone.push_back(entry.id);
    } else {
      kept.push_back(std::move(entry));
    }
  }
  entries_ = std::move(kept);
  std::vector<SharedContext> open;
  for (SharedContext& context : contexts_)
    if (context.expires_ms == 0 || context.expires_ms > now_ms) open.push_back(std::move(context));
  contexts_ = std::move(open);
  return gone;
}

bool Memory::forget(const Owner& reader, std::uint64_t id) {
  for (std::size_t e = 0; e < entries_.size(); ++e)
    if (entries_[e].id == id && owns(reader, MemoryScope::user, entries_[e].owner)) {
      entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(e));
      return true;
    }
  return false;
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
  for (const std::uint32_t place : seen_by(by, MemoryScope::user, now_ms)) {
    if (entries_[place].id != entry) continue;
    const auto& there = context->entries;
    if (std::find(there.begin(), there.end(), entry) == there.end())
      context->entries.push_back(entry);
    return {};
  }
  return bad("unknown_entry", {"there is no entry ", entry}, {"entry"}, {});
}

MemorySummary Memory::summary(const Owner& reader, MemoryScope scope, std::int64_t now_ms) const {
  MemorySummary sum;
  std::vector<std::string_view> sessions;
  std::uint64_t importance = 0;
  for (const std::uint32_t place : seen_by(reader, scope, now_ms)) {
    const MemoryEntry& entry = entries_[place];
    ++sum.entries;
    ++sum.by_type[static_cast<std::size_t>(entry.type)];
    importance += entry.importance_permille;
    sum.last_ms = std::max({sum.last_ms, entry.stored_ms, entry.accessed_ms});
    if (std::find(sessions.begin(), sessions.end(), entry.owner.session) == sessions.end())
      sessions.push_back(entry.owner.session);
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
