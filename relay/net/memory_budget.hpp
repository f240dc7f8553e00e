// How much memory unfinished requests and WebSocket messages may hold, over all shards.
//
// 1. What is counted is capacity that was really taken, not what a client announced.
// 2. Three shares: what arrives and has no owner yet (heads, TLS handshakes) has a quarter; bodies
//    and messages of strangers (no token was verified) have half; callers with a token have what is
//    left. So neither a stranger nor a botnet of them can keep a caller with a token from sending,
//    or a new connection from being heard.
// 3. One address has three eighths of all, and so has one caller with a token, from however many
//    addresses they come.
// 4. The last eighth is for whoever holds little: however many callers with tokens fill the rest,
//    small requests of others pass. Once it is begun (is_short), those who hold memory have to get
//    on with their bodies and answers at a least rate (deadlines.hpp), or are cut: so many small
//    holders do not fill it for longer than that.
// 5. Connections to the admin listener have a quarter of their own beside all of it: whoever fills
//    the relay's memory cannot keep its operator from reading the metrics.
// 6. Only what has to wait for its client or its answer is counted: a request that is read, handled
//    and answered at once costs no lock.
//
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "relay/http/message.hpp"

namespace redoubt::net {

class MemoryBudget {
 public:
  enum class Share : std::uint8_t { arriving, stranger, caller, admin };
  /// On whom something is counted.
  struct Account {
    http::ClientKey key{};
    Share share = Share::arriving;
    std::string identity{};  ///< of a caller (http::Payer::identity); others are their address

    bool operator==(const Account&) const = default;
  };

  /// Who holds no more has the last eighth, too: a head, a small body and their buffers.
  static constexpr std::size_t small_bytes_max = 64u << 10;

  explicit MemoryBudget(std::size_t bytes_max)
      : bytes_max_(bytes_max),
        share_bytes_max_{bytes_max / 4, bytes_max / 2, bytes_max, bytes_max / 4},
        holder_bytes_max_(bytes_max / 8 * 3),
        reserve_bytes_(bytes_max / 8) {}

  /// False where there is no room; then nothing is counted.
  bool take(const Account& account, std::size_t bytes);
  void give_back(const Account& account, std::size_t bytes);
  /// Would `bytes` more of the address be too much, whatever others hold?
  bool address_full(const http::ClientKey& key, std::size_t bytes) const;
  /// Only who holds little finds room.
  bool is_short() const;
  /// What is held in all, without the admin listener's.
  std::size_t bytes() const;

 private:
  const std::size_t bytes_max_;
  const std::array<std::size_t, 4> share_bytes_max_;
  const std::size_t holder_bytes_max_;  // of an address, of a caller
  const std::size_t reserve_bytes_;
  mutable std::mutex lock_;
  std::size_t bytes_ = 0;
  std::array<std::size_t, 4> of_share_{};
  std::map<http::ClientKey, std::size_t> by_address_;  // who holds something
  std::map<std::string, std::size_t> by_caller_;
};

/// Counts on the account, whoever calls it and wherever what it gives is let go.
http::HoldMemory memory_holder(std::shared_ptr<MemoryBudget> budget,
                               const MemoryBudget::Account& account);

/// A part of the budget that one connection holds; given back at the end. Not thread-safe.
class HeldMemory {
 public:
  HeldMemory(std::shared_ptr<MemoryBudget> budget, const MemoryBudget::Account& account)
      : budget_(std::move(budget)), account_(account) {}
  ~HeldMemory() { resize(0); }
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;

  /// False where there is no room for more; then it holds what it held.
  bool resize(std::size_t bytes);
  /// Counts on somebody else from now on. False where they have no room: then nothing is held.
  bool move_to(const MemoryBudget::Account& account);
  /// All that `other` holds, which holds nothing then. REQUIRES: one account of one budget.
  void take_over(HeldMemory& other) { bytes_ += std::exchange(other.bytes_, 0); }
  const MemoryBudget::Account& account() const { return account_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  MemoryBudget::Account account_;
  std::size_t bytes_ = 0;
};

}  // namespace redoubt::net
