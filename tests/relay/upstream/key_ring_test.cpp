#include "relay/upstream/key_ring.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::upstream {
namespace {

std::string picks(KeyRing& ring, int count, std::int64_t now_ns) {
  std::string order;
  for (int i = 0; i < count; ++i) {
    const auto key = ring.pick(now_ns);
    order += key ? ring.name(*key) : "-";
  }
  return order;
}

using llm::FailureClass;

TEST_CASE("keys are taken by weight, never in a bunch") {
  KeyRing ring({{"a", 5}, {"b", 1}, {"c", 1}});
  CHECK(picks(ring, 14, 0) == "aabacaaaabacaa");  // the example in nginx's source
}

TEST_CASE("a key that rests is left out until its time") {
  KeyRing ring({{"a", 1}, {"b", 1}});
  ring.rest(0, 100, FailureClass::rate_limited);
  CHECK(picks(ring, 3, 99) == "bbb");
  CHECK(ring.available_at_ns(99) == 0);
  ring.rest(1, 200, FailureClass::rate_limited);
  CHECK(picks(ring, 1, 99) == "-");
  CHECK(ring.available_at_ns(99) == 100);
  CHECK(picks(ring, 2, 100) == "aa");
  CHECK(picks(ring, 4, 200) == "abab");
  ring.rest(0, 50, FailureClass::rate_limited);  // a shorter rest does not end a longer one
  ring.rest(7, 1'000, FailureClass::rate_limited);
  CHECK(ring.available_at_ns(200) == 0);
}

TEST_CASE("a key that rests says for what and until when") {
  KeyRing ring({{"a", 1}, {"b", 1}, {"c", 1}});
  ring.rest(0, 200, FailureClass::no_quota);
  ring.rest(0, 100, FailureClass::rate_limited);
  ring.rest(1, 150, FailureClass::rate_limited);
  const std::vector<RestingKey> resting = ring.resting(99);
  REQUIRE(resting.size() == 2);
  CHECK(resting[0].name == "b");
  CHECK(resting[0].why == FailureClass::rate_limited);
  CHECK(resting[1].name == "a");
  CHECK(resting[1].why == FailureClass::no_quota);
  CHECK(resting[1].until_ns == 200);
  ring.replace({{"a", 1}});
  CHECK(ring.resting(150)[0].why == FailureClass::no_quota);
  CHECK(ring.resting(200).empty());
}

TEST_CASE("a key rests when a third caller is refused and nobody was answered between") {
  // A step is a caller who is refused with the key, or '+': somebody is answered.
  struct Row {
    const char* steps;
    bool rests;
  };
  for (const Row row : {Row{"A", false}, Row{"AAAAAAAA", false}, Row{"ABABAB", false},
                        Row{"ABC", true}, Row{"AABBAC", true}, Row{"AB+C", false},
                        Row{"AB+CBA", true}, Row{"A+B+C+A", false}, Row{"+ABC", true}}) {
    CAPTURE(row.steps);
    KeyRing ring({{"a", 1}});
    for (const char* step = row.steps; *step != '\0'; ++step) {
      if (*step == '+') {
        ring.answered(0);
      } else {
        ring.refused(0, std::string(1, *step), 100, FailureClass::unauthorized);
      }
    }
    CHECK(ring.available_at_ns(0) == (row.rests ? 100 : 0));
  }
}

TEST_CASE("a key is doubted anew after its rest, and its doubt stays with its name") {
  KeyRing ring({{"a", 1}});
  for (const char* caller : {"A", "B", "C"})
    ring.refused(0, caller, 100, FailureClass::unauthorized);
  CHECK(ring.available_at_ns(0) == 100);
  ring.refused(0, "B", 300, FailureClass::unauthorized);
  ring.refused(0, "C", 300, FailureClass::unauthorized);
  CHECK(ring.available_at_ns(100) == 0);
  ring.replace({{"b", 1}, {"a", 1}});
  ring.refused(1, "A", 300, FailureClass::unauthorized);
  CHECK(picks(ring, 2, 200) == "bb");
  ring.refused(7, "A", 300, FailureClass::unauthorized);
  ring.answered(7);
}

TEST_CASE("keys that a call was refused with are left out of its own picks") {
  KeyRing ring({{"a", 1}, {"b", 1}});
  const std::uint32_t a[] = {0};
  const std::uint32_t both[] = {0, 1};
  CHECK(ring.pick(0, a) == 1u);
  CHECK(ring.pick(0, a) == 1u);
  CHECK(ring.pick(0, both) == std::nullopt);
  CHECK(ring.available_at_ns(0, both) == std::nullopt);
  ring.rest(1, 100, FailureClass::rate_limited);
  CHECK(ring.available_at_ns(0, a) == 100);
}

TEST_CASE("other keys keep the rest of those that stay") {
  KeyRing ring({{"a", 1}, {"b", 1}});
  ring.rest(0, 100, FailureClass::rate_limited);
  ring.replace({{"c", 1}, {"a", 3}});
  CHECK(picks(ring, 3, 50) == "ccc");
  CHECK(picks(ring, 4, 100) == "acaa");
}

TEST_CASE("a provider without keys needs none") {
  KeyRing ring({});
  CHECK(ring.pick(0) == 0u);
  CHECK(ring.available_at_ns(0) == 0);
}

}  // namespace
}  // namespace redoubt::upstream
