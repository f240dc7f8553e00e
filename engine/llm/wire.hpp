// What goes over the wire, as values: the request that a host is to send, and the bounds on what
// comes back. Whoever has a socket (the relay, the page's fetch) sends the one and feeds the other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/chat.hpp"

namespace redoubt::llm {

struct Header {
  std::string name;
  std::string value;
};

/// Where a provider's key belongs. The host fills it in; no key passes through the codecs.
enum class AuthKind : std::uint8_t {
  none,
  bearer,          ///< Authorization: Bearer KEY
  x_api_key,       ///< x-api-key: KEY
  x_goog_api_key,  ///< x-goog-api-key: KEY
  api_key,         ///< api-key: KEY
};

/// The version of Anthropic's API, as its header anthropic-version has it.
constexpr std::string_view anthropic_version = "2023-06-01";

/// A tool's name that a target cannot take, and what it is called there.
struct ToolAlias {
  std::string sent;
  std::string asked;
};

/// A request to POST.
struct WireRequest {
  std::string url;
  std::vector<Header> headers;  ///< content-type and accept among them, no key
  AuthKind auth = AuthKind::none;
  std::string body;
  bool schema_by_prompt = false;      ///< the output's schema was put into words: check the answer
  std::vector<ToolAlias> tool_names;  ///< for Decoder::rename
};

/// The header's name for a kind of key, and what stands before the key; "" for none.
std::string_view auth_header(AuthKind auth);
std::string_view auth_prefix(AuthKind auth);

/// A header's value by its name, in any case; "" where there is none.
std::string_view header_value(const std::vector<Header>& headers, std::string_view name);

// Bounds of what is read.
constexpr std::size_t sse_event_bytes_max = 8u << 20;
constexpr std::size_t whole_body_bytes_max = 32u << 20;
constexpr std::size_t error_body_bytes_max = 64u << 10;  ///< what is kept of a failure's body
constexpr std::size_t calls_max = 256;                   ///< tool calls in one answer
constexpr std::size_t blocks_max = 4096;                 ///< blocks or items in one answer
constexpr JsonLimits wire_json_limits{whole_body_bytes_max, 100,
                                      whole_body_bytes_max + JsonLimits{}.memory_max};

}  // namespace redoubt::llm
