#include "relay/auth/origin.hpp"

#include <algorithm>

#include "engine/base/ascii.hpp"
#include "relay/auth/text.hpp"

namespace redoubt::auth {
namespace {

constexpr std::size_t origin_bytes_max = 512;
constexpr std::size_t requested_headers_bytes_max = 1024;
constexpr std::string_view preflight_max_age_s = "600";
constexpr std::string_view exposed_headers =
    "X-Request-Id, Retry-After, X-Should-Retry, RateLimit, RateLimit-Policy, ETag, "
    "X-Redoubt-Model, "
    "X-Redoubt-Cost-Microusd, X-Redoubt-Cache";

std::string default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return "80";
  if (scheme == "https" || scheme == "wss") return "443";
  return "";
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// host[:port] with the port filled in; nothing where it has another form.
struct HostPort {
  std::string host;
  std::string port;
};
std::optional<HostPort> split_authority(std::string_view authority, std::string_view scheme) {
  HostPort result{.host = host_name(authority)};
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (result.host.empty()) return std::nullopt;
  const bool plain = std::all_of(result.host.begin(), result.host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '[' || c == ']' || c == ':';
  });
  if (!plain) return std::nullopt;
  result.port = colon == std::string_view::npos ? default_port(scheme)
                                                : std::string(authority.substr(colon + 1));
  return result;
}

std::optional<Origins::Pattern> split_origin(std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  Origins::Pattern pattern{.scheme = to_lower(text.substr(0, mark))};
  std::optional<HostPort> authority = split_authority(text.substr(mark + 3), pattern.scheme);
  if (!authority) return std::nullopt;
  pattern.host = std::move(authority->host);
  pattern.port = std::move(authority->port);
  return pattern;
}

bool is_token_list(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_ascii_alnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~, ").find(c) != std::string_view::npos;
  });
}

void allow_origin(std::vector<Header>& headers, OriginVerdict verdict, std::string_view origin) {
  if (verdict == OriginVerdict::any) {
    headers.push_back({"Access-Control-Allow-Origin", "*"});
  } else {
    headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
    headers.push_back({"Access-Control-Allow-Credentials", "true"});
  }
}

bool passes(OriginVerdict verdict) {
  return verdict == OriginVerdict::same || verdict == OriginVerdict::listed ||
         verdict == OriginVerdict::any;
}

}  // namespace

Result<Origins> parse_origins(std::span<const std::string> entries) {
  Origins origins;
  for (const std::string& entry : entries) {
    if (entry == "*") {
      origins.any = true;
      continue;
    }
    if (to_lower(entry) == "null") {
      origins.null = true;
      continue;
    }
    std::optional<Origins::Pattern> pattern = split_origin(entry);
    const bool good = pattern && (pattern->port == "*" || is_port(pattern->port));
    if (!good) {
      const std::string expected =
          "*, null or scheme://host[:port] without a path, e.g. http://localhost:3000 or "
          "http://localhost:*";
      return Error{.code = "bad_config",
                   .message = "\"" + entry + "\" is not an origin: expected " + expected,
                   .expected = expected,
                   .got = entry};
    }
    origins.patterns.push_back(std::move(*pattern));
  }
  return origins;
}

OriginVerdict judge_origin(const Origins& origins, std::string_view origin, std::string_view host) {
  if (origin.empty()) return OriginVerdict::absent;
  if (origin.size() > origin_bytes_max) return OriginVerdict::refused;
  if (origin == "null") {
    if (origins.null) return OriginVerdict::listed;
    return origins.any ? OriginVerdict::any : OriginVerdict::refused;
  }
  const std::optional<Origins::Pattern> asked = split_origin(origin);
  if (!asked || !is_port(asked->port)) return OriginVerdict::refused;
  const std::optional<HostPort> own = split_authority(host, asked->scheme);
  if (own && own->host == asked->host && own->port == asked->port) return OriginVerdict::same;
  for (const Origins::Pattern& pattern : origins.patterns) {
    if (pattern.scheme == asked->scheme && pattern.host == asked->host &&
        (pattern.port == "*" || pattern.port == asked->port)) {
      return OriginVerdict::listed;
    }
  }
  return origins.any ? OriginVerdict::any : OriginVerdict::refused;
}

bool is_safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

std::optional<Refusal> check_origin(OriginVerdict verdict) {
  if (verdict != OriginVerdict::refused) return std::nullopt;
  return Refusal{.status = 403,
                 .code = "origin_refused",
                 .message =
                     "pages of this origin may not call this relay; add it to cors.origins "
                     "if they should"};
}

std::vector<Header> cors_headers(OriginVerdict verdict, std::string_view origin) {
  std::vector<Header> headers;
  if (passes(verdict)) {
    allow_origin(headers, verdict, origin);
    headers.push_back({"Access-Control-Expose-Headers", std::string(exposed_headers)});
  }
  return headers;
}

std::vector<Header> preflight_headers(OriginVerdict verdict, std::string_view origin,
                                      const Preflight& preflight, std::string_view methods) {
  std::vector<Header> headers;
  if (!passes(verdict)) return headers;
  allow_origin(headers, verdict, origin);
  headers.push_back({"Access-Control-Allow-Methods", std::string(methods)});
  // Echoed rather than "*", which a browser does not accept together with credentials.
  if (!preflight.headers.empty() && preflight.headers.size() <= requested_headers_bytes_max &&
      is_token_list(preflight.headers)) {
    headers.push_back({"Access-Control-Allow-Headers", std::string(preflight.headers)});
  }
  headers.push_back({"Access-Control-Max-Age", std::string(preflight_max_age_s)});
  if (preflight.private_network) {
    headers.push_back({"Access-Control-Allow-Private-Network", "true"});
  }
  return headers;
}

}  // namespace redoubt::auth
