// How many connections there may be, over all and by address; shared by all shards.
//
// IPv6 addresses count by their /64, which is what one subscriber gets.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace redoubt::net {

class ConnectionGate {
 public:
  enum class Verdict : std::uint8_t { admitted, full, address_full };
  /// What connections are counted by: the first 8 bytes of the IPv6 form, or of the IPv4 address.
  using Key = std::array<unsigned char, 8>;

  ConnectionGate(std::size_t total_max, std::size_t per_address_max)
      : total_max_(total_max), per_address_max_(per_address_max) {}

  static Key key(const boost::asio::ip::address& address);
  /// An admitted connection must leave() once.
  Verdict enter(const Key& key);
  void leave(const Key& key);
  std::size_t total() const;

 private:
  std::size_t total_max_;
  std::size_t per_address_max_;
  mutable std::mutex lock_;
  std::size_t total_ = 0;
  std::map<Key, std::size_t> by_address_;  // never longer than total_
};

}  // namespace redoubt::net
