// What an operation takes as its body, read from the API's description: the schema that a body of
// JSON must fit, and what else may come in its place.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/schema/schema.hpp"
#include "relay/contract/route.hpp"

namespace redoubt::contract {

struct BodyTerms {
  schema::Schema schema;                 ///< of application/json
  bool required = false;                 ///< an empty body is refused
  std::vector<std::string> other_types;  ///< media types whose bodies the handler reads itself
};

/// Of the route's operation in a document that describe() made. Throws std::invalid_argument where
/// it declares no body of JSON, or a schema that cannot be compiled.
BodyTerms body_terms(const nlohmann::json& document, const Route& route);

}  // namespace redoubt::contract
