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
    case Access::Kind::scoped:
      break;
  }
  return auth::to_string(*access.scope());
}

void Routes::add(Route route) {
  const Access* other = access_of(route.method, route.pattern);
  if (other != nullptr && *other != route.access)
    throw std::invalid_argument("route " + route.pattern + ": two ways to say who may call it");
  routes_.push_back(std::move(route));
}

void Routes::add_all(std::vector<Route> routes) {
  for (Route& route : routes)
    add(std::move(route));
}

const Access* Routes::access_of(http::Method method, std::string_view pattern) const {
  const Access* of_get = nullptr;
  for (const Route& route : routes_) {
    if (route.pattern != pattern) continue;
    if (route.method == method) return &route.access;
    if (route.method == http::Method::get) of_get = &route.access;
  }
  return method == http::Method::head ? of_get : nullptr;
}

void Routes::mount(http::Router& router) const {
  for (const Route& route : routes_) {
    if (const auto* handler = std::get_if<http::Handler>(&route.handler)) {
      router.add(route.method, route.pattern, *handler, route.options);
    } else if (const auto* later = std::get_if<http::AsyncHandler>(&route.handler)) {
      router.add_async(route.method, route.pattern, *later, route.options);
    } else {
      router.add_websocket(route.pattern, std::get<http::WebSocketAccept>(route.handler),
                           route.websocket);
    }
  }
}

}  // namespace redoubt::contract
