// Origin: which web pages may call, and the CORS headers that tell the browser so.
//
// 1. A request without Origin is no page's cross-site script and passes.
// 2. The page's own origin (Origin's host and port equal Host) always passes.
// 3. `*` in the list allows every page but never sends credentials with it.
// 4. "null" (sandboxed frames, files) passes only where it is listed by that name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/caller.hpp"

namespace redoubt::auth {

/// A parsed list of origins. An entry is "*", "null" or scheme://host[:port], where the port may
/// be "*" for any port. Case does not matter.
struct Origins {
  struct Pattern {
    std::string scheme;
    std::string host;
    std::string port;  ///< digits or "*"; never empty, the scheme's default is filled in
  };
  std::vector<Pattern> patterns;
  bool any = false;
  bool null = false;
};

/// Error bad_config where an entry is not an origin (a path, a missing scheme).
Result<Origins> parse_origins(std::span<const std::string> entries);

enum class OriginVerdict : std::uint8_t { absent, same, listed, any, refused };

OriginVerdict judge_origin(const Origins& origins, std::string_view origin, std::string_view host);

/// GET, HEAD and OPTIONS change nothing and are not stopped by a foreign Origin.
bool is_safe_method(std::string_view method);

/// The check for WebSocket upgrades and unsafe methods.
std::optional<Refusal> check_origin(OriginVerdict verdict);

struct Header {
  std::string name;
  std::string value;
};

/// Headers for the answer to an actual request. The caller adds Vary: Origin to every answer, with
/// or without an Origin, so that no cache serves one page's answer to another.
std::vector<Header> cors_headers(OriginVerdict verdict, std::string_view origin);

/// The preflight question (Access-Control-Request-*), empty where absent.
struct Preflight {
  std::string_view method;
  std::string_view headers;
  bool private_network = false;
};

/// Answer headers of an allowed preflight: `methods` is the list for Allow-Methods.
std::vector<Header> preflight_headers(OriginVerdict verdict, std::string_view origin,
                                      const Preflight& preflight, std::string_view methods);

}  // namespace redoubt::auth
