// Caller: who sends a request and whether he may, as pure functions over header values.
//
// 1. The client is the TCP peer, unless that is a trusted proxy: then it is the right-most hop of
//    the forwarded chain that is not itself a trusted proxy. A trusted proxy that names no client
//    is refused: every caller would be taken for the proxy, with the proxy's rights.
// 2. A forwarded header where no proxy is trusted is refused, not ignored: a proxy was put in
//    front and the configuration not told, so that every limit would count the proxy.
// 3. Local is a loopback peer that speaks for itself. An address out of a header is never local,
//    nor is a request with any trace of a proxy (Via).
// 4. A browser cannot lie in Host and Origin. Host is checked against DNS rebinding, Origin
//    against other sites' scripts; programs that send no Origin are not stopped by it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/auth/address.hpp"

namespace redoubt::auth {

enum class Anonymous : std::uint8_t { off, local, on };

/// Header values as received; an absent header is an empty view.
struct Forwarded {
  std::string_view x_forwarded_for;
  std::string_view forwarded;  ///< RFC 7239
  std::string_view x_real_ip;
  bool any = false;  ///< any forwarded header was present, see is_forwarded_header
  bool via = false;  ///< RFC 9110 7.6.3: some proxy passed the request on
};

/// Does a proxy add this header to speak for somebody else? Every X-Forwarded-... and the names
/// that content delivery networks have for the client's address.
bool is_forwarded_header(std::string_view name);

/// Why a request is refused before it reaches a handler.
struct Refusal {
  int status = 403;
  std::string code;     ///< stable: forwarded_not_trusted, bad_forwarded, host_refused, ...
  std::string message;  ///< a sentence that says what to change
};

struct ClientAddress {
  Address address;
  bool relayed = false;  ///< a proxy passed the request on, or `address` is out of a header
  std::optional<Refusal> refusal;

  /// Somebody at this machine.
  bool is_local() const { return !relayed && address.is_loopback(); }
};

/// Hops in a forwarded header that are looked at; a longer chain is refused.
constexpr int hops_max = 32;

ClientAddress client_address(const Address& peer, const Forwarded& headers,
                             std::span<const Network> trusted_proxies);

/// May a caller without a token use this listener?
std::optional<Refusal> check_anonymous(Anonymous anonymous, const ClientAddress& client);

/// `hosts` are lower-case names without port; "*" allows any. localhost, 127.0.0.1 and [::1] are
/// always allowed. `host` is the Host header.
std::optional<Refusal> check_host(std::string_view host, std::span<const std::string> hosts);

}  // namespace redoubt::auth
