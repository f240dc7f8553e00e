#include "engine/base/stable_order.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/base/rng.hpp"

namespace redoubt {
namespace {

using Item = std::pair<int, int>;  // what is compared, and where it stood

constexpr auto by_first = [](const Item& a, const Item& b) { return a.first < b.first; };

TEST_CASE("every length and many ties sort as std::stable_sort does") {
  Rng rng(7);
  for (int count = 0; count < 130; ++count) {
    std::vector<Item> items;
    for (int i = 0; i < count; ++i)
      items.emplace_back(static_cast<int>(rng.next() % 9), i);
    std::vector<Item> wanted = items;
    std::stable_sort(wanted.begin(), wanted.end(), by_first);
    sort_stable(items, by_first);
    CHECK(items == wanted);
  }
}

TEST_CASE("a list in order costs no memory, and one in reverse is turned around") {
  const std::vector<int> rising{1, 2, 2, 3};
  const auto before = [](const void* c, std::uint32_t a, std::uint32_t b) {
    const auto& list = *static_cast<const std::vector<int>*>(c);
    return list[a] < list[b];
  };
  CHECK(stable_order(4, before, &rising).capacity() == 0);
  const std::vector<int> falling{3, 2, 1};
  CHECK(stable_order(3, before, &falling) == std::vector<std::uint32_t>{2, 1, 0});
}

TEST_CASE("what can only be moved is moved") {
  std::vector<std::unique_ptr<int>> items;
  for (int value : {3, 1, 2})
    items.push_back(std::make_unique<int>(value));
  sort_stable(items, [](const auto& a, const auto& b) { return *a < *b; });
  CHECK(*items[0] == 1);
  CHECK(*items[1] == 2);
  CHECK(*items[2] == 3);
}

}  // namespace
}  // namespace redoubt
