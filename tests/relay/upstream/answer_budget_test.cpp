#include "relay/upstream/answer_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/rng.hpp"

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

constexpr std::size_t mebibyte = 1u << 20;
constexpr AnswerBudget::Options options{.bytes_max = 26 * mebibyte,
                                        .answer_bytes_max = 4 * mebibyte};
constexpr std::size_t kept_max = options.bytes_max - 3 * options.answer_bytes_max;
constexpr std::size_t longest = options.answer_bytes_max;

}  // namespace

TEST_CASE("one caller's answers take three eighths, strangers' half, and others find room") {
  AnswerBudget budget(options);
  const auto first = budget.open("ada", false);
  CHECK(budget.resize(first, {longest, 0}));
  const auto second = budget.open("ada", false);
  CHECK_FALSE(budget.resize(second, {mebibyte, 0}));  // the caller's own part
  const auto other = budget.open("bob", false);
  CHECK(budget.resize(other, {mebibyte, 0}));

  const auto stranger = budget.open("address a", true);
  CHECK_FALSE(budget.resize(stranger, {longest, 0}));  // more than half of what the others leave
  CHECK(budget.resize(stranger, {2 * mebibyte, 0}));
  const auto next = budget.open("address b", true);
  CHECK_FALSE(budget.resize(next, {mebibyte, 0}));
  CHECK(budget.resize(next, {mebibyte / 2, 0}));
  CHECK(budget.kept_bytes() <= kept_max);

  budget.settle(first, mebibyte);  // it is read by its client now
  CHECK(budget.take_served() == std::vector{second});
  CHECK_FALSE(budget.resize(next, {mebibyte, 0}));
  budget.close(stranger);
  CHECK(budget.take_served() == std::vector{next});
}

TEST_CASE("the answer that is long for the longest comes to its end, whatever others keep") {
  AnswerBudget budget(options);
  std::vector<AnswerBudget::Id> ids;
  for (int i = 0; i < 100; ++i)
    ids.push_back(budget.open("caller " + std::to_string(i), false));
  // All of them grow, none can be longer than what is left beside the first's.
  for (std::size_t kept = 16 * 1024; kept <= mebibyte; kept += 16 * 1024) {
    for (const auto id : ids)
      (void)budget.resize(id, {kept, 0});
    REQUIRE(budget.kept_bytes() <= kept_max - longest + mebibyte);
  }
  CHECK(budget.resize(ids.front(), {longest, 0}));
  CHECK(budget.kept_bytes() <= kept_max);
  // A short one finds room beside them.
  const auto small = budget.open("dan", false);
  CHECK(budget.resize(small, {AnswerBudget::small_bytes_max, 0}));
}

TEST_CASE("it is short while somebody waits for others, not for their own") {
  AnswerBudget budget(options);
  const auto first = budget.open("ada", false);
  budget.settle(first, 5 * mebibyte);
  const auto own = budget.open("ada", false);
  CHECK_FALSE(budget.resize(own, {mebibyte, 0}));
  CHECK_FALSE(budget.is_short());
  // Three callers whose readers take their time.
  budget.settle(budget.open("bob", false), 5 * mebibyte);
  const auto third = budget.open("eve", false);
  budget.settle(third, 4 * mebibyte);
  const auto other = budget.open("dan", false);
  CHECK_FALSE(budget.resize(other, {mebibyte, 0}));
  CHECK(budget.is_short());
  budget.close(third);
  budget.close(first);
  CHECK_FALSE(budget.is_short());
}

TEST_CASE("what several wait for is counted on whoever of them kept less when they came") {
  AnswerBudget budget(options);
  budget.settle(budget.open("ada", false), 5 * mebibyte);
  const auto waits = budget.open("ada", false);
  CHECK_FALSE(budget.resize(waits, {mebibyte, 0}));
  budget.share(waits, "ada");
  CHECK(budget.take_served().empty());
  budget.share(waits, "bob");
  CHECK(budget.take_served() == std::vector{waits});
  CHECK(budget.resize(waits, {longest, 0}));
  // The opener's own wait as before.
  const auto own = budget.open("ada", false);
  CHECK_FALSE(budget.resize(own, {mebibyte, 0}));
  CHECK(budget.kept_bytes() == 9 * mebibyte);
  // Who keeps more does not take it over, nor does it go back to them.
  budget.share(waits, "ada");
  const auto bobs = budget.open("bob", false);
  CHECK_FALSE(budget.resize(bobs, {2 * mebibyte, 0}));
  for (AnswerBudget::Id id = 1; id <= bobs; ++id)
    budget.close(id);
  CHECK(budget.kept_bytes() == 0);
}

TEST_CASE("what callers ask for together takes no more than what each of them may have") {
  AnswerBudget budget(options);
  // Two callers, each of whom joins what the other asks for, and answers that do not go on.
  std::vector<AnswerBudget::Id> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(budget.open("ada", false));
    budget.share(ids.back(), "bob");
    ids.push_back(budget.open("bob", false));
    budget.share(ids.back(), "ada");
  }
  for (std::size_t kept = 64 * 1024; kept <= longest; kept += 64 * 1024) {
    for (const auto id : ids)
      (void)budget.resize(id, {kept, 0});
  }
  CHECK(budget.resize(budget.open("dan", false), {mebibyte, 0}));
}

