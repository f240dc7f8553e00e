#include "relay/upstream/provider_address.hpp"

#include <utility>

namespace redoubt::upstream {

namespace {

Error of(const char* member, Error error) {
  error.path = member;
  return error;
}

}  // namespace

Result<net::DestinationPtr> destination_of(const ProviderAddress& address) {
  auto url = net::parse_url(address.base_url);
  if (!url) return of("base_url", url.error());
  net::Destination to;
  to.host = url->host;
  to.port = url->port;
  if (url->secure) {
    auto tls = net::client_tls(address.authorities_file);
    if (!tls) return of("authorities_file", tls.error());
    to.tls = std::move(*tls);
  }
  if (!address.proxy.empty()) {
    auto proxy = net::parse_proxy(address.proxy);
    if (!proxy) return of("proxy", proxy.error());
    to.proxy = std::move(*proxy);
  }
  return std::make_shared<const net::Destination>(std::move(to));
}

}  // namespace redoubt::upstream
