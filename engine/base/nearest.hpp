// The known name that was probably meant, for "did you mean".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace redoubt {

/// The candidate that differs least from `name` (optimal string alignment: letters changed,
/// missing, added, or two swapped; at most a third of the name's), the first of several; empty
/// where there is none. Names over 64 bytes are not compared. O(|name| |candidate|) for each.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

/// `; did you mean "NAME"?`, to end a message with; empty where no candidate is near.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace redoubt
