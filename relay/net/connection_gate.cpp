#include "relay/net/connection_gate.hpp"

#include <algorithm>

namespace redoubt::net {

ConnectionGate::Key ConnectionGate::key(const boost::asio::ip::address& address) {
  Key key{};
  if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
    const auto bytes = address.to_v6().to_bytes();
    std::copy_n(bytes.begin(), key.size(), key.begin());
    return key;
  }
  const auto v4 = address.is_v4() ? address.to_v4()
                                  : boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped,
                                                                     address.to_v6());
  const auto bytes = v4.to_bytes();
  // No global IPv6 address starts with zero bytes, so the two forms cannot collide.
  std::copy_n(bytes.begin(), bytes.size(), key.begin() + 4);
  return key;
}

ConnectionGate::Verdict ConnectionGate::enter(const Key& key) {
  const std::lock_guard guard(lock_);
  if (total_ >= total_max_) return Verdict::full;
  std::size_t& count = by_address_[key];
  if (count >= per_address_max_) return Verdict::address_full;
  ++count;
  ++total_;
  return Verdict::admitted;
}

void ConnectionGate::leave(const Key& key) {
  const std::lock_guard guard(lock_);
  const auto found = by_address_.find(key);
  if (found == by_address_.end()) return;
  --total_;
  if (--found->second == 0) by_address_.erase(found);
}

std::size_t ConnectionGate::total() const {
  const std::lock_guard guard(lock_);
  return total_;
}

}  // namespace redoubt::net
