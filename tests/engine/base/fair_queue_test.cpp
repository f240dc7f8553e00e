#include "engine/base/fair_queue.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace redoubt {
namespace {

std::string drain(FairQueue<std::string, std::string>& queue) {
  std::string order;
  while (const auto item = queue.pop())
    order += *item + " ";
  return order;
}

}  // namespace

TEST_CASE("groups take turns, whatever the number of their items") {
  FairQueue<std::string, std::string> queue;
  for (const char* item : {"a1", "a2", "a3", "a4"})
    CHECK(queue.push("a", item));
  CHECK(queue.push("b", "b1"));
  CHECK(queue.push("c", "c1"));
  CHECK(queue.push("c", "c2"));
  CHECK(queue.size() == 7);
  CHECK(drain(queue) == "a1 b1 c1 a2 c2 a3 a4 ");
  CHECK(queue.empty());
}

TEST_CASE("an item that comes back waits for every other group") {
  FairQueue<std::string, std::string> queue;
  queue.push("a", "a1");
  queue.push("b", "b1");
  std::string order;
  for (int turn = 0; turn < 4; ++turn) {
    const auto item = queue.pop();
    order += *item + " ";
    queue.push(item->substr(0, 1), *item);
  }
  CHECK(order == "a1 b1 a1 b1 ");
}

TEST_CASE("what waits is not queued twice") {
  FairQueue<std::string, std::string> queue;
  CHECK(queue.push("a", "a1"));
  CHECK(!queue.push("a", "a1"));
  CHECK(drain(queue) == "a1 ");
  CHECK(queue.push("a", "a1"));
}

}  // namespace redoubt
