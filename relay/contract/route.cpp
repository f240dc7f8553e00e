#include "relay/contract/route.hpp"

#include <stdexcept>
#include <utility>

namespace redoubt::contract {

std::string_view to_string(const Access& access) {
  switch (access.kind()) {
    case Access::Kind::probe:
      return "probe";
    case Access::Kind::anyone:
      return "anyone";
    case Access::Kind::caller:
      return "caller";
    case Access::Kind::session:
      return "session";
    case Access::Kind::late:
      return "late";
    case Access::Kind::scoped:
      break;
  }
  return auth::to_string(*access.scope());
}

void Routes::add(Route route) {
  const Route* other = find(route.method, route.pattern);
  if (other != nullptr && other->access != route.access)
    throw std::invalid_argument("route " + route.pattern + ": two ways to say who may call it");
  if (other != nullptr && other->dialect != route.dialect)
    throw std::invalid_argument("route " + route.pattern + ": two dialects");
  routes_.push_back(std::move(route));
}

void Routes::add_all(std::vector<Route> routes) {
  for (Route& route : routes)
    add(std::move(route));
}

void Routes::add_prefixes(const std::vector<Prefix>& prefixes) {
  prefixes_.insert(prefixes_.end(), prefixes.begin(), prefixes.end());
}

const Route* Routes::find(http::Method method, std::string_view pattern) const {
  const Route* of_get = nullptr;
  for (const Route& route : routes_) {
    if (route.pattern != pattern) continue;
    if (route.method == method) return &route;
    if (route.method == http::Method::get) of_get = &route;
  }
  return method == http::Method::head ? of_get : nullptr;
}

Dialect Routes::dialect_of_unmatched(std::string_view path) const {
  for (const Route& route : routes_)
    if (route.pattern == path) return route.dialect;
  const Prefix* longest = nullptr;
  for (const Prefix& prefix : prefixes_) {
    const bool longer = longest == nullptr || prefix.path.size() > longest->path.size();
    if (longer && path.starts_with(prefix.path)) longest = &prefix;
  }
  return longest != nullptr ? longest->dialect : Dialect::problem();
}

void Routes::mount(http::Router& router, const BodyCheck& check) const {
  for (const Route& route : routes_) {
    if (const auto* handler = std::get_if<http::Handler>(&route.handler)) {
      router.add(route.method, route.pattern, *handler, route.options);
    } else if (const auto* later = std::get_if<http::AsyncHandler>(&route.handler)) {
      router.add_async(route.method, route.pattern, *later, route.options);
    } else if (const auto* json = std::get_if<JsonHandler>(&route.handler)) {
      router.add_async(route.method, route.pattern, check(route, *json), route.options);
    } else {
      router.add_websocket(route.pattern, std::get<http::WebSocketAccept>(route.handler),
                           route.websocket);
    }
  }
}

}  // namespace redoubt::contract
