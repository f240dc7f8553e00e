// Where an upstream call goes, and how its server is to be recognised.
//
// 1. Immutable and shared: the connection pools of all shards key by its address in memory, so one
//    configured provider is one Destination.
// 2. TLS: 1.2 and 1.3, certificate chain and host name (or IP address) checked, SNI sent, ALPN
//    "http/1.1", sessions resumed. There is no switch that turns the check off; a private
//    authority is trusted by naming its file.
// 3. A proxy is spoken to with CONNECT for https, with the absolute form of the target for http.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::net {

struct Url {
  bool secure = false;
  std::string user_info;  ///< "name:password", percent-decoded; empty where there is none
  std::string host;       ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string path;  ///< from the first '/', without a trailing one; "" for the root
};

/// Reads http://host[:port][/path] or https://...; a query or fragment is refused. Errors: bad_url.
Result<Url> parse_url(std::string_view text);

/// A client's TLS context. `authorities_file` is a PEM bundle; empty: the system's. Errors:
/// bad_certificate.
Result<std::shared_ptr<SSL_CTX>> client_tls(const std::string& authorities_file);

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  ///< the value of Proxy-Authorization; empty where there is none
};

/// Reads http://[user:password@]host:port. Errors: bad_url.
Result<Proxy> parse_proxy(std::string_view text);

struct Destination {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<SSL_CTX> tls;  ///< null: plain HTTP
  std::optional<Proxy> proxy;

  /// "host" or "host:port", as the Host header has it.
  std::string authority() const;
};
using DestinationPtr = std::shared_ptr<const Destination>;

}  // namespace redoubt::net
