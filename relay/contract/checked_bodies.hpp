// Checked bodies: what a route's description says of its body holds before its handler is called.
//
// 1. A JsonHandler gets the body as a value that fits the declared schema. What is no
//    JSON, nested too deep, too long or does not fit is refused here, in the route's dialect; the
//    handler says only what no schema can say.
// 2. Handlers of other kinds read their bodies themselves, and a declared schema only describes:
// the
//    doors of /v1 and /v1beta (engine/llm says in each format's own words what is wrong), the
//    game's questions (engine/strategy/requests has FastAPI's types of errors, in the page as
//    well), and POST /api/session, which reads a body only of who holds the service's secret.
// 3. A body that takes long is read in the compute pool.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "relay/contract/body_terms.hpp"
#include "relay/contract/route.hpp"
#include "relay/net/compute_pool.hpp"

namespace redoubt::contract {

class CheckedBodies {
 public:
  /// `pool` outlives the handlers; `document`: the API's description.
  CheckedBodies(net::ComputePool& pool, int depth_max, const std::string& document);

  /// Calls the route's handler with bodies that fit. Throws as body_terms().
  http::AsyncHandler operator()(const Route& route, JsonHandler handler) const;

 private:
  net::ComputePool& pool_;
  int depth_max_;
  std::shared_ptr<const nlohmann::json> document_;
};

}  // namespace redoubt::contract
