#include "relay/net/turns.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace redoubt::net {

namespace asio = boost::asio;

asio::execution_context::id Turns::id;

Turns& Turns::of(const Executor& shard) {
  return asio::use_service<Turns>(shard.context());
}

Turns::Turns(asio::execution_context& context)
    : service(context), shard_(static_cast<asio::io_context&>(context).get_executor()) {}

void Turns::queue(std::function<void()> step) {
  waiting_.push_back(std::move(step));
  if (!posted_) post_run();
}

void Turns::post_run() {
  posted_ = true;
  asio::post(shard_, [this] { run(); });
}

Task<void> Turns::wait() {
  auto start = [this](auto done) {
    auto shared_done = std::make_shared<decltype(done)>(std::move(done));
    queue([shared_done] { std::move (*shared_done)(); });
  };
  const asio::use_awaitable_t<Executor> use;
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(std::move(start),
                                                                               use);
}

void Turns::run() {
  // Also where a step throws: the others have their turns all the same.
  struct Rest {
    Turns& turns;
    ~Rest() {
      turns.posted_ = false;
      if (!turns.waiting_.empty()) turns.post_run();
    }
  };
  const Rest rest{*this};
  const auto until = std::chrono::steady_clock::now() + slice_max;
  do {
    const std::function<void()> step = std::move(waiting_.front());
    waiting_.pop_front();
    step();
  } while (!waiting_.empty() && std::chrono::steady_clock::now() < until);
}

}  // namespace redoubt::net
