// The patterns that g++ 12.2 miscompiles inside a co_await, written the way the relay writes them.
// Under ASan this test is the canary: should a compiler break the safe form too, it sings here and
// not in a session.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "relay/net/task.hpp"

using redoubt::net::Executor;
using redoubt::net::Task;

namespace {

struct Options {
  std::string name;
  std::shared_ptr<int> counter;
  std::vector<std::string> list;
};

Task<void> yield() {
  const boost::asio::use_awaitable_t<Executor> use;
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, use);
}

Task<std::string> use_options(Options options) {
  co_await yield();
  ++*options.counter;
  co_return options.name + std::to_string(options.list.size());
}

Task<void> aggregates(std::shared_ptr<int> counter, std::string& out) {
  for (int i = 0; i < 50; ++i) {
    Options options{.name = "a name that does not fit in place",
                    .counter = counter,
                    .list = {"one entry that is long enough to be allocated", "two"}};
    out = co_await use_options(std::move(options));
  }
}

Task<void> capturing_lambdas(std::shared_ptr<int> counter) {
  const Executor executor = co_await boost::asio::this_coro::executor;
  const boost::asio::use_awaitable_t<Executor> use;
  for (int i = 0; i < 50; ++i) {
    auto owned = std::make_unique<int>(i);
    auto work = [counter, owned = std::move(owned)]() -> Task<int> {
      co_await yield();
      ++*counter;
      const int value = *owned;
      co_return value;
    };
    auto started = work();  // the lambda outlives its coroutine: both end in this iteration
    const int result = co_await boost::asio::co_spawn(executor, std::move(started), use);
    CHECK(result == i);
  }
}

Task<void> choices(std::shared_ptr<int> counter, std::string& out) {
  for (int i = 0; i < 50; ++i) {
    std::string chosen = "a default that does not fit in place";
    if (i % 2 == 0) {
      Options options{.name = "chosen", .counter = counter, .list = {}};
      chosen = co_await use_options(std::move(options));
    }
    out = chosen;
  }
}

}  // namespace

TEST_CASE("coroutines written by the rules own and free each value once") {
  boost::asio::io_context io(1);
  auto counter = std::make_shared<int>(0);
  std::string first;
  std::string second;
  boost::asio::co_spawn(io.get_executor(), aggregates(counter, first), boost::asio::detached);
  boost::asio::co_spawn(io.get_executor(), capturing_lambdas(counter), boost::asio::detached);
  boost::asio::co_spawn(io.get_executor(), choices(counter, second), boost::asio::detached);
  io.run();
  CHECK(*counter == 50 + 50 + 25);
  CHECK(first == "a name that does not fit in place2");
  CHECK(second == "a default that does not fit in place");
  CHECK(counter.use_count() == 1);
}
