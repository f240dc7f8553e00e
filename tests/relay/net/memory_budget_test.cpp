#include "relay/net/memory_budget.hpp"

#include <doctest/doctest.h>

#include <string>

using redoubt::http::ClientKey;
using redoubt::net::HeldMemory;
using redoubt::net::MemoryBudget;

namespace {

using Share = MemoryBudget::Share;

/// At an address; a caller with a token is one whose name is the address, unless told otherwise.
MemoryBudget::Account account(std::uint8_t address, Share share) {
  return {.key = ClientKey{0, 0, 0, 0, 192, 0, 2, address},
          .share = share,
          .identity = share == Share::caller ? std::to_string(address) : ""};
}
MemoryBudget::Account caller(const char* identity, std::uint8_t address) {
  MemoryBudget::Account result = account(address, Share::caller);
  result.identity = identity;
  return result;
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

TEST_CASE("a caller with a token has three eighths, from however many addresses they come") {
  MemoryBudget budget(800);
  CHECK(budget.take(caller("ada", 1), 150));
  CHECK(budget.take(caller("ada", 2), 100));
  CHECK_FALSE(budget.take(caller("ada", 3), 51));
  CHECK(budget.take(caller("ada", 3), 50));
  CHECK_FALSE(budget.take(caller("ada", 4), 1));
  CHECK(budget.take(caller("eve", 4), 300));
  CHECK_FALSE(budget.take(caller("bob", 4), 1));  // the address's part
  CHECK(budget.take(caller("bob", 3), 100));
  budget.give_back(caller("ada", 2), 100);
  CHECK(budget.take(caller("ada", 1), 100));
  CHECK_FALSE(budget.take(caller("ada", 2), 1));
}

TEST_CASE("the last eighth is for who holds little, whoever fills the rest") {
  constexpr std::size_t eighth = 1 << 20;
  constexpr std::size_t small = MemoryBudget::small_bytes_max;
  MemoryBudget budget(8 * eighth);
  CHECK(budget.take(caller("ada", 1), 3 * eighth));
  CHECK(budget.take(caller("eve", 2), 3 * eighth));
  CHECK(budget.take(caller("bob", 3), eighth - small / 2));
  CHECK_FALSE(budget.take(caller("bob", 4), small));
  CHECK(budget.take(caller("bob", 4), small / 2));
  CHECK_FALSE(budget.take(caller("bob", 5), 1));
  CHECK_FALSE(budget.take(caller("dan", 6), small + 1));
  CHECK(budget.take(caller("dan", 6), small));
  CHECK_FALSE(budget.take(caller("dan", 7), 1));
  CHECK(budget.take(caller("zoe", 3), small));  // at an address where somebody holds much
  CHECK(budget.take(account(8, Share::stranger), small));
  CHECK_FALSE(budget.take(account(8, Share::stranger), 1));
  CHECK(budget.take(account(9, Share::arriving), small));
  CHECK_FALSE(budget.take(account(9, Share::arriving), 1));
  budget.give_back(caller("ada", 1), 4 * small);
  CHECK_FALSE(budget.take(caller("dan", 7), 1));
  budget.give_back(caller("ada", 1), 1);
  CHECK(budget.take(caller("dan", 7), 1));
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

TEST_CASE("what another held goes on counting while it changes hands") {
  const auto budget = std::make_shared<MemoryBudget>(800);
  HeldMemory first(budget, account(1, Share::stranger));
  HeldMemory second(budget, account(1, Share::stranger));
  REQUIRE(first.resize(200));
  REQUIRE(second.resize(50));
  second.take_over(first);
  CHECK(first.bytes() == 0);
  CHECK(second.bytes() == 250);
  CHECK(budget->bytes() == 250);
  CHECK(second.resize(100));
  CHECK(budget->bytes() == 100);
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
