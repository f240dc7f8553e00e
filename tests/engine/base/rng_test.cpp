#include "engine/base/rng.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace redoubt;

TEST_CASE("the stream is SplitMix64's") {
  // First outputs for seed 1234567, as in the reference implementation's published test vector.
  Rng rng(1234567);
  CHECK(rng.next() == 6457827717110365317u);
  CHECK(rng.next() == 3203168211198807973u);
  CHECK(rng.next() == 9817491932198370423u);
  CHECK(rng.next() == 4593380528125082431u);
  CHECK(rng.next() == 16408922859458223821u);
}

TEST_CASE("a copy forks the future and a state resumes it") {
  Rng a(7);
  a.next();
  Rng b = a;
  CHECK(a.next() == b.next());
  Rng resumed(a.state());
  CHECK(resumed.next() == b.next());
}

TEST_CASE("below stays below and takes every value about equally often") {
  Rng rng(3);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i)
    ++counts[rng.below(7)];
  for (int count : counts) {
    CHECK(count > 9'500);
    CHECK(count < 10'500);
  }
  for (int i = 0; i < 100; ++i)
    CHECK(rng.below(1) == 0);
}

TEST_CASE("between includes both ends") {
  Rng rng(4);
  int low = 100;
  int high = -100;
  for (int i = 0; i < 1000; ++i) {
    const int v = rng.between(-3, 3);
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  CHECK(low == -3);
  CHECK(high == 3);
  CHECK(rng.between(5, 5) == 5);
}

TEST_CASE("forks for different purposes are different streams") {
  const Rng rng(9);
  Rng a = rng.fork(1);
  Rng b = rng.fork(2);
  Rng again = rng.fork(1);
  const std::uint64_t first = a.next();
  CHECK(first != b.next());
  CHECK(first == again.next());
}
