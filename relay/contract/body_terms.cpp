#include "relay/contract/body_terms.hpp"

#include <stdexcept>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::contract {
namespace {

constexpr const char* json_type = "application/json";
constexpr std::string_view schemas_place = "#/components/schemas/";

const Json* operation_of(const Json& document, const std::string& id) {
  for (const Json& path : document.at("paths"))
    for (const Json& operation : path)
      if (operation.at("operationId") == id) return &operation;
  return nullptr;
}

/// The schemas that `at` refers to, and those that they do.
void gather(const Json& at, const Json& schemas, Json& gathered) {
  if (at.is_object() && at.contains("$ref")) {
    const std::string name = at["$ref"].get<std::string>().substr(schemas_place.size());
    if (!gathered.contains(name)) gather(gathered[name] = schemas.at(name), schemas, gathered);
  }
  if (!at.is_structured()) return;
  for (const Json& member : at)
    gather(member, schemas, gathered);
}

}  // namespace

BodyTerms body_terms(const Json& document, const Route& route) {
  const auto refuse = [&route](std::string_view why) {
    throw std::invalid_argument(joined({"route ", route.pattern, ": ", why}));
  };
  const Json* operation = operation_of(document, route.operation.id());
  const Json::json_pointer place("/requestBody/content");
  if (operation == nullptr || !operation->contains(place / json_type))
    refuse("its operation declares no body of JSON");
  const Json& content = operation->at(place);
  const Json& declared = content.at(json_type).at("schema");
  Json gathered = Json::object();
  gather(Json(declared), document.at("components").at("schemas"), gathered);
  const Json whole{{"allOf", {declared}}, {"components", {{"schemas", std::move(gathered)}}}};
  auto schema = schema::Schema::compile(whole);
  if (!schema) refuse(joined({"the schema of its body: ", schema.error().message}));
  BodyTerms terms{.schema = std::move(*schema),
                  .required = operation->at("requestBody").value("required", false)};
  for (const auto& [type, body] : content.items())
    if (type != json_type) terms.other_types.push_back(type);
  return terms;
}

}  // namespace redoubt::contract
