#include "relay/auth/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace redoubt::auth {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t text_bytes_max = INET6_ADDRSTRLEN;

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool Address::is_v4() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

bool Address::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
         bytes[15] == 1;
}

std::optional<Address> parse_address(std::string_view text) {
  if (text.empty() || text.size() >= text_bytes_max) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  in_addr v4{};
  if (inet_pton(AF_INET, terminated.c_str(), &v4) == 1) {
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.bytes.begin());
    std::memcpy(address.bytes.data() + 12, &v4, 4);
    return address;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, terminated.c_str(), &v6) == 1) {
    std::memcpy(address.bytes.data(), &v6, 16);
    return address;
  }
  return std::nullopt;
}

std::string to_text(const Address& address) {
  char text[text_bytes_max];
  const bool v4 = address.is_v4();
  const void* from = address.bytes.data() + (v4 ? 12 : 0);
  const char* written = inet_ntop(v4 ? AF_INET : AF_INET6, from, text, sizeof text);
  return written == nullptr ? std::string() : std::string(written);
}

std::optional<Address> parse_node(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    const std::optional<Address> inside = parse_address(text.substr(1, close - 1));
    return inside && !inside->is_v4() ? inside : std::nullopt;
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    return is_port(text.substr(colon + 1)) ? parse_address(text.substr(0, colon)) : std::nullopt;
  }
  return parse_address(text);
}

bool Network::contains(const Address& address) const {
  const int whole_bytes = prefix_bits / 8;
  const int rest_bits = prefix_bits % 8;
  if (!std::equal(first.bytes.begin(), first.bytes.begin() + whole_bytes, address.bytes.begin())) {
    return false;
  }
  if (rest_bits == 0) return true;
  const int mask = 0xff << (8 - rest_bits) & 0xff;
  return (first.bytes[whole_bytes] & mask) == (address.bytes[whole_bytes] & mask);
}

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<Address> first = parse_address(text.substr(0, slash));
  if (!first) return std::nullopt;
  Network network{.first = *first};
  if (slash == std::string_view::npos) return network;
  const std::string_view bits = text.substr(slash + 1);
  const int bits_max = text.find(':') == std::string_view::npos ? 32 : 128;
  int prefix = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  if (error != std::errc() || end != bits.data() + bits.size() || prefix < 0 || prefix > bits_max) {
    return std::nullopt;
  }
  network.prefix_bits = prefix + 128 - bits_max;
  return network;
}

Address limit_key(const Address& address) {
  if (address.is_v4()) return address;
  Address key = address;
  std::fill(key.bytes.begin() + 8, key.bytes.end(), std::uint8_t{0});
  return key;
}

}  // namespace redoubt::auth
