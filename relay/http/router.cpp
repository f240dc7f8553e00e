#include "relay/http/router.hpp"

#include <algorithm>
#include <stdexcept>

namespace redoubt::http {

namespace {

// A path of more segments matches nothing; it also bounds the matcher's recursion.
constexpr std::size_t segments_max = 32;

/// The segments of a path: "/a/b/" gives "a", "b", "". Empty for a path that is too deep or does
/// not start with '/'.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segments.size() == segments_max) return {};
    segments.push_back(segment);
    path.remove_prefix(segment.size());
  }
  return segments;
}

[[noreturn]] void bad_pattern(const std::string& pattern, const char* why) {
  throw std::invalid_argument("route " + pattern + ": " + why);
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

std::string json_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out;
}

}  // namespace

// One position in a path. Routes are few and registered once, so a plain tree searched linearly is
// as fast as anything cleverer.
struct Router::Node {
  std::string literal;  // "" is a real literal: the trailing slash
  std::vector<std::unique_ptr<Node>> literals;
  std::unique_ptr<Node> parameter;
  std::vector<std::unique_ptr<Route>> routes;  // that end here, one a method
  std::unique_ptr<Route> websocket;

  Node& child(std::string_view segment) {
    if (is_parameter(segment)) {
      if (!parameter) parameter = std::make_unique<Node>();
      return *parameter;
    }
    for (auto& node : literals) {
      if (node->literal == segment) return *node;
    }
    literals.push_back(std::make_unique<Node>());
    literals.back()->literal = segment;
    return *literals.back();
  }

  bool ends() const { return !routes.empty() || websocket; }

  const Route* route(Method method) const {
    for (const auto& candidate : routes) {
      if (candidate->method == method) return candidate.get();
    }
    return nullptr;
  }

  // Depth first, the literal before the parameter; only nodes where a route ends count.
  const Node* find(const std::vector<std::string_view>& segments, std::size_t at) const {
    if (at == segments.size()) return ends() ? this : nullptr;
    for (const auto& node : literals) {
      if (node->literal != segments[at]) continue;
      if (const Node* found = node->find(segments, at + 1)) return found;
    }
    if (parameter && !segments[at].empty()) return parameter->find(segments, at + 1);
    return nullptr;
  }

  std::string allow() const {
    std::string list;
    const auto name = [&list](std::string_view method) {
      list.append(list.empty() ? "" : ", ").append(method);
    };
    for (const auto& candidate : routes) {
      name(to_string(candidate->method));
      if (candidate->method == Method::get && !route(Method::head)) name("HEAD");
    }
    if (routes.empty()) name("GET");  // a WebSocket's handshake
    if (!route(Method::options)) name("OPTIONS");
    return list;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::insert(Route route) {
  const std::string& pattern = route.pattern;
  if (!pattern.starts_with('/')) bad_pattern(pattern, "a pattern starts with '/'");
  const auto segments = split(pattern);
  if (segments.empty()) bad_pattern(pattern, "too many segments");
  Node* node = root_.get();
  for (std::string_view segment : segments) {
    const bool opens = segment.starts_with('{');
    if (opens != segment.ends_with('}') || (opens && segment.size() < 3)) {
      bad_pattern(pattern, "a parameter is a whole segment {name}");
    }
    node = &node->child(segment);
  }
  auto owned = std::make_unique<Route>(std::move(route));
  Route& reference = *owned;
  if (std::holds_alternative<WebSocketAccept>(owned->handler)) {
    if (node->websocket) bad_pattern(reference.pattern, "has a WebSocket handler already");
    node->websocket = std::move(owned);
  } else {
    if (node->route(reference.method)) {
      bad_pattern(reference.pattern, "has a handler for this method already");
    }
    node->routes.push_back(std::move(owned));
  }
}

void Router::add(Method method, std::string pattern, Handler handler, RouteOptions options) {
  insert({std::move(pattern), method, std::move(handler), options, {}});
}

void Router::add_async(Method method, std::string pattern, AsyncHandler handler,
                       RouteOptions options) {
  insert({std::move(pattern), method, std::move(handler), options, {}});
}

void Router::add_websocket(std::string pattern, WebSocketAccept accept, WebSocketOptions options) {
  insert({std::move(pattern), Method::get, std::move(accept), {}, options});
}

void Router::take_loosely(std::string segment) {
  loose_.push_back(std::move(segment));
}

std::vector<std::string_view> Router::segments_of(std::string_view path) const {
  auto segments = split(path);
  if (!segments.empty() && std::find(loose_.begin(), loose_.end(), segments[0]) != loose_.end())
    std::erase(segments, std::string_view());
  return segments;
}

void Router::before(Filter filter) {
  filters_.push_back(std::move(filter));
}
void Router::after(Finisher finisher) {
  finishers_.push_back(std::move(finisher));
}
void Router::on_options(OptionsHook hook) {
  options_hook_ = std::move(hook);
}
void Router::on_refusal(RefusalHook hook) {
  refusal_hook_ = std::move(hook);
}
void Router::set_fallback(Fallback fallback) {
  fallback_ = std::move(fallback);
}

Router::Match Router::match(Method method, std::string_view path, bool upgrade,
                            std::vector<PathParameter>& parameters) const {
  Match match;
  parameters.clear();
  const auto segments = segments_of(path);
  const Node* node = segments.empty() ? nullptr : root_->find(segments, 0);
  if (!node) return match;
  match.path_known = true;
  if (upgrade && method == Method::get && node->websocket) {
    match.route = node->websocket.get();
  } else {
    match.route = node->route(method);
    if (!match.route && method == Method::head) match.route = node->route(Method::get);
  }
  if (!match.route) {
    match.upgrade_only = method == Method::get && node->websocket != nullptr;
    match.allow = node->allow();
    return match;
  }
  const auto names = split(match.route->pattern);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!is_parameter(names[i])) continue;
    // The escapes of the path were checked before routing.
    auto value = percent_decode(segments[i]);
    parameters.push_back({names[i].substr(1, names[i].size() - 2),
                          value ? std::move(*value) : std::string(segments[i])});
  }
  return match;
}

std::optional<Response> Router::run_filters(Request& request) const {
  for (const Filter& filter : filters_) {
    if (auto response = filter(request)) return response;
  }
  return std::nullopt;
}

Response Router::answer_options(Request& request, std::string_view allow) const {
  if (options_hook_) return options_hook_(request, allow);
  Response response = Response::empty(204);
  if (!allow.empty()) response.add("Allow", std::string(allow));
  return response;
}

std::optional<Response> Router::run_fallback(const Request& request) const {
  const bool reads = request.method == Method::get || request.method == Method::head;
  if (!fallback_ || !reads) return std::nullopt;
  return fallback_(request);
}

Response Router::refuse(const Request& request, const Refusal& refusal) const {
  Response response =
      refusal_hook_ ? refusal_hook_(request, refusal)
                    : Response::json(refusal.status, "{\"error\":\"" + std::string(refusal.code) +
                                                         "\",\"message\":\"" +
                                                         json_escaped(refusal.message) + "\"}");
  return response;
}

void Router::finish(const Request& request, Response& response) const {
  for (const Finisher& finisher : finishers_)
    finisher(request, response);
}

}  // namespace redoubt::http
