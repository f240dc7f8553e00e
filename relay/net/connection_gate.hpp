// How many connections there may be, over all and by address; shared by all shards.
//
// 1. IPv6 addresses count by their /64, which is what one subscriber gets.
// 2. A trusted proxy speaks for many: its connections are not counted by its address; what its
//    clients have under way is (enter_client).
// 3. The last connections are kept for this machine, the very last for the admin listener, whose
//    connections are counted apart: whoever fills the relay cannot shut its operator out.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "relay/http/message.hpp"

namespace redoubt::net {

class ConnectionGate {
 public:
  enum class Verdict : std::uint8_t {
    admitted,
    full,
    strangers_full,  ///< what is left is this machine's and the admin listener's
    address_full,
  };
  enum class Kind : std::uint8_t {
    ordinary,
    proxy,
    loopback,
    admin,  ///< to a listener that is kept reachable
  };
  using Key = http::ClientKey;
  static constexpr std::size_t reserve_max = 64;

  ConnectionGate(std::size_t total_max, std::size_t per_address_max)
      : total_max_(total_max), per_address_max_(per_address_max) {}

  static Key key(const boost::asio::ip::address& address);
  /// An admitted connection must leave() once.
  Verdict enter(const Key& key, Kind kind);
  void leave(const Key& key, Kind kind);
  std::size_t total() const;

  /// A request, stream or WebSocket of a proxy's client; false where the client has too many. An
  /// entered one must leave_client() once.
  bool enter_client(const Key& key);
  void leave_client(const Key& key);

 private:
  using Counts = std::map<Key, std::size_t>;
  std::size_t& count_of(Kind kind);
  bool is_full(Kind kind) const;
  bool is_full_of_strangers(Kind kind) const;
  std::size_t reserve() const;

  std::size_t total_max_;
  std::size_t per_address_max_;
  mutable std::mutex lock_;
  // Apart, so that each kind fills its own room: an admin connection takes nobody else's.
  std::size_t strangers_ = 0;
  std::size_t loopback_ = 0;
  std::size_t admin_ = 0;
  Counts by_address_;        // never longer than what is open
  Counts admin_by_address_;  // the same
  Counts by_client_;         // behind proxies
};

}  // namespace redoubt::net
