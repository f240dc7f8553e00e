#include "relay/services/runs/memory_book.hpp"

#include <algorithm>
#include <utility>

#include "engine/agents/memory_call.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::runs {
namespace {

constexpr std::size_t entry_bytes_max = 4u << 20;

Result<agents::MemoryEntry> entry_of(const std::string& text) {
  const auto json = parse_json(text, {entry_bytes_max, 32});
  if (!json) return json.error();
  return agents::read_entry(*json);
}

}  // namespace

void MemoryBook::call(MemoryCall call, Callback<std::string> callback) {
  const auth::Identity owner = call.owner;
  Book& book = books_[owner];
  if (book.waiting.size() >= memory_calls_max)
    return callback(Error{.code = "busy", .message = "too many calls of this memory wait"});
  book.used = ++calls_;
  book.waiting.push_back({std::move(call), std::move(callback)});
  go_on(owner);
}

void MemoryBook::go_on(const auth::Identity& owner) {
  const auto found = books_.find(owner);
  if (found == books_.end() || found->second.busy) return;
  Book& book = found->second;
  if (book.waiting.empty()) return close_unused();
  if (!book.whole) return read_slice(owner);
  carry_out(owner, book);
}

void MemoryBook::read_slice(const auth::Identity& owner) {
  Book& book = books_[owner];
  book.busy = true;
  store_.read(owner, book.last, memory_slice_entries,
              [this, owner](Result<std::vector<std::string>> entries) {
                auto shared =
                    std::make_shared<Result<std::vector<std::string>>>(std::move(entries));
                on_thread_([this, owner, shared] { take_slice(owner, std::move(*shared)); });
              });
}

void MemoryBook::take_slice(const auth::Identity& owner, Result<std::vector<std::string>> entries) {
  const auto found = books_.find(owner);
  if (found == books_.end()) return;
  Book& book = found->second;
  book.busy = false;
  if (!entries) return fail(owner, entries.error());
  for (const std::string& text : *entries) {
    auto entry = entry_of(text);
    if (!entry) return fail(owner, entry.error());
    book.last = entry->id;
    const std::size_t bytes = agents::bytes_of(*entry);
    book.sizes[entry->id] = bytes;
    book.bytes += bytes;
    bytes_ += bytes;
    if (auto restored = book.memory.restore(std::move(*entry)); !restored)
      return fail(owner, restored.error());
  }
  book.whole = entries->size() < memory_slice_entries;
  go_on(owner);
}

void MemoryBook::carry_out(const auth::Identity& owner, Book& book) {
  Waiting next = std::move(book.waiting.front());
  book.waiting.pop_front();
  agents::MemoryChange change;
  change.dropped = book.memory.clean(next.call.now_ms);
  Result<std::string> answer = agents::call_memory(book.memory, next.call.name, next.call.request,
                                                   {owner.tenant, owner.subject, {}, {}},
                                                   next.call.key, next.call.now_ms, change);
  for (const std::uint64_t id : change.dropped) {
    const auto size = book.sizes.find(id);
    if (size == book.sizes.end()) continue;
    book.bytes -= size->second;
    bytes_ -= size->second;
    book.sizes.erase(size);
  }
  for (const agents::MemoryEntry& entry : change.written) {
    std::size_t& size = book.sizes[entry.id];
    const std::size_t bytes = agents::bytes_of(entry);
    book.bytes += bytes - size;
    bytes_ += bytes - size;
    size = bytes;
  }
  if (change.written.empty() && change.dropped.empty()) {
    next.callback(std::move(answer));
    return go_on(owner);
  }
  book.busy = true;
  if (!answer) {
    // What was forgotten stays forgotten.
    return keep(owner, {}, std::move(change.dropped), {},
                [callback = std::move(next.callback), error = answer.error()](Result<std::string>) {
                  callback(error);
                });
  }
  keep(owner, std::move(change.written), std::move(change.dropped), std::move(*answer),
       std::move(next.callback));
}

void MemoryBook::keep(const auth::Identity& owner, std::vector<agents::MemoryEntry> written,
                      std::vector<std::uint64_t> dropped, std::string answer,
                      Callback<std::string> callback) {
  auto answered = std::make_shared<std::string>(std::move(answer));
  auto shared_callback = std::make_shared<Callback<std::string>>(std::move(callback));
  store_.keep(owner, std::move(written), std::move(dropped),
              [this, owner, answered, shared_callback](Result<void> kept) {
                on_thread_([this, owner, answered, shared_callback, kept] {
                  if (kept) {
                    if (const auto found = books_.find(owner); found != books_.end())
                      found->second.busy = false;
                    (*shared_callback)(std::move(*answered));
                    return go_on(owner);
                  }
                  (*shared_callback)(kept.error());
                  fail(owner, kept.error());
                });
              });
}

// What is in memory and what is in the store may differ now: it is read again at the next call.
void MemoryBook::fail(const auth::Identity& owner, const Error& error) {
  const auto found = books_.find(owner);
  if (found == books_.end()) return;
  bytes_ -= found->second.bytes;
  std::deque<Waiting> waiting = std::move(found->second.waiting);
  books_.erase(found);
  for (Waiting& one : waiting)
    one.callback(error);
}

void MemoryBook::close_unused() {
  while (bytes_ > books_bytes_max || books_.size() > books_max) {
    auto oldest = books_.end();
    for (auto at = books_.begin(); at != books_.end(); ++at) {
      if (at->second.busy || !at->second.waiting.empty()) continue;
      if (oldest == books_.end() || at->second.used < oldest->second.used) oldest = at;
    }
    if (oldest == books_.end()) return;
    bytes_ -= oldest->second.bytes;
    books_.erase(oldest);
  }
}

}  // namespace redoubt::runs
