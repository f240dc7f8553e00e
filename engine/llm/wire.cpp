#include "engine/llm/wire.hpp"

#include "engine/base/ascii.hpp"

namespace redoubt::llm {
namespace {

char lower(char c) {
  return ascii_lower(c);
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

std::string_view auth_header(AuthKind auth) {
  constexpr std::string_view names[] = {"", "authorization", "x-api-key", "x-goog-api-key",
                                        "api-key"};
  return names[static_cast<std::size_t>(auth)];
}

std::string_view auth_prefix(AuthKind auth) {
  return auth == AuthKind::bearer ? "Bearer " : "";
}

std::string_view header_value(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return {};
}

}  // namespace redoubt::llm
