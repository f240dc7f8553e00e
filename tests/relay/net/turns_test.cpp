#include "relay/net/turns.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <stdexcept>
#include <string>

namespace redoubt::net {
namespace {

/// Longer than any slice.
void work_for_long() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
  while (std::chrono::steady_clock::now() < until) {
  }
}

}  // namespace

TEST_CASE("long steps have their turns in order, and what else is ready goes between them") {
  boost::asio::io_context shard(1);
  Turns& turns = Turns::of(shard.get_executor());
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    turns.queue([&order, &shard, name] {
      order += name;
      boost::asio::post(shard, [&order] { order += '.'; });
      work_for_long();
    });
  }
  CHECK(order.empty());  // never at once
  shard.run();
  CHECK(order == "a.b.c.");
}

TEST_CASE("a step that queues waits behind those that wait already") {
  boost::asio::io_context shard(1);
  Turns& turns = Turns::of(shard.get_executor());
  std::string order;
  turns.queue([&] {
    order += 'a';
    turns.queue([&order] { order += 'A'; });
  });
  turns.queue([&order] { order += 'b'; });
  shard.run();
  CHECK(order == "abA");
}

TEST_CASE("a step that throws ends no other's turn") {
  boost::asio::io_context shard(1);
  Turns& turns = Turns::of(shard.get_executor());
  std::string order;
  turns.queue([] { throw std::runtime_error("of a step"); });
  turns.queue([&order] { order += 'b'; });
  CHECK_THROWS(shard.run());
  shard.run();
  CHECK(order == "b");
}

TEST_CASE("steps that wait when their shard ends are forgotten") {
  bool done = false;
  {
    boost::asio::io_context shard(1);
    Turns::of(shard.get_executor()).queue([&done] { done = true; });
  }
  CHECK_FALSE(done);
}

}  // namespace redoubt::net
