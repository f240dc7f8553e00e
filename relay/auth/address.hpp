// Address: an IP address as a value, and the questions that the relay asks of one.
//
// 1. An IPv4 address and its IPv6-mapped form (::ffff:1.2.3.4) are the same Address.
// 2. Text is parsed strictly (inet_pton): no names, no zones, no leading or trailing bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redoubt::auth {

struct Address {
  /// Network order; IPv4 lies in the last four bytes behind the mapping prefix ::ffff:0:0/96.
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Address&) const = default;
  bool is_v4() const;
  /// 127.0.0.0/8 and ::1.
  bool is_loopback() const;
};

/// Nothing where the text is not an address.
std::optional<Address> parse_address(std::string_view text);
std::string to_text(const Address& address);

/// An address with optional port as forwarded headers write it: "1.2.3.4", "1.2.3.4:80", "::1",
/// "[::1]", "[::1]:80". Nothing for names, "unknown" and obfuscated identifiers.
std::optional<Address> parse_node(std::string_view text);

/// A block of addresses: "10.0.0.0/8", "fd00::/8", or one address.
struct Network {
  Address first;
  int prefix_bits = 128;  ///< counted on the 128-bit form: 96 + n for IPv4
  bool contains(const Address& address) const;
};
std::optional<Network> parse_network(std::string_view text);

/// What limits count by: an IPv4 address whole, an IPv6 address by its /64, because a household
/// has a /64 at the least.
Address limit_key(const Address& address);

}  // namespace redoubt::auth
