#include "engine/base/stable_order.hpp"

#include <algorithm>

namespace redoubt {
namespace {

bool in_order(std::uint32_t count, ComesBefore before, const void* context) {
  for (std::uint32_t i = 1; i < count; ++i) {
    if (before(context, i, i - 1)) return false;
  }
  return true;
}

// Merges from[low, middle) and from[middle, high) into `to`; the left one goes first among equals.
void merge(const std::vector<std::uint32_t>& from, std::vector<std::uint32_t>& to, std::size_t low,
           std::size_t middle, std::size_t high, ComesBefore before, const void* context) {
  std::size_t left = low;
  std::size_t right = middle;
  for (std::size_t at = low; at < high; ++at) {
    const bool take_right =
        left == middle || (right < high && before(context, from[right], from[left]));
    to[at] = take_right ? from[right++] : from[left++];
  }
}

}  // namespace

std::vector<std::uint32_t> stable_order(std::uint32_t count, ComesBefore before,
                                        const void* context) {
  std::vector<std::uint32_t> order;
  if (in_order(count, before, context)) return order;
  order.resize(count);
  for (std::uint32_t i = 0; i < count; ++i)
    order[i] = i;
  std::vector<std::uint32_t> merged(count);
  for (std::size_t width = 1; width < count; width *= 2) {
    for (std::size_t low = 0; low < count; low += 2 * width) {
      const std::size_t middle = std::min<std::size_t>(low + width, count);
      const std::size_t high = std::min<std::size_t>(low + 2 * width, count);
      merge(order, merged, low, middle, high, before, context);
    }
    order.swap(merged);
  }
  return order;
}

}  // namespace redoubt