TEST_CASE("as much as each of those has who keep what they can is left for whoever comes") {
  for (const bool strangers : {false, true}) {
    for (const int callers : {1, 2, 3, 8, 24}) {
      CAPTURE(strangers);
      CAPTURE(callers);
      AnswerBudget budget(options);
      std::vector<AnswerBudget::Id> ids;
      for (int i = 0; i < callers * 8; ++i)
        ids.push_back(budget.open("caller " + std::to_string(i % callers), strangers));
      for (std::size_t kept = 16 * 1024; kept <= longest; kept += 16 * 1024) {
        for (const auto id : ids)
          (void)budget.resize(id, {kept, 0});
      }
      CHECK(budget.resize(budget.open("new", strangers), {60 * 1024, 0}));
      CHECK(budget.kept_bytes() <= kept_max);
    }
  }
}

TEST_CASE("short answers that fill what they may do not keep each other from ending") {
  AnswerBudget budget(options);
  std::vector<AnswerBudget::Id> ids;
  bool all_fit = true;
  for (int i = 0; i < 1'000; ++i) {
    ids.push_back(budget.open("ada", false));
    all_fit = budget.resize(ids.back(), {16 * 1024, 0}) && all_fit;
  }
  CHECK_FALSE(all_fit);
  // Each wants more: one of them gets it, goes, and the next does.
  std::vector<AnswerBudget::Id> served;
  for (const auto id : ids) {
    if (budget.resize(id, {AnswerBudget::small_bytes_max, 0})) served.push_back(id);
  }
  CHECK(served.size() < ids.size() / 2);
  std::size_t gone = 0;
  while (!served.empty()) {
    for (const auto id : served)
      budget.close(id);
    gone += served.size();
    served = budget.take_served();
  }
  CHECK(gone == ids.size());
  CHECK(budget.kept_bytes() == 0);
}

TEST_CASE("what is worked with has a part of its own, and a need over it is served alone") {
  AnswerBudget budget(options);
  const auto first = budget.open("ada", false);
  CHECK(budget.resize(first, {mebibyte, 3 * mebibyte}));
  const auto large = budget.open("bob", false);
  CHECK_FALSE(budget.resize(large, {mebibyte, 100 * mebibyte}));
  CHECK(budget.resize(first, {mebibyte, 0}));
  CHECK(budget.take_served() == std::vector{large});
  CHECK(budget.work_bytes() <= options.bytes_max / 2);
  budget.close(first);
  budget.close(large);
  CHECK(budget.kept_bytes() == 0);
  CHECK(budget.work_bytes() == 0);
}

// Each grows to a length of its own, is worked on, is read by its client, and goes: at every moment
// somebody gets on.
TEST_CASE("answers of any lengths and callers all come to their ends within the budget") {
  struct Coming {
    AnswerBudget::Id id = 0;
    std::size_t kept = 0;
    std::size_t length = 0;
    bool waits = false;
    bool worked = false;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    AnswerBudget budget(options);
    std::vector<Coming> coming;
    for (int i = 0; i < 200; ++i) {
      const bool stranger = rng.below(3) == 0;
      const std::string caller =
          (stranger ? "address " : "player ") + std::to_string(rng.below(20));
      const std::size_t length = rng.below(4) == 0 ? longest : 1 + rng.below(mebibyte);
      coming.push_back({.id = budget.open(caller, stranger), .length = length});
    }
    while (!coming.empty()) {
      const auto moves =
          std::count_if(coming.begin(), coming.end(), [](const Coming& one) { return !one.waits; });
      REQUIRE(moves > 0);
      Coming& one = coming[rng.below(static_cast<std::uint32_t>(coming.size()))];
      if (one.waits) continue;
      if (one.worked) {
        budget.close(one.id);
        one = coming.back();
        coming.pop_back();
      } else if (one.kept == one.length) {
        one.worked = true;
        one.waits = !budget.resize(one.id, {one.kept, 3 * one.kept});
      } else {
        one.kept = std::min(one.length, one.kept + 1 + rng.below(128 * 1024));
        one.waits = !budget.resize(one.id, {one.kept, 0});
      }
      if (!coming.empty() && rng.below(50) == 0)
        budget.share(coming[rng.below(static_cast<std::uint32_t>(coming.size()))].id,
                     "caller " + std::to_string(rng.below(8)));
      for (const auto id : budget.take_served()) {
        const auto served = std::find_if(coming.begin(), coming.end(),
                                         [id](const Coming& other) { return other.id == id; });
        REQUIRE(served != coming.end());
        served->waits = false;
      }
      REQUIRE(budget.kept_bytes() + budget.work_bytes() <= options.bytes_max);
    }
    CHECK(budget.kept_bytes() == 0);
    CHECK(budget.work_bytes() == 0);
  }
}

TEST_CASE("the least budget has room for one caller's longest answer") {
  for (const std::size_t length : {std::size_t{64} << 10, 3 * mebibyte, 33 * mebibyte}) {
    AnswerBudget budget({.bytes_max = AnswerBudget::bytes_min(length), .answer_bytes_max = length});
    const auto one = budget.open("ada", false);
    const auto small = budget.open("ada", false);
    CHECK(budget.resize(small, {AnswerBudget::small_bytes_max, 0}));
    CHECK(budget.resize(one, {length + AnswerBudget::slack_bytes, 3 * length}));
  }
}
