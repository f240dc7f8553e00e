#include "relay/services/status/documents.hpp"

#include "relay/contract/description.hpp"
#include "relay/observe/version.hpp"
#include "relay/services/status/status.hpp"

namespace redoubt::data {
extern const std::string_view openapi_base_json;
extern const std::string_view game_contract_json;
extern const std::string_view push_contract_json;
extern const std::string_view sessions_contract_json;
extern const std::string_view models_contract_json;
extern const std::string_view runs_contract_json;
extern const std::string_view service_contract_json;
extern const std::string_view explorer_html;
extern const std::string_view explorer_js;
extern const std::string_view explorer_css;
}  // namespace redoubt::data

namespace redoubt::services {
namespace {

using contract::Operation;
using Text = std::shared_ptr<const std::string>;

http::Response document(const std::string& type, Text text) {
  http::Response response = http::Response::text(200, "");
  response.set("Content-Type", type);
  response.add("Cache-Control", "no-cache");
  response.shared_body = std::move(text);
  return response;
}

contract::Route serving(std::string path, Operation operation, http::Handler handler) {
  return {.method = http::Method::get,
          .pattern = std::move(path),
          .access = contract::Access::anyone(),
          .dialect = contract::Dialect::problem(),
          .operation = std::move(operation),
          .handler = std::move(handler)};
}

contract::Route serving_page(std::string path, const std::string& type, std::string_view text) {
  return serving(std::move(path), Operation::undescribed(),
                 [page = document(type, std::make_shared<const std::string>(text))](
                     http::Request&) { return page; });
}

}  // namespace

std::vector<contract::Route> Documents::routes() {
  const http::Handler openapi = [this](http::Request&) {
    return document("application/json", openapi_);
  };
  std::vector<contract::Route> routes{
      serving("/openapi.json", Operation::named("openapi"), openapi),
      serving("/api/openapi.json", Operation::also("openapi"), openapi)};
  for (const char* path : {"/docs", "/redoc", "/api/docs"})
    routes.push_back(serving_page(path, "text/html; charset=utf-8", data::explorer_html));
  routes.push_back(
      serving_page("/docs/explorer.js", "text/javascript; charset=utf-8", data::explorer_js));
  routes.push_back(
      serving_page("/docs/explorer.css", "text/css; charset=utf-8", data::explorer_css));
  return routes;
}

void Documents::describe(const contract::Routes& routes) {
  const contract::DescriptionTexts texts{
      .base = data::openapi_base_json,
      .services = {data::game_contract_json, data::push_contract_json, data::sessions_contract_json,
                   data::models_contract_json, data::runs_contract_json,
                   data::service_contract_json},
      .version = observe::relay_version};
  openapi_ = std::make_shared<const std::string>(contract::describe(routes, texts));
}

}  // namespace redoubt::services
