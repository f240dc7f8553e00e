#include "engine/agents/memory_call.hpp"

#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::agents {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr JsonLimits kRequestLimits{4u << 20, 16};

MemoryScope scope_of(JsonFields& fields) {
  const std::string scope = fields.text_or("scope", 16, "session");
  for (const MemoryScope one : {MemoryScope::session, MemoryScope::agent, MemoryScope::user})
    if (scope == name_of(one)) return one;
  fields.fault("scope", "session, agent or user", scope);
  return MemoryScope::session;
}

std::vector<float> embedding_of(JsonFields& fields) {
  std::vector<float> numbers;
  const Json* given = fields.member_or_null("embedding");
  if (!given) return numbers;
  for (const Json& number : *given) {
    if (!given->is_array() || !number.is_number() || numbers.size() >= kEmbeddingMax) {
      fields.fault("embedding", joined({"a list of at most ", kEmbeddingMax, " numbers"}),
                   describe(*given));
      break;
    }
    numbers.push_back(number.get<float>());
  }
  return numbers;
}

// What of an entry an agent is told.
Json told_of(const MemoryEntry& entry) {
  return {{"id", std::to_string(entry.id)},
          {"content", entry.content},
          {"memory_type", name_of(entry.type)},
          {"stored_ms", entry.stored_ms}};
}

Result<std::string> search(Memory& memory, JsonFields& fields, const Owner& reader,
                           MemoryScope scope, std::int64_t now_ms, MemoryChange& change) {
  const std::string text = fields.text("query", 1 << 20);
  Query query;
  query.text = text;
  query.limit =
      static_cast<std::uint32_t>(fields.integer_or("limit", 0, kRecallMax, kSearchDefault));
  query.embedding = embedding_of(fields);
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  Json entries = Json::array();
  change.written = memory.search(reader, scope, query, now_ms);
  for (const MemoryEntry& entry : change.written)
    entries.push_back(told_of(entry));
  return canonical(Json{{"entries", std::move(entries)}});
}

Result<MemoryEntry> entry_of(JsonFields& fields, const Owner& owner, const std::string& key) {
  MemoryEntry entry;
  entry.owner = owner;
  entry.content = fields.text("content", 1 << 20);
  // A long conversation is kept as far as an entry goes.
  if (entry.content.size() > kEntryBytesMax) {
    std::size_t at = kEntryBytesMax;
    while (at > 0 && (static_cast<unsigned char>(entry.content[at]) & 0xc0) == 0x80)
      --at;
    entry.content.resize(at);
  }
  entry.key = key;
  entry.embedding = embedding_of(fields);
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  return entry;
}

Result<std::string> store(Memory& memory, JsonFields& fields, const Owner& owner,
                          const std::string& key, std::int64_t now_ms, MemoryChange& change) {
  auto entry = entry_of(fields, owner, key);
  if (!entry) return entry.error();
  if (const MemoryEntry* known = memory.stored_under(owner, key)) return stored_answer(known->id);
  const auto id = memory.store(std::move(*entry), now_ms, change.dropped);
  if (!id) return id.error();
  change.written.push_back(memory.entries().at(*id));
  return stored_answer(*id);
}

}  // namespace

bool is_memory_call(std::string_view name) {
  return name == "memory.search" || name == "memory.store";
}

std::string stored_answer(std::uint64_t id) {
  return canonical(Json{{"id", std::to_string(id)}});
}

Result<MemoryEntry> read_store(std::string_view request, const Owner& who, const std::string& key) {
  const auto json = parse_json(request, kRequestLimits);
  if (!json) return json.error();
  JsonFields fields(*json, "bad_request");
  Owner owner = who;
  owner.agent = fields.text("agent", kNameBytesMax);
  owner.session = fields.text_or("run", kNameBytesMax, "");
  (void)scope_of(fields);
  auto entry = entry_of(fields, owner, key);
  if (entry && entry->content.empty())
    return make_error("bad_memory", {"an entry has no content"}, {"content"}, {"a text"}, {});
  return entry;
}

Result<std::string> call_memory(Memory& memory, std::string_view name, std::string_view request,
                                const Owner& who, const std::string& key, std::int64_t now_ms,
                                MemoryChange& change) {
  if (!is_memory_call(name))
    return make_error("unknown_builtin", {"there is no built-in ", name}, {},
                      {"memory.search or memory.store"}, {name});
  const auto json = parse_json(request, kRequestLimits);
  if (!json) return json.error();
  JsonFields fields(*json, "bad_request");
  Owner owner = who;
  owner.agent = fields.text("agent", kNameBytesMax);
  owner.session = fields.text_or("run", kNameBytesMax, "");
  const MemoryScope scope = scope_of(fields);
  return name == "memory.search" ? search(memory, fields, owner, scope, now_ms, change)
                                 : store(memory, fields, owner, key, now_ms, change);
}

}  // namespace redoubt::agents
