// ProviderAddress: where a provider is, in words, and as a destination of calls.
#pragma once

#include <string>

#include "engine/base/result.hpp"
#include "relay/net/destination.hpp"

namespace redoubt::upstream {

struct ProviderAddress {
  std::string base_url;
  std::string authorities_file;  ///< PEM; empty: the system's
  std::string proxy;             ///< empty: none
};

/// Errors: bad_url, bad_certificate.
Result<net::DestinationPtr> destination_of(const ProviderAddress& address);

}  // namespace redoubt::upstream
