// What a refusal says to whoever was refused, where more is known of the call than its size.
#pragma once

#include <cstdint>
#include <string>

#include "relay/limits/limiter.hpp"

namespace redoubt::limits {

/// What a call's prompt was reserved as.
enum class PromptReserved : std::uint8_t {
  by_size,
  whole_context,  ///< what lies outside of it may be as long as the model takes
};

/// refusal_text() of limiter.hpp (there by_size), with what to ask for less of.
std::string refusal_text(const Refusal& refusal, PromptReserved prompt);

}  // namespace redoubt::limits
