// The router: which handler answers which path.
//
// 1. A pattern is a path whose segments are literals or `{name}`: "/ws/{client_id}". A trailing
//    slash is a segment of its own: "/api/agents/" and "/api/agents" are two routes. A parameter
//    matches one non-empty segment. Under a prefix that is taken loosely empty segments count for
//    nothing: clients put their base address and a path together in every way.
// 2. Literals win over parameters, segment by segment from the left, with backtracking, whatever
//    the order of registration.
// 3. A known path with another method is 405 with Allow; HEAD is answered by GET's handler without
//    the body; OPTIONS goes to the options hook; everything else unmatched to the fallback (GET and
//    HEAD only), then 404.
// 4. Filters run when the head is complete, before a byte of the body is kept and before the
//    client is told to go on (100 Continue): `body` is empty then. They run in the order of
//    registration, for every well-formed head (404s, OPTIONS and WebSocket upgrades too); the first
//    Response ends the way. Finishers run for every Response, refusals of malformed requests
//    included (then the Request holds what was readable).
// 5. A Router is filled before the server starts and is immutable afterwards; all shards share it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/http/message.hpp"
#include "relay/http/websocket.hpp"
#include "relay/net/task.hpp"

namespace redoubt::http {

/// For work under 200 us; runs on the shard.
using Handler = std::function<Response(Request&)>;
/// For work that awaits (the compute pool, an upstream): other connections go on meanwhile. The
/// Request outlives the Task.
using AsyncHandler = std::function<net::Task<Response>(Request&)>;
using Filter = std::function<std::optional<Response>(Request&)>;
using Finisher = std::function<void(const Request&, Response&)>;
/// Answers OPTIONS (CORS preflight). `allow` is the Allow list of the path, "" for an unknown path.
using OptionsHook = std::function<Response(Request&, std::string_view allow)>;
/// Gives a refusal its body (and headers). The status must stay the refusal's.
using RefusalHook = std::function<Response(const Request&, const Refusal&)>;
/// Answers GET and HEAD of an unmatched path (static files); nothing means 404.
using Fallback = std::function<std::optional<Response>(const Request&)>;

struct RouteOptions {
  std::size_t body_bytes_max = 0;  ///< 0: the server's default
  bool watch_client = false;       ///< Request::client_gone is wanted
  bool packed_body = false;        ///< the handler takes the codings of content_coding.hpp
};

struct Route {
  std::string pattern;
  Method method = Method::get;
  std::variant<Handler, AsyncHandler, WebSocketAccept> handler;
  RouteOptions options;
  WebSocketOptions websocket;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // Registration. A malformed pattern or a second handler for the same method and pattern throws
  // std::invalid_argument: a mistake of the program, found at the start.
  void add(Method method, std::string pattern, Handler handler, RouteOptions options = {});
  void add_async(Method method, std::string pattern, AsyncHandler handler,
                 RouteOptions options = {});
  /// An upgrade request at `pattern`; a plain GET there is 426 unless it has a GET route too.
  void add_websocket(std::string pattern, WebSocketAccept accept, WebSocketOptions options = {});
  /// `segment`: the first of a path, "v1".
  void take_loosely(std::string segment);
  void before(Filter filter);
  void after(Finisher finisher);
  void on_options(OptionsHook hook);
  void on_refusal(RefusalHook hook);
  void set_fallback(Fallback fallback);

  struct Match {
    const Route* route = nullptr;  ///< null where no handler fits
    bool path_known = false;
    bool upgrade_only = false;  ///< the path is a WebSocket's and the request no upgrade
    std::string allow;          ///< "GET, HEAD, OPTIONS"; empty where the path is unknown
  };
  /// Finds the route for a path (as sent, without the query). `parameters` is filled for a match.
  Match match(Method method, std::string_view path, bool upgrade,
              std::vector<PathParameter>& parameters) const;

  // What the server calls, in this order.
  std::optional<Response> run_filters(Request& request) const;
  Response answer_options(Request& request, std::string_view allow) const;
  std::optional<Response> run_fallback(const Request& request) const;
  Response refuse(const Request& request, const Refusal& refusal) const;
  void finish(const Request& request, Response& response) const;

 private:
  struct Node;
  void insert(Route route);

  std::vector<std::string_view> segments_of(std::string_view path) const;

  std::unique_ptr<Node> root_;
  std::vector<std::string> loose_;
  std::vector<Filter> filters_;
  std::vector<Finisher> finishers_;
  OptionsHook options_hook_;
  RefusalHook refusal_hook_;
  Fallback fallback_;
};

}  // namespace redoubt::http
