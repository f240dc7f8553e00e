#include "relay/net/memory_budget.hpp"

#include <doctest/doctest.h>

using redoubt::http::ClientKey;
using redoubt::net::HeldMemory;
using redoubt::net::MemoryBudget;

namespace {

using Share = MemoryBudget::Share;

MemoryBudget::Account account(std::uint8_t address, Share share) {
  return {.key = ClientKey{0, 0, 0, 0, 192, 0, 2, address}, .share = share};
}

}  // namespace

TEST_CASE(
    "an address has three eighths, strangers half, what arrives a quarter, callers the whole") {
  MemoryBudget budget(800);
  const auto take = [&](std::uint8_t address, Share share, std::size_t bytes) {
    return budget.take(account(address, share), bytes);
  };
  CHECK(take(1, Share::stranger, 300));
  CHECK_FALSE(take(1, Share::stranger, 1));
  CHECK_FALSE(take(1, Share::caller, 1));
  CHECK(take(2, Share::stranger, 100));
  CHECK_FALSE(take(3, Share::stranger, 1));
  CHECK(take(2, Share::arriving, 200));
  CHECK_FALSE(take(3, Share::arriving, 1));
  CHECK(take(3, Share::caller, 200));
  CHECK_FALSE(take(4, Share::caller, 1));
  CHECK(budget.bytes() == 800);
  budget.give_back(account(1, Share::stranger), 300);
  CHECK(take(3, Share::caller, 100));
  CHECK_FALSE(take(3, Share::caller, 1));
  CHECK(take(1, Share::stranger, 200));
}

TEST_CASE("the admin listener has a quarter of its own, whoever holds all the rest") {
  MemoryBudget budget(800);
  for (std::uint8_t address = 1; address <= 4; ++address)
    CHECK(budget.take(account(address, Share::caller), 200));
  CHECK_FALSE(budget.take(account(5, Share::caller), 1));
  CHECK(budget.take(account(1, Share::admin), 200));
  CHECK_FALSE(budget.take(account(5, Share::admin), 1));
  CHECK(budget.bytes() == 800);
  budget.give_back(account(1, Share::admin), 200);
  CHECK(budget.bytes() == 800);
  CHECK(budget.take(account(1, Share::admin), 200));
  budget.give_back(account(1, Share::caller), 200);
  CHECK(budget.take(account(1, Share::caller), 200));
}

TEST_CASE("a holder gives back what it holds, and moves it") {
  const auto budget = std::make_shared<MemoryBudget>(800);
  {
    HeldMemory held(budget, account(1, Share::stranger));
    CHECK(held.resize(200));
    CHECK(held.resize(300));
    CHECK_FALSE(held.resize(301));
    CHECK(budget->bytes() == 300);
    CHECK(held.resize(100));
    CHECK(budget->bytes() == 100);
    CHECK(held.move_to(account(2, Share::caller)));
    CHECK(budget->bytes() == 100);
    CHECK(budget->take(account(1, Share::stranger), 300));
    CHECK_FALSE(held.move_to(account(1, Share::stranger)));
    CHECK(budget->bytes() == 300);
    budget->give_back(account(1, Share::stranger), 300);
    CHECK(held.resize(50));
  }
  CHECK(budget->bytes() == 0);
}
