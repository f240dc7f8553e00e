// Amounts in units that a person uses: "$0.50", "in 14 s".
#pragma once

#include <cstdint>
#include <string>

#include "relay/limits/money.hpp"

namespace redoubt::limits {

/// "$0.50"; four digits where a cent says too little.
std::string dollars_text(Picodollars amount);
/// "14 s", "3 minutes", "2 h", rounded up, at least a second.
std::string duration_text(std::int64_t duration_ns);

}  // namespace redoubt::limits
