// Scopes: what a caller may do, as a small closed set.
//
//   game             the game's questions and its socket            /api/team-strategy, /ws/...
//   models           calls to language models                       /v1/...
//   workflow:run     runs of the workflows in the relay's catalogue
//   workflow:author  runs of workflows that the caller brings along
//   operator:read    the admin listener: metrics, state
//   operator:write   the admin listener: whatever changes something
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redoubt::auth {

enum class Scope : std::uint8_t {
  game,
  models,
  workflow_run,
  workflow_author,
  operator_read,
  operator_write
};
std::string_view to_string(Scope scope);

/// A set of scopes.
class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(Scope scope) : bits_(static_cast<std::uint8_t>(1u << static_cast<int>(scope))) {}
  constexpr bool has(Scope scope) const { return (bits_ & Scopes(scope).bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const Scopes&) const = default;
  friend constexpr Scopes operator|(Scopes a, Scopes b) { return Scopes(a.bits_ | b.bits_, 0); }
  friend constexpr Scopes operator&(Scopes a, Scopes b) { return Scopes(a.bits_ & b.bits_, 0); }
  constexpr bool within(Scopes other) const { return (*this & other) == *this; }

 private:
  constexpr Scopes(int bits, int) : bits_(static_cast<std::uint8_t>(bits)) {}
  std::uint8_t bits_ = 0;
};
constexpr Scopes operator|(Scope a, Scope b) {
  return Scopes(a) | Scopes(b);
}

/// What a player gets where nothing else is said.
constexpr Scopes player_scopes = Scope::game | Scope::models;
/// What a player can be given at most.
constexpr Scopes player_scopes_max = player_scopes | Scope::workflow_run | Scope::workflow_author;

/// "game models": names by single spaces, as OAuth writes them (RFC 6749 3.3).
std::string to_text(Scopes scopes);
/// Unknown names are nobody's right here and are left out; `unknown` receives the first of them.
Scopes parse_scopes(std::string_view text, std::string* unknown = nullptr);

}  // namespace redoubt::auth
