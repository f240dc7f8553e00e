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

namespace {

bool count_up(std::map<ConnectionGate::Key, std::size_t>& counts, const ConnectionGate::Key& key,
              std::size_t count_max) {
  std::size_t& count = counts[key];
  if (count >= count_max) return false;  // count_max is not 0: an entry without a count never stays
  ++count;
  return true;
}

void count_down(std::map<ConnectionGate::Key, std::size_t>& counts,
                const ConnectionGate::Key& key) {
  const auto found = counts.find(key);
  if (found == counts.end()) return;
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

std::size_t ConnectionGate::reserve() const {
  return std::min(reserve_max, total_max_ / 8);
}

std::size_t& ConnectionGate::count_of(Kind kind) {
  if (kind == Kind::admin) return admin_;
  return kind == Kind::loopback ? loopback_ : strangers_;
}

bool ConnectionGate::is_full(Kind kind) const {
  if (kind == Kind::admin) return strangers_ + loopback_ + admin_ >= total_max_;
  return strangers_ + loopback_ >= total_max_ - reserve();
}

bool ConnectionGate::is_full_of_strangers(Kind kind) const {
  const bool strange = kind == Kind::ordinary || kind == Kind::proxy;
  return strange && strangers_ >= total_max_ - 2 * reserve();
}

ConnectionGate::Verdict ConnectionGate::enter(const Key& key, Kind kind) {
  const std::lock_guard guard(lock_);
  if (is_full_of_strangers(kind)) return Verdict::strangers_full;
  if (is_full(kind)) return Verdict::full;
  if (kind == Kind::admin) {
    if (!count_up(admin_by_address_, key, reserve_max)) return Verdict::address_full;
  } else if (kind != Kind::proxy) {
    if (!count_up(by_address_, key, per_address_max_)) return Verdict::address_full;
  }
  ++count_of(kind);
  return Verdict::admitted;
}

void ConnectionGate::leave(const Key& key, Kind kind) {
  const std::lock_guard guard(lock_);
  --count_of(kind);
  if (kind == Kind::admin) {
    count_down(admin_by_address_, key);
  } else if (kind != Kind::proxy) {
    count_down(by_address_, key);
  }
}

std::size_t ConnectionGate::total() const {
  const std::lock_guard guard(lock_);
  return strangers_ + loopback_ + admin_;
}

bool ConnectionGate::enter_client(const Key& key) {
  const std::lock_guard guard(lock_);
  return count_up(by_client_, key, per_address_max_);
}

void ConnectionGate::leave_client(const Key& key) {
  const std::lock_guard guard(lock_);
  count_down(by_client_, key);
}

}  // namespace redoubt::net
