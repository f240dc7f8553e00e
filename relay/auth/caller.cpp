#include "relay/auth/caller.hpp"

#include <algorithm>
#include <array>

#include "relay/auth/text.hpp"

namespace redoubt::auth {
namespace {

constexpr std::string_view forwarded_prefix = "x-forwarded-";
constexpr std::array<std::string_view, 14> forwarded_names{"forwarded",
                                                           "x-real-ip",
                                                           "x-client-ip",
                                                           "x-cluster-client-ip",
                                                           "x-original-forwarded-for",
                                                           "x-envoy-external-address",
                                                           "x-azure-clientip",
                                                           "x-appengine-user-ip",
                                                           "true-client-ip",
                                                           "cf-connecting-ip",
                                                           "cf-connecting-ipv6",
                                                           "fastly-client-ip",
                                                           "fly-client-ip",
                                                           "do-connecting-ip"};

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
  ClientAddress result{.address = peer, .relayed = true};
  result.refusal = Refusal{.status = 400, .code = std::move(code), .message = std::move(message)};
  return result;
}

ClientAddress refuse_untrusted(const Address& peer) {
  return refuse(peer, "forwarded_not_trusted",
                "a forwarded header came from " + to_text(peer) +
                    ", which is not among this listener's trusted_proxies");
}

ClientAddress refuse_nameless(const Address& peer) {
  return refuse(peer, "forwarded_missing",
                "the trusted proxy " + to_text(peer) +
                    " did not say for whom it asks; let it set X-Forwarded-For (nginx: "
                    "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for), or Forwarded, "
                    "or X-Real-IP");
}

// The right-most hop that is no trusted proxy; the left-most where all of them are.
ClientAddress walk(const Address& peer, std::span<const std::string_view> hops,
                   std::span<const Network> trusted_proxies) {
  ClientAddress result{.address = peer, .relayed = true};
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const std::optional<Address> address = parse_node(*hop);
    if (!address) {
      return refuse(peer, "bad_forwarded", "the forwarded chain names a hop without an IP address");
    }
    result.address = *address;
    if (!trusted(*address, trusted_proxies)) break;
  }
  return result;
}

// A proxy that sets X-Real-IP and lets the client's own X-Forwarded-For through, or the other way
// round, would let the client choose its address. The neighbour of a chain of proxies may be named
// by X-Real-IP: then it is the chain's last hop.
bool agrees(std::string_view x_real_ip, const Address& client, std::string_view last_hop) {
  const std::optional<Address> real = parse_node(x_real_ip);
  return real && (*real == client || real == parse_node(last_hop));
}

}  // namespace

bool is_forwarded_header(std::string_view name) {
  if (name.size() > forwarded_prefix.size() &&
      equal_no_case(name.substr(0, forwarded_prefix.size()), forwarded_prefix)) {
    return true;
  }
  return std::any_of(forwarded_names.begin(), forwarded_names.end(),
                     [&](std::string_view known) { return equal_no_case(name, known); });
}

ClientAddress client_address(const Address& peer, const Forwarded& headers,
                             std::span<const Network> trusted_proxies) {
  if (!trusted(peer, trusted_proxies)) {
    if (headers.any) return refuse_untrusted(peer);
    return {.address = peer, .relayed = headers.via};
  }
  if (!headers.x_forwarded_for.empty() && !headers.forwarded.empty()) {
    return refuse(peer, "bad_forwarded",
                  "both Forwarded and X-Forwarded-For are present; let the proxy send one");
  }
  const bool rfc7239 = !headers.forwarded.empty();
  std::string_view list = rfc7239 ? headers.forwarded : headers.x_forwarded_for;
  if (list.empty()) list = headers.x_real_ip;
  if (list.empty()) return refuse_nameless(peer);
  const std::vector<std::string_view> hops = split_hops(list, rfc7239);
  if (hops.empty()) {
    return refuse(peer, "bad_forwarded",
                  "the forwarded chain has more than " + std::to_string(hops_max) + " hops");
  }
  ClientAddress client = walk(peer, hops, trusted_proxies);
  if (!client.refusal && !headers.x_real_ip.empty() &&
      !agrees(headers.x_real_ip, client.address, hops.back())) {
    return refuse(peer, "bad_forwarded",
                  "X-Real-IP names another client than the right-most untrusted hop of "
                  "X-Forwarded-For or Forwarded; let the proxy set both, or remove the one that "
                  "it does not set");
  }
  return client;
}

std::optional<Refusal> check_anonymous(Anonymous anonymous, const ClientAddress& client) {
  if (anonymous == Anonymous::on) return std::nullopt;
  if (anonymous == Anonymous::local && client.is_local()) return std::nullopt;
  return Refusal{.status = 401,
                 .code = "anonymous_refused",
                 .message = anonymous == Anonymous::local
                                ? "this listener answers callers without a token only from its own "
                                  "machine and not through a proxy (anonymous: local)"
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
