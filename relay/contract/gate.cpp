#include "relay/contract/gate.hpp"

#include <algorithm>
#include <array>

#include "engine/base/ascii.hpp"
#include "relay/auth/credential.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/sdk.hpp"
#include "relay/http/content_coding.hpp"

namespace redoubt::contract {

namespace {

constexpr std::string_view own_sources = "connect-src 'self'";
constexpr std::string_view local_sources =
    " http://localhost:* http://127.0.0.1:* ws://localhost:* ws://127.0.0.1:*";

}  // namespace

bool is_local_host(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (http::equal_ignoring_case(host, "localhost")) return true;
  const auto address = auth::parse_address(host);
  return address && address->is_loopback();
}

std::string with_local_sources(std::string policy) {
  const std::size_t at = policy.find(own_sources);
  if (at != policy.npos) policy.insert(at + own_sources.size(), local_sources);
  return policy;
}

std::string page_policy(const std::vector<std::string>& connect) {
  // Inline styles are allowed: a style cannot call out under this policy.
  std::string policy =
      "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
      "img-src 'self' data: blob:; font-src 'self'; worker-src 'self' blob:; object-src 'none'; "
      "base-uri 'none'; form-action 'self'; frame-ancestors 'self'; ";
  policy += own_sources;
  for (const std::string& origin : connect)
    policy += " " + origin;
  return policy;
}

namespace {

constexpr std::size_t request_id_bytes_max = 64;
constexpr std::int64_t ms_ns = 1'000'000;
constexpr std::int64_t second_ms = 1'000;

// Headers of one name are one list (RFC 9110 5.3); `lists` owns what the views of the result see.
struct ForwardedLists {
  std::string x_forwarded_for;
  std::string forwarded;
  std::string x_real_ip;  // no list: two of them parse as no address
};
auth::Forwarded forwarded_of(const http::Request& request, ForwardedLists& lists) {
  auth::Forwarded result;
  const auto append = [](std::string& list, std::string_view value) {
    if (!list.empty()) list += ',';
    list.append(value);
  };
  for (const http::HeaderView& header : request.headers) {
    if (http::equal_ignoring_case(header.name, "via")) result.via = true;
    if (!auth::is_forwarded_header(header.name)) continue;
    result.any = true;
    if (http::equal_ignoring_case(header.name, "x-forwarded-for")) {
      append(lists.x_forwarded_for, header.value);
    } else if (http::equal_ignoring_case(header.name, "forwarded")) {
      append(lists.forwarded, header.value);
    } else if (http::equal_ignoring_case(header.name, "x-real-ip")) {
      append(lists.x_real_ip, header.value);
    }
  }
  result.x_forwarded_for = lists.x_forwarded_for;
  result.forwarded = lists.forwarded;
  result.x_real_ip = lists.x_real_ip;
  return result;
}

/// As net::ConnectionGate counts the peer of a connection without a proxy.
http::ClientKey client_key(const auth::Address& address) {
  http::ClientKey key{};
  if (address.is_v4()) {
    std::copy_n(address.bytes.end() - 4, 4, key.begin() + 4);
  } else {
    std::copy_n(address.bytes.begin(), key.size(), key.begin());
  }
  return key;
}

/// "" where it is nobody in particular: also who holds a token of the anonymous.
std::string payer_identity(const Caller& caller) {
  constexpr std::string_view games_server = "service";  // no Identity::key() begins with a letter
  if (caller.service) return std::string(games_server);
  return caller.identity.is_anonymous() ? std::string() : caller.identity.key();
}

std::int64_t now_ns(const http::Request& request) {
  return request.context.now.steady_ms * ms_ns;
}

/// To a header whose value is a list: one more, in the field that is there.
void add_listed(http::Response& response, std::string_view name, std::string value) {
  for (http::Header& header : response.headers) {
    if (!http::equal_ignoring_case(header.name, name)) continue;
    header.value.append(", ").append(value);
    return;
  }
  response.add(std::string(name), std::move(value));
}

auth::Refusal bad_token(std::string message) {
  return {.status = 401, .code = "invalid_token", .message = std::move(message)};
}

std::optional<auth::Refusal> check_scope(Access access, const Caller& caller) {
  if (!access.scope() || caller.scopes.has(*access.scope())) return std::nullopt;
  return auth::Refusal{
      .status = 403,
      .code = "insufficient_scope",
      .message = "this needs the scope " + std::string(auth::to_string(*access.scope()))};
}

bool is_html(const http::Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return http::equal_ignoring_case(header.name, "content-type") &&
           header.value.starts_with("text/html");
  });
}

}  // namespace

