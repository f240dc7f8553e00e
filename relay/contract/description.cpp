#include "relay/contract/description.hpp"

#include <set>
#include <stdexcept>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::contract {
namespace {

using OrderedJson = nlohmann::ordered_json;  // readers see the files' order

[[noreturn]] void refuse(std::string_view what, std::string_view name, std::string_view why) {
  throw std::invalid_argument(joined({what, " ", name, ": ", why}));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    c = ascii_lower(c);
  return result;
}

/// The one route that an operation is described at.
const Route& route_of(const std::string& operation, const Routes& routes) {
  const Route* found = nullptr;
  for (const Route& route : routes.all()) {
    if (!route.operation.is_described_here() || route.operation.id() != operation) continue;
    if (found != nullptr) refuse("operation", operation, "two routes are described by it");
    found = &route;
  }
  if (found == nullptr) refuse("operation", operation, "no route is described by it");
  return *found;
}

/// The base document's response of a refusal in the dialect.
std::string_view refusal_name(Dialect dialect) {
  switch (dialect.kind()) {
    case Dialect::Kind::fastapi:
      return "Detail";
    case Dialect::Kind::openai:
      return "OpenAIError";
    case Dialect::Kind::anthropic:
      return "AnthropicError";
    case Dialect::Kind::gemini:
      return "GeminiError";
    case Dialect::Kind::of_sdk:
      return "AnySdkError";
    case Dialect::Kind::problem:
      break;
  }
  return "Problem";
}

/// Refusals have the dialect's shape: what no status tells apart, and errors whose own shape the
/// service does not say.
void add_refusals(OrderedJson& responses, Dialect dialect, const OrderedJson& base) {
  const std::string name(refusal_name(dialect));
  for (auto& [status, response] : responses.items()) {
    const bool open = !response.contains("$ref") && !response.contains("content");
    if (status >= "400" && open) response["content"] = base.at("responses").at(name).at("content");
  }
  responses["default"] = {{"$ref", joined({"#/components/responses/", name})}};
}

void add_operation(OrderedJson& document, const OrderedJson& tag, const std::string& id,
                   const OrderedJson& said, const Routes& routes, const OrderedJson& base) {
  const Route& route = route_of(id, routes);
  OrderedJson operation{{"tags", OrderedJson::array({tag})}, {"operationId", id}};
  operation.update(said);
  add_refusals(operation["responses"], route.dialect, base);
  document["paths"][route.pattern][lower(http::to_string(route.method))] = std::move(operation);
}

void add_components(OrderedJson& components, const OrderedJson& service) {
  for (const char* section : {"parameters", "schemas"}) {
    if (!service.contains(section)) continue;
    for (const auto& [name, component] : service[section].items()) {
      if (components[section].contains(name)) refuse(section, name, "described twice");
      components[section][name] = component;
    }
  }
}

void check_references(const OrderedJson& at, const OrderedJson& document) {
  if (at.is_object() && at.contains("$ref")) {
    const auto reference = at["$ref"].get<std::string>();
    const bool inside = reference.starts_with("#/");
    if (!inside || !document.contains(OrderedJson::json_pointer(reference.substr(1))))
      refuse("$ref", reference, "nothing is there");
  }
  if (!at.is_structured()) return;
  for (const OrderedJson& member : at)
    check_references(member, document);
}

}  // namespace

std::string describe(const Routes& routes, const DescriptionTexts& texts) {
  OrderedJson document = OrderedJson::parse(texts.base);
  document["info"]["version"] = texts.version;
  OrderedJson components = document["components"];
  document.erase("components");
  document["tags"] = OrderedJson::array();
  document["paths"] = OrderedJson::object();
  std::set<std::string> operations;
  for (const std::string_view text : texts.services) {
    const OrderedJson service = OrderedJson::parse(text);
    document["tags"].push_back(service.at("tag"));
    for (const auto& [id, said] : service.at("operations").items()) {
      if (!operations.insert(id).second) refuse("operation", id, "described twice");
      add_operation(document, service.at("tag").at("name"), id, said, routes, components);
    }
    add_components(components, service);
  }
  document["components"] = std::move(components);
  for (const Route& route : routes.all()) {
    const std::string& id = route.operation.id();
    if (route.operation.is_described() && operations.count(id) == 0)
      refuse("route", route.pattern, joined({"no service describes ", id}));
  }
  check_references(document, document);
  return document.dump();
}

}  // namespace redoubt::contract
