// MemoryBook: what the agents of an owner's runs remember, read from the store once and then held
// in memory while it is used.
//
// 1. Calls of one owner come one after the other: each is carried out over what the one before
// left,
//    and told once the store has kept what it changed.
// 2. Entries are read in slices of memory_slice_entries, each a job of its own, so that neither the
//    store's writer nor the thread of the runs is held up by them.
// 3. What one owner may keep is the engine's bound (agents::kOwnerEntriesMax, kOwnerBytesMax): the
//    oldest entries go. All books together are at most books_max and hold at most books_bytes_max;
//    the one that was not used for longest is closed first, and read again when it is needed.
//
// Not thread-safe: on the thread of the runs. `on_thread` brings the store's answers there.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/agents/memory.hpp"
#include "engine/base/result.hpp"
#include "relay/auth/identity.hpp"
#include "relay/services/runs/agent_memory_store.hpp"

namespace redoubt::runs {

constexpr std::size_t books_bytes_max = 64u << 20;
constexpr std::size_t books_max = 1'024;
constexpr std::size_t memory_slice_entries = 128;
/// Calls of one owner that wait for one another.
constexpr std::size_t memory_calls_max = 1'024;

/// memory.search or memory.store, as an agent of a run asks for it (engine/agents/memory_call.hpp).
struct MemoryCall {
  auth::Identity owner;
  std::string name;
  std::string request;
  std::string key;
  std::int64_t now_ms = 0;
};

class MemoryBook {
 public:
  using Work = std::function<void()>;
  /// `store` outlives the book; `on_thread` may be called on any thread, and drops the work when
  /// the book is to end.
  MemoryBook(AgentMemoryStore& store, std::function<void(Work)> on_thread)
      : store_(store), on_thread_(std::move(on_thread)) {}

  /// The answer, once what it changed is kept. Errors: busy, and those of call_memory.
  void call(MemoryCall call, Callback<std::string> callback);

 private:
  struct Waiting {
    MemoryCall call;
    Callback<std::string> callback;
  };
  struct Book {
    agents::Memory memory;
    std::map<std::uint64_t, std::size_t> sizes;  ///< bytes of each entry, by id
    std::size_t bytes = 0;
    bool whole = false;      ///< everything of the store is in it
    bool busy = false;       ///< it is being read, or a call's change is being kept
    std::uint64_t last = 0;  ///< the entry that was read last
    std::deque<Waiting> waiting;
    std::uint64_t used = 0;  ///< when, as a count of calls
  };

  void go_on(const auth::Identity& owner);
  void read_slice(const auth::Identity& owner);
  void take_slice(const auth::Identity& owner, Result<std::vector<std::string>> entries);
  void carry_out(const auth::Identity& owner, Book& book);
  void keep(const auth::Identity& owner, std::vector<agents::MemoryEntry> written,
            std::vector<std::uint64_t> dropped, std::string answer, Callback<std::string> callback);
  void fail(const auth::Identity& owner, const Error& error);
  void close_unused();

  AgentMemoryStore& store_;
  std::function<void(Work)> on_thread_;
  std::map<auth::Identity, Book> books_;
  std::size_t bytes_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace redoubt::runs
