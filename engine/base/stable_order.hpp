// Sorting that keeps the order of equals, compiled once.
//
// 1. Two items of which neither comes before the other stay as they stood, so an order is the same
//    on every platform even where `before` leaves ties.
// 2. std::stable_sort is compiled anew, some three kilobytes, for every type and every order; here
//    only the comparison and the move are. That was a tenth of the WebAssembly.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace redoubt {

/// Whether item `a` comes before item `b`, by their places in the unsorted list.
using ComesBefore = bool (*)(const void* context, std::uint32_t a, std::uint32_t b);

/// The places of `count` items in their order; empty where they are in order already. O(n log n)
/// comparisons, O(n) for a list in order, which then costs no memory.
std::vector<std::uint32_t> stable_order(std::uint32_t count, ComesBefore before,
                                        const void* context);

template <class T, class Before>
void sort_stable(std::vector<T>& items, const Before& before) {
  struct Context {
    const T* items;
    const Before* before;
  };
  const Context context{items.data(), &before};
  const ComesBefore compare = [](const void* c, std::uint32_t a, std::uint32_t b) -> bool {
    const auto& [all, earlier] = *static_cast<const Context*>(c);
    return (*earlier)(all[a], all[b]);
  };
  const auto order = stable_order(static_cast<std::uint32_t>(items.size()), compare, &context);
  if (order.empty()) return;
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const std::uint32_t place : order)
    sorted.push_back(std::move(items[place]));
  items.swap(sorted);
}

}  // namespace redoubt
