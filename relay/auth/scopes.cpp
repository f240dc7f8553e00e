#include "relay/auth/scopes.hpp"

#include <algorithm>
#include <array>

namespace redoubt::auth {
namespace {

constexpr std::array<std::string_view, 6> names{
    "game", "models", "workflow:run", "workflow:author", "operator:read", "operator:write"};

}  // namespace

std::string_view to_string(Scope scope) {
  return names[static_cast<std::size_t>(scope)];
}

std::string to_text(Scopes scopes) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!scopes.has(static_cast<Scope>(i))) continue;
    text.append(text.empty() ? "" : " ").append(names[i]);
  }
  return text;
}

Scopes parse_scopes(std::string_view text, std::string* unknown) {
  Scopes scopes;
  while (!text.empty()) {
    const std::size_t cut = std::min(text.find(' '), text.size());
    const std::string_view name = text.substr(0, cut);
    text.remove_prefix(std::min(cut + 1, text.size()));
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) {
      scopes = scopes | static_cast<Scope>(found - names.begin());
    } else if (unknown != nullptr && unknown->empty() && !name.empty()) {
      *unknown = name;
    }
  }
  return scopes;
}

}  // namespace redoubt::auth
