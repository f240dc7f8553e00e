#include "relay/auth/caller.hpp"

#include <algorithm>
#include <array>

#include "relay/auth/text.hpp"

namespace redoubt::auth {
namespace {

constexpr std::array<std::string_view, 9> forwarded_names{
    "x-forwarded-for",  "forwarded",           "x-real-ip",
    "x-forwarded-host", "x-forwarded-proto",   "x-forwarded-port",
    "x-client-ip",      "x-cluster-client-ip", "true-client-ip"};

// The for= value of one RFC 7239 element: `for="[2001:db8::1]:4711";proto=http`.
std::string_view for_value(std::string_view element) {
  while (!element.empty()) {
    const std::size_t cut = std::min(element.find(';'), element.size());
    const std::string_view pair = trim(element.substr(0, cut));
    element.remove_prefix(std::min(cut + 1, element.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !equal_no_case(pair.substr(0, equals), "for")) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return {};
}

// Hops from left (the client as first seen) to right (our neighbour); empty where too many.
std::vector<std::string_view> split_hops(std::string_view list, bool rfc7239) {
  std::vector<std::string_view> hops;
  while (true) {
    if (static_cast<int>(hops.size()) >= hops_max) return {};
    const std::size_t cut = std::min(list.find(','), list.size());
    const std::string_view element = trim(list.substr(0, cut));
    hops.push_back(rfc7239 ? for_value(element) : element);
    if (cut == list.size()) return hops;
    list.remove_prefix(cut + 1);
  }
}

bool trusted(const Address& address, std::span<const Network> networks) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

ClientAddress refuse(const Address& peer, std::string code, std::string message) {
  ClientAddress result{.address = peer};
  result.refusal = Refusal{.status = 400, .code = std::move(code), .message = std::move(message)};
  return result;
}

}  // namespace

bool is_forwarded_header(std::string_view name) {
  return std::any_of(forwarded_names.begin(), forwarded_names.end(),
                     [&](std::string_view known) { return equal_no_case(name, known); });
}

ClientAddress client_address(const Address& peer, const Forwarded& headers,
                             std::span<const Network> trusted_proxies) {
  if (!headers.any) return {.address = peer};
  if (!trusted(peer, trusted_proxies)) {
    return refuse(peer, "forwarded_not_trusted",
                  "a forwarded header came from " + to_text(peer) +
                      ", which is not among this listener's trusted_proxies");
  }
  if (!headers.x_forwarded_for.empty() && !headers.forwarded.empty()) {
    return refuse(peer, "bad_forwarded",
                  "both Forwarded and X-Forwarded-For are present; let the proxy send one");
  }
  const bool rfc7239 = !headers.forwarded.empty();
  std::string_view list = rfc7239 ? headers.forwarded : headers.x_forwarded_for;
  if (list.empty()) list = headers.x_real_ip;
  if (list.empty()) return {.address = peer};
  const std::vector<std::string_view> hops = split_hops(list, rfc7239);
  if (hops.empty()) {
    return refuse(peer, "bad_forwarded",
                  "the forwarded chain has more than " + std::to_string(hops_max) + " hops");
  }
  ClientAddress result{.address = peer};
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const std::optional<Address> address = parse_node(*hop);
    if (!address) {
      return refuse(peer, "bad_forwarded", "the forwarded chain names a hop without an IP address");
    }
    result.address = *address;
    if (!trusted(*address, trusted_proxies)) return result;
  }
  return result;
}

std::optional<Refusal> check_anonymous(Anonymous anonymous, const Address& client) {
  if (anonymous == Anonymous::on) return std::nullopt;
  if (anonymous == Anonymous::local && client.is_loopback()) return std::nullopt;
  return Refusal{.status = 401,
                 .code = "anonymous_refused",
                 .message = anonymous == Anonymous::local
                                ? "this listener answers callers without a token only from its own "
                                  "machine (anonymous: local)"
                                : "this listener answers no caller without a token "
                                  "(anonymous: off)"};
}

std::optional<Refusal> check_host(std::string_view host, std::span<const std::string> hosts) {
  const std::string name = host_name(host);
  const auto is = [&](std::string_view allowed) { return allowed == "*" || allowed == name; };
  constexpr std::array<std::string_view, 3> always{"localhost", "127.0.0.1", "[::1]"};
  const bool allowed =
      std::any_of(always.begin(), always.end(), is) || std::any_of(hosts.begin(), hosts.end(), is);
  if (allowed) return std::nullopt;
  return Refusal{.status = 421,
                 .code = "host_refused",
                 .message =
                     "this relay does not answer for the host in the request; add it to the "
                     "listener's hosts if it should"};
}

}  // namespace redoubt::auth
