#include "relay/api/documents.hpp"

#include "engine/base/json.hpp"
#include "relay/api/service.hpp"

namespace redoubt::data {
extern const std::string_view openapi_json;
extern const std::string_view explorer_html;
extern const std::string_view explorer_js;
extern const std::string_view explorer_css;
}  // namespace redoubt::data

namespace redoubt::api {
namespace {

contract::Route serving(std::string path, std::string_view type, std::string_view body) {
  http::Response response = http::Response::text(200, "");
  response.set("Content-Type", std::string(type));
  response.add("Cache-Control", "no-cache");
  response.shared_body = std::make_shared<const std::string>(body);
  return {.method = http::Method::get,
          .pattern = std::move(path),
          .access = contract::Access::anyone(),
          .dialect = contract::Dialect::problem(),
          .handler =
              http::Handler([response = std::move(response)](http::Request&) { return response; })};
}

}  // namespace

std::string openapi_document() {
  // In the file's order, which is the explorer's.
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(data::openapi_json);
  document["info"]["version"] = relay_version;
  return document.dump();
}

std::vector<contract::Route> document_routes() {
  std::vector<contract::Route> routes;
  const std::string document = openapi_document();
  for (const char* path : {"/openapi.json", "/api/openapi.json"})
    routes.push_back(serving(path, "application/json", document));
  for (const char* path : {"/docs", "/redoc", "/api/docs"})
    routes.push_back(serving(path, "text/html; charset=utf-8", data::explorer_html));
  routes.push_back(
      serving("/docs/explorer.js", "text/javascript; charset=utf-8", data::explorer_js));
  routes.push_back(serving("/docs/explorer.css", "text/css; charset=utf-8", data::explorer_css));
  return routes;
}

}  // namespace redoubt::api
