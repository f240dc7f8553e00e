// In which shape the clients of a path read an error.
#pragma once

#include <cstdint>

namespace redoubt::contract {

/// A route must say its own: there is no value to fall into by leaving it out.
class Dialect {
 public:
  enum class Kind : std::uint8_t {
    fastapi,    ///< {"detail": ...}, as AgentArena's own backend
    openai,     ///< {"error": {"message", "type", "code", ...}}
    anthropic,  ///< {"type": "error", "error": {"type", "message"}}
    gemini,     ///< {"error": {"code", "message", "status", "details"}}, as Google's APIs
    of_sdk,     ///< one of the three above, as the headers of the SDK that asks say
    problem,    ///< RFC 9457 problem details
  };

  static constexpr Dialect fastapi() { return Dialect(Kind::fastapi); }
  static constexpr Dialect openai() { return Dialect(Kind::openai); }
  static constexpr Dialect anthropic() { return Dialect(Kind::anthropic); }
  static constexpr Dialect gemini() { return Dialect(Kind::gemini); }
  static constexpr Dialect of_sdk() { return Dialect(Kind::of_sdk); }
  static constexpr Dialect problem() { return Dialect(Kind::problem); }

  constexpr Kind kind() const { return kind_; }
  constexpr bool operator==(const Dialect&) const = default;

 private:
  constexpr explicit Dialect(Kind kind) : kind_(kind) {}

  Kind kind_;
};

}  // namespace redoubt::contract
