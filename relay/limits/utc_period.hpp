// UTC days and months as numbers, for budgets: when one ends, and what it is called in the store.
#pragma once

#include <cstdint>
#include <string>

namespace redoubt::limits {

enum class Period : std::uint8_t { day, month };

/// Days since 1970-01-01, or months since 1970-01. REQUIRES: unix_s >= 0
std::int32_t period_of(Period period, std::int64_t unix_s);
/// The first second of the period.
std::int64_t period_start_s(Period period, std::int32_t index);
/// "2026-11-27" or "2026-11".
std::string period_name(Period period, std::int32_t index);

}  // namespace redoubt::limits
