#include "engine/agents/ranking.hpp"

#include <doctest/doctest.h>

using namespace redoubt::agents;

TEST_SUITE("agents/ranking") {
  TEST_CASE("words are letters and digits in lower case, and bytes beyond ASCII") {
    CHECK(terms_of("The red-team's 2 Fl\xc3\xbcgel!", 100) ==
          std::vector<std::string>{"the", "red", "team", "s", "2", "fl\xc3\xbcgel"});
    CHECK(terms_of("a b c", 2).size() == 2);
    CHECK(terms_of("", 2).empty());
  }

  TEST_CASE("the logarithm is the same in every build") {
    CHECK(log2_q16(1, 1) == 0);
    CHECK(log2_q16(2, 1) == 65536);
    CHECK(log2_q16(1024, 1) == 655360);
    CHECK(log2_q16(3, 1) == 103872);        // 1.584962 x 65536, cut
    CHECK(log2_q16(200002, 3) == 1050194);  // 16.024689 x 65536, cut
    CHECK(log2_q16(1ull << 62, 1) == 62 * 65536);
    CHECK(log2_q16((1ull << 62) + 1, 1ull << 61) == 65536);
  }

  TEST_CASE("a rare word counts more than a common one, a short text more than a long one") {
    const std::vector<std::string_view> documents{
        "the fort has a gate and the gate has a guard and the guard has a dog", "the gate",
        "the dog sleeps", "nothing of the kind"};
    const auto gate = bm25(documents, "gate", 64);
    CHECK(gate[1] > gate[0]);
    CHECK(gate[2] == 0);
    const auto both = bm25(documents, "The DOG", 64);
    CHECK(both[2] > both[0]);
    CHECK(both[3] > 0);
    CHECK(both[3] < both[2]);
    CHECK(bm25({"", ""}, "dog", 64) == std::vector<std::int64_t>{0, 0});
    CHECK(bm25({}, "dog", 64).empty());
  }

  TEST_CASE("the cosine of vectors of one length") {
    CHECK(cosine_millionths({1, 0}, {2, 0}) == 1000000);
    CHECK(cosine_millionths({1, 0}, {0, 3}) == 0);
    CHECK(cosine_millionths({1, 1}, {-1, -1}) <= -999999);
    CHECK(cosine_millionths({1, 2}, {1, 2, 3}) == 0);
    CHECK(cosine_millionths({0, 0}, {1, 2}) == 0);
  }
}
