#include "relay/limits/amounts.hpp"

#include <algorithm>

#include "engine/base/message.hpp"

namespace redoubt::limits {

std::string dollars_text(Picodollars amount) {
  constexpr std::int64_t per_dollar = 10'000;
  const std::int64_t units = amount / (picodollars_per_dollar / per_dollar);
  std::string digits = std::to_string(per_dollar + units % per_dollar).substr(1);
  if (digits.ends_with("00")) digits.resize(2);
  return joined({"$", units / per_dollar, ".", digits});
}

std::string duration_text(std::int64_t duration_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000, minute = 60, hour = 3'600;
  const std::int64_t up = duration_ns / second_ns + (duration_ns % second_ns > 0 ? 1 : 0);
  const std::int64_t seconds = std::max<std::int64_t>(1, up);
  if (seconds < 2 * minute) return joined({seconds, " s"});
  if (seconds < 2 * hour) return joined({(seconds + minute - 1) / minute, " minutes"});
  return joined({(seconds + hour - 1) / hour, " h"});
}

}  // namespace redoubt::limits
