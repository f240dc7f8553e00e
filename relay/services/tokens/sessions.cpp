#include "relay/services/tokens/sessions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/json.hpp"
#include "relay/contract/errors.hpp"

namespace redoubt::services {
namespace {

constexpr std::int64_t ms_ns = 1'000'000;
constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t lifetime_s_min = 10;
constexpr std::size_t token_id_bytes = 12;
// Who, for what and within which limits; it is read on the shard.
constexpr std::size_t session_body_bytes_max = 16 * 1024;

Error bad_request(std::string message) {
  return {.code = "bad_request", .message = std::move(message)};
}

std::string new_token_id() {
  std::array<std::uint8_t, token_id_bytes> bytes;
  auth::fill_random(bytes);
  return auth::to_hex(bytes);
}

http::Response fault(const http::Request& request, int status, std::string_view code,
                     std::string message) {
  return contract::error_response(request,
                                  {.status = status, .code = code, .message = std::move(message)});
}

std::optional<Error> check_names(const auth::Claims& claims, const SessionPolicy& policy) {
  if (!auth::is_subject(claims.subject) || auth::is_reserved({}, claims.subject)) {
    return bad_request(
        "sub: expected the player's name: 1 to 256 bytes without control, bidirectional or other "
        "hidden characters, not beginning with anonymous:");
  }
  if (!auth::is_tenant(claims.tenant) || auth::is_reserved(claims.tenant, {})) {
    return bad_request("tenant: expected 1 to 64 letters, digits, '.', '_' or '-'; not anonymous");
  }
  const auto& tenants = policy.tenants;
  if (std::find(tenants.begin(), tenants.end(), claims.tenant) == tenants.end()) {
    return bad_request("tenant: this secret begins no sessions for " + claims.tenant +
                       "; the relay's operator lists its tenants in tokens.service_tenants");
  }
  return std::nullopt;
}

}  // namespace

Result<auth::Claims> read_session_request(std::string_view body, const SessionPolicy& policy,
                                          std::int64_t now_s) {
  const auto json = parse_json(body, {.bytes_max = body.size(), .depth_max = policy.depth_max});
  if (!json) return bad_request("the body is not JSON: " + json.error().message);
  if (!json->is_object()) return bad_request("expected an object with the member sub");
  JsonFields fields(*json, "bad_request");
  auth::Claims claims{.subject = fields.text("sub", auth::subject_bytes_max)};
  claims.tenant = fields.text_or("tenant", auth::tenant_bytes_max, claims.tenant);
  const std::string scope =
      fields.text_or("scope", auth::token_bytes_max, auth::to_text(auth::player_scopes));
  const std::int64_t lifetime_s =
      fields.integer_or("lifetime_s", lifetime_s_min, policy.lifetime_s, policy.lifetime_s);
  const Json* limits = fields.member_or_null("limits");
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  if (auto wrong = check_names(claims, policy)) return *wrong;
  std::string unknown;
  claims.scopes = auth::parse_scopes(scope, &unknown);
  if (!unknown.empty() || !claims.scopes.within(auth::player_scopes_max)) {
    return bad_request("scope: a session can have " + auth::to_text(auth::player_scopes_max));
  }
  if (limits != nullptr) {
    auto read = auth::read_limits(*limits);
    if (!read) return bad_request(read.error().message);
    claims.limits = *read;
  }
  claims.issued_s = now_s;
  claims.expires_s = now_s + lifetime_s;
  return claims;
}

Sessions::Sessions(SessionPolicy policy, auth::Authority& authority, contract::RateGate& rate,
                   observe::Metrics& metrics)
    : policy_(std::move(policy)),
      authority_(authority),
      rate_(rate),
      to_players_(metrics.counter("redoubt_sessions_total", "Sessions begun, by who asked.",
                                  {{"by", "service"}})),
      to_anonymous_(metrics.counter("redoubt_sessions_total", "Sessions begun, by who asked.",
                                    {{"by", "anonymous"}})) {}

std::vector<contract::Route> Sessions::routes() {
  return {{.method = http::Method::post,
           .pattern = "/api/session",
           .access = contract::Access::session(),
           .dialect = contract::Dialect::problem(),
           .operation = contract::Operation::named("beginSession"),
           .handler = http::Handler([this](http::Request& request) { return begin(request); }),
           .options = {.body_bytes_max = session_body_bytes_max}}};
}

http::Response Sessions::begin(http::Request& request) const {
  const contract::Caller& caller = *contract::caller_of(request);
  const std::int64_t now_s = request.context.now.wall_ms / second_ms;
  if (caller.service) {
    if (auto refused = contract::check_media_type(request)) return std::move(*refused);
    auto claims = read_session_request(request.body, policy_, now_s);
    if (!claims) return fault(request, 400, "bad_request", claims.error().message);
    to_players_.add();
    return give(request, std::move(*claims));
  }
  if (!request.body.empty() && request.body != "{}") {
    http::Response response =
        fault(request, 401, "service_secret_required",
              "a session for a player who is named needs the secret of the game's own server");
    response.add("WWW-Authenticate", "Bearer realm=\"redoubt\"");
    return response;
  }
  const auto decision =
      rate_.take(auth::limit_key(caller.address).bytes, request.context.now.steady_ms * ms_ns);
  if (!decision.allowed) {
    const std::string wait = limits::retry_after_header(decision);
    http::Response response =
        fault(request, 429, "rate_limited",
              "too many sessions from this address; try again in " + wait + " s");
    response.add("Retry-After", wait);
    return response;
  }
  auth::Claims claims{.subject = caller.identity.subject, .tenant = caller.identity.tenant};
  claims.issued_s = now_s;
  claims.expires_s = now_s + policy_.lifetime_s;
  to_anonymous_.add();
  return give(request, std::move(claims));
}

http::Response Sessions::give(const http::Request& request, auth::Claims claims) const {
  claims.token_id = new_token_id();
  const auto token = authority_.mint(claims);
  if (!token) return fault(request, 400, "bad_request", token.error().message);
  const Json answer{{"token", *token},
                    {"token_type", "Bearer"},
                    {"expires_in", claims.expires_s - claims.issued_s},
                    {"expires_at", claims.expires_s},
                    {"sub", claims.subject},
                    {"tenant", claims.tenant},
                    {"scope", auth::to_text(claims.scopes)}};
  http::Response response =
      http::Response::json(200, answer.dump(-1, ' ', false, Json::error_handler_t::replace));
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace redoubt::services
