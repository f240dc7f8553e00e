// GET /api/usage: what the caller used and spent, by day, month and model.
#pragma once

#include "relay/contract/route.hpp"
#include "relay/limits/ledger.hpp"
#include "relay/observe/log.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

class Usage {
 public:
  /// All outlive this.
  Usage(upstream::Gateway& gateway, limits::Ledger& ledger, observe::Log& log)
      : gateway_(gateway), ledger_(ledger), log_(log) {}
  std::vector<contract::Route> routes();

 private:
  net::Task<http::Response> usage(http::Request& request);

  upstream::Gateway& gateway_;
  limits::Ledger& ledger_;
  observe::Log& log_;
};

}  // namespace redoubt::services
