#include "engine/base/result.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace redoubt;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{.code = "odd", .message = "odd", .got = std::to_string(n)};
  return n / 2;
}

Result<void> positive(int n) {
  if (n <= 0) return Error{.code = "not_positive", .message = "not positive"};
  return {};
}

}  // namespace

TEST_CASE("a Result is a value or an error") {
  const Result<int> four = half(8);
  REQUIRE(four.ok());
  CHECK(*four == 4);
  CHECK(static_cast<bool>(four));
  const Result<int> none = half(7);
  REQUIRE(!none.ok());
  CHECK(none.error().code == "odd");
  CHECK(none.error().got == "7");
}

TEST_CASE("a Result<void> is success or an error") {
  CHECK(positive(1).ok());
  REQUIRE(!positive(0).ok());
  CHECK(positive(0).error().code == "not_positive");
}

TEST_CASE("a value that cannot be copied moves out") {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  REQUIRE(made.ok());
  const std::unique_ptr<int> taken = std::move(made).value();
  CHECK(*taken == 5);
}
