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

void serve(http::Router& router, std::string path, std::string_view type, std::string body) {
  http::Response response = http::Response::text(200, "");
  response.set("Content-Type", std::string(type));
  response.add("Cache-Control", "no-cache");
  response.shared_body = std::make_shared<const std::string>(std::move(body));
  router.add(http::Method::get, std::move(path),
             [response = std::move(response)](http::Request&) { return response; });
}

}  // namespace

std::string openapi_document() {
  // In the file's order, which is the explorer's.
  nlohmann::ordered_json document = nlohmann::ordered_json::parse(data::openapi_json);
  document["info"]["version"] = relay_version;
  return document.dump();
}

void install_documents(http::Router& router) {
  const std::string document = openapi_document();
  for (const char* path : {"/openapi.json", "/api/openapi.json"}) {
    serve(router, path, "application/json", document);
  }
  for (const char* path : {"/docs", "/redoc", "/api/docs"}) {
    serve(router, path, "text/html; charset=utf-8", std::string(data::explorer_html));
  }
  serve(router, "/docs/explorer.js", "text/javascript; charset=utf-8",
        std::string(data::explorer_js));
  serve(router, "/docs/explorer.css", "text/css; charset=utf-8", std::string(data::explorer_css));
}

}  // namespace redoubt::api
