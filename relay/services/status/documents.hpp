// Documents: the API's description and its explorer, served from the binary.
//
// The same document at /openapi.json and /api/openapi.json, the same explorer at /docs, /redoc and
// /api/docs, because the clients' original backends have them there.
#pragma once

#include <memory>
#include <string>

#include "relay/contract/route.hpp"

namespace redoubt::services {

class Documents {
 public:
  /// This outlives them.
  std::vector<contract::Route> routes();
  /// Describes the listeners' routes, those of this among them. Before a handler is called.
  /// Throws std::invalid_argument (contract/description.hpp).
  void describe(const contract::Routes& routes);

  /// REQUIRES: described
  const std::string& openapi() const { return *openapi_; }

 private:
  std::shared_ptr<const std::string> openapi_;
};

}  // namespace redoubt::services