auth::CallerLimits Caller::limits() const {
  return claims ? claims->limits : auth::CallerLimits{};
}

http::Payer payer_of(const Caller& caller) {
  return {.key = client_key(caller.address), .identity = payer_identity(caller)};
}

const Caller* caller_of(const http::Request& request) {
  const auto* shared = std::any_cast<std::shared_ptr<Caller>>(&request.attachment);
  return shared == nullptr ? nullptr : shared->get();
}

std::string caller_key(const http::Request& request) {
  const Caller* caller = caller_of(request);
  return (caller != nullptr ? caller->identity : auth::anonymous_identity({})).key();
}

std::string_view request_id_of(const http::Request& request) {
  const Caller* caller = caller_of(request);
  return caller == nullptr ? request.context.request_id : std::string_view(caller->request_id);
}

Dialect dialect_of(const http::Request& request) {
  const Caller* caller = caller_of(request);
  return caller == nullptr ? Dialect::problem() : caller->dialect;
}

bool is_sane_request_id(std::string_view id) {
  return !id.empty() && id.size() <= request_id_bytes_max &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

Gate::Gate(GatePolicy policy, const Routes& routes, observe::Metrics& metrics)
    : policy_(std::move(policy)),
      routes_(routes),
      metrics_(metrics),
      limited_(metrics.counter("redoubt_limited_requests_total",
                               "Requests refused with 429 by an address's limits.")) {}

void Gate::install(http::Router& router) {
  router.before([this](http::Request& request) { return admit(request); });
  router.after([this](const http::Request& request, http::Response& response) {
    finish(request, response);
  });
  router.on_options(
      [this](http::Request& request, std::string_view allow) { return preflight(request, allow); });
  router.on_refusal([this](const http::Request& request, const http::Refusal& refusal) {
    return error_response(
        dialect_of(request, route_of(request)), request_id_of(request),
        {.status = refusal.status, .code = refusal.code, .message = refusal.message});
  });
}

const Route* Gate::route_of(const http::Request& request) const {
  return request.route.empty() ? nullptr : routes_.find(request.method, request.route);
}

// Of a path without a route there is nothing to guard: the page's files, or a 404.
Access Gate::access_of(const http::Request& request, const Route* route) const {
  if (request.route.empty() && !policy_.admin) return Access::anyone();
  if (request.route.empty() && auth::is_safe_method(request.method_text))
    return Access::scoped(auth::Scope::operator_read);
  return route != nullptr ? route->access : Access::scoped(auth::Scope::operator_write);
}

Dialect Gate::declared_dialect(const http::Request& request, const Route* route) const {
  return route != nullptr ? route->dialect : routes_.dialect_of_unmatched(request.path);
}

Dialect Gate::dialect_of(const http::Request& request, const Route* route) const {
  const Dialect declared = declared_dialect(request, route);
  return declared == Dialect::of_sdk() ? dialect_of_sdk(request) : declared;
}

std::optional<http::Response> Gate::admit(http::Request& request) const {
  const Route* route = route_of(request);
  const Access access = access_of(request, route);
  const bool probe = access == Access::probe();
  if (probe && !request.header("origin")) return std::nullopt;
  auto caller = std::make_shared<Caller>();
  caller->dialect = dialect_of(request, route);
  const std::string_view offered = request.header_or("x-request-id", "");
  caller->request_id = is_sane_request_id(offered) ? offered : request.context.request_id;
  if (access.kind() == Access::Kind::late) caller->gate = this;
  request.attachment = caller;
  const auto refusal = check(request, access, *caller);
  request.payer = payer_of(*caller);
  if (refusal) return turn_away(request, *caller, *refusal);
  if (auto response = refuse_encoded(request)) return response;
  if (!probe) return count(request, *caller);
  return std::nullopt;
}

// A body whose packing nobody undoes would be read as it is: it is refused before it is sent.
std::optional<http::Response> Gate::refuse_encoded(const http::Request& request) const {
  const auto coding = http::read_coding(request.header_or("content-encoding", "identity"));
  const bool taken = request.packed_body_taken;
  if (coding && (taken || coding == http::Coding::identity)) return std::nullopt;
  const std::string_view codings = taken ? http::codings_taken : "identity";
  http::Response response = error_response(
      request,
      {.status = 415,
       .code = "unsupported_encoding",
       .message = taken ? "a body may have one Content-Encoding of " + std::string(codings)
                        : "a body must come without a Content-Encoding; send it as it is"});
  response.add("Accept-Encoding", std::string(codings));
  return response;
}

// A refusal is counted; over the limit it is 429 and says nothing more.
http::Response Gate::turn_away(const http::Request& request, const Caller& caller,
                               const auth::Refusal& refusal) const {
  if (policy_.refusals != nullptr) {
    const auto taken =
        policy_.refusals->take(auth::limit_key(caller.address).bytes, now_ns(request));
    if (!taken.allowed) {
      return too_many(request, "too many refused requests came from this address", taken);
    }
  }
  return refuse(request, refusal);
}

http::Response Gate::too_many(const http::Request& request, std::string_view message,
                              const limits::RateDecision& decision) const {
  limited_.add();
  const std::string wait = limits::retry_after_header(decision);
  http::Response response =
      error_response(request, {.status = 429,
                               .code = "rate_limited",
                               .message = std::string(message) + "; try again in " + wait + " s"});
  response.add("Retry-After", wait);
  return response;
}

// A signature is checked only while the address has refusals left: a bad token costs one.
Result<auth::Authority::ClaimsPtr> Gate::verify(std::string_view token, http::Moment now,
                                                const Caller& caller) const {
  const std::int64_t now_s = now.wall_ms / second_ms;
  if (policy_.refusals != nullptr) {
    if (auto known = policy_.authority->remembered(token, now_s)) return known;
    const auto left =
        policy_.refusals->look(auth::limit_key(caller.address).bytes, now.steady_ms * ms_ns);
    if (!left.allowed) return Error{.code = "rate_limited", .message = "not looked at"};
  }
  return policy_.authority->verify(token, now_s);
}

std::optional<auth::Refusal> Gate::check(http::Request& request, Access access,
                                         Caller& caller) const {
  const bool probe = access == Access::probe();
  const auto peer = auth::parse_address(request.context.remote_address);
  if (!peer) return auth::Refusal{.status = 400, .code = "bad_peer", .message = "unknown peer"};
  ForwardedLists lists;
  const auth::Forwarded forwarded = forwarded_of(request, lists);
  const auth::ClientAddress client =
      auth::client_address(*peer, forwarded, policy_.trusted_proxies);
  caller.address = client.address;
  caller.identity = auth::anonymous_identity(auth::to_text(auth::limit_key(client.address)));
  caller.local = client.is_local();
  if (client.refusal && !probe) return client.refusal;

  const std::string_view host = request.header_or("host", "");
  const std::string_view origin = request.header_or("origin", "");
  if (!probe) {
    if (auto refusal = auth::check_host(host, policy_.hosts)) return refusal;
  }
  caller.origin = auth::judge_origin(policy_.origins, origin, host);
  const bool upgrade = request.header("upgrade").has_value();
  if (upgrade || !auth::is_safe_method(request.method_text)) {
    if (auto refusal = auth::check_origin(caller.origin)) return refusal;
  }
  const bool open = probe || access == Access::anyone();
  if (open || request.method == http::Method::options) return std::nullopt;
  return identify(request, access, client, caller);
}

std::optional<auth::Refusal> Gate::identify(const http::Request& request, Access access,
                                            const auth::ClientAddress& client,
                                            Caller& caller) const {
  // Not where Google's SDKs are some of several that ask: a query is written into logs.
  const bool googles = declared_dialect(request, route_of(request)) == Dialect::gemini();
  const std::string query_key =
      googles ? request.query_parameter("key").value_or("") : std::string();
  const auto token =
      auth::find_token({.authorization = request.header_or("authorization", ""),
                        .api_key = request.header_or("x-api-key", ""),
                        .google_api_key = request.header_or("x-goog-api-key", ""),
                        .query_key = query_key,
                        .websocket_protocols = request.header_or("sec-websocket-protocol", "")});
  if (!token) {
    caller.scopes = policy_.admin ? auth::Scopes(auth::Scope::operator_read) : auth::player_scopes;
    // Who sits at this machine may run the catalogue's workflows, too.
    if (!policy_.admin && client.is_local())
      caller.scopes = caller.scopes | auth::Scope::workflow_run;
    auto refusal = admit_anonymous(access, client, caller);
    if (access.kind() != Access::Kind::late) return refusal;
    caller.without_token = std::move(refusal);
    return std::nullopt;
  }
  if (policy_.authority == nullptr) return bad_token("no token is believed here");
  if (access == Access::session()) {
    caller.service = policy_.authority->is_service(*token);
    if (caller.service) return std::nullopt;
    return bad_token("this is not the secret of the game's own server");
  }
  auto claims = verify(*token, request.context.now, caller);
  if (!claims) return bad_token(claims.error().message);
  caller.claims = std::move(*claims);
  caller.identity = caller.claims->identity();
  caller.scopes = caller.claims->scopes;
  if (caller.identity.is_anonymous()) return admit_anonymous(access, client, caller);
  return check_scope(access, caller);
}

std::optional<auth::Refusal> Gate::admit_anonymous(Access access, const auth::ClientAddress& client,
                                                   const Caller& caller) const {
  if (auto refusal = auth::check_anonymous(policy_.anonymous, client)) return refusal;
  return check_scope(access, caller);
}

// A token that POST /api/session gave to an anonymous caller opens what they may open without it.
std::variant<Caller, auth::Refusal> Gate::admit_late(const Caller& caller, std::string_view token,
                                                     auth::Scope scope, http::Moment now) const {
  const auto refused = [&](auth::Refusal refusal) {
    const auto key = auth::limit_key(caller.address).bytes;
    if (policy_.refusals != nullptr &&
        !policy_.refusals->take(key, now.steady_ms * ms_ns).allowed) {
      limited_.add();
      return auth::Refusal{.status = 429,
                           .code = "rate_limited",
                           .message = "too many refused requests came from this address"};
    }
    return refusal;
  };
  if (token.empty()) {
    if (caller.without_token) return refused(*caller.without_token);
    return caller;
  }
  if (policy_.authority == nullptr) return refused(bad_token("no token is believed here"));
  auto claims = verify(token, now, caller);
  if (!claims) return refused(bad_token(claims.error().message));
  Caller admitted = caller;
  admitted.claims = std::move(*claims);
  admitted.identity = admitted.claims->identity();
  admitted.scopes = admitted.claims->scopes;
  if (admitted.identity.is_anonymous() && caller.without_token)
    return refused(*caller.without_token);
  if (auto refusal = check_scope(Access::scoped(scope), admitted)) return refused(*refusal);
  return admitted;
}

std::optional<http::Response> Gate::count(const http::Request& request, Caller& caller) const {
  if (policy_.rate == nullptr) return std::nullopt;
  caller.rate = policy_.rate->take(auth::limit_key(caller.address).bytes, now_ns(request));
  if (caller.rate->allowed) return std::nullopt;
  return too_many(request, "too many requests from this address", *caller.rate);
}

http::Response Gate::refuse(const http::Request& request, const auth::Refusal& refusal) const {
  metrics_
      .counter("redoubt_refused_requests_total",
               "Requests refused before their handler, by reason.", {{"code", refusal.code}})
      .add();
  http::Response response = error_response(
      request, {.status = refusal.status, .code = refusal.code, .message = refusal.message});
  if (refusal.status == 401 || refusal.code == "insufficient_scope") {
    // RFC 6750 3: the code says what was wrong with a token; nothing where there was none.
    std::string challenge = "Bearer realm=\"redoubt\"";
    if (refusal.code != "anonymous_refused") challenge += ", error=\"" + refusal.code + "\"";
    response.add("WWW-Authenticate", std::move(challenge));
  }
  return response;
}

void Gate::finish(const http::Request& request, http::Response& response) const {
  // A year, for this name alone: what else its owner serves is not ours to say.
  if (request.context.secure) response.add("Strict-Transport-Security", "max-age=31536000");
  const Caller* caller = caller_of(request);
  if (caller == nullptr) {
    if (access_of(request, route_of(request)) != Access::probe()) {
      response.add("X-Request-Id", std::string(request.context.request_id));
      response.add("X-Content-Type-Options", "nosniff");
    }
    return;
  }
  response.add("X-Request-Id", caller->request_id);
  const std::string_view origin = request.header_or("origin", "");
  for (auth::Header& header : auth::cors_headers(caller->origin, origin)) {
    if (!response.has(header.name)) response.add(std::move(header.name), std::move(header.value));
  }
  add_listed(response, "Vary", "Origin");
  if (caller->rate) {
    add_listed(response, "RateLimit-Policy", policy_.rate->policy_header());
    add_listed(response, "RateLimit", limits::rate_header(*caller->rate));
  }
  if (!response.has("X-Content-Type-Options")) response.add("X-Content-Type-Options", "nosniff");
  if (is_html(response) && !response.has("Content-Security-Policy")) {
    response.add("Content-Security-Policy", page_policy({}));
    response.add("Referrer-Policy", "no-referrer");
  }
  if (is_local_host(request.header_or("host", ""))) {
    for (http::Header& header : response.headers) {
      if (http::equal_ignoring_case(header.name, "content-security-policy"))
        header.value = with_local_sources(std::move(header.value));
    }
  }
}

http::Response Gate::preflight(http::Request& request, std::string_view allow) const {
  const Caller* caller = caller_of(request);
  const std::string_view origin = request.header_or("origin", "");
  const auto method = request.header("access-control-request-method");
  if (caller == nullptr || origin.empty() || !method) {
    if (allow.empty()) {
      return error_response(request,
                            {.status = 404, .code = "not_found", .message = "unknown path"});
    }
    http::Response response = http::Response::empty(204);
    response.add("Allow", std::string(allow));
    return response;
  }
  if (caller->origin == auth::OriginVerdict::refused) {
    return refuse(request, *auth::check_origin(caller->origin));
  }
  const auth::Preflight asked{
      .method = *method,
      .headers = request.header_or("access-control-request-headers", ""),
      .private_network = request.header_or("access-control-request-private-network", "") == "true"};
  // An unknown path is preflighted too, so that the page gets the 404 that says why.
  const std::string_view methods = allow.empty() ? "GET, POST, OPTIONS" : allow;
  http::Response response = http::Response::empty(204);
  for (auth::Header& header : auth::preflight_headers(caller->origin, origin, asked, methods)) {
    response.add(std::move(header.name), std::move(header.value));
  }
  response.add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
  return response;
}

}  // namespace redoubt::contract
