// Signal: one Task waits, somebody on the same shard wakes it.
//
// notify() before wait() is remembered; several are one. At most one Task waits at a time.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "relay/net/task.hpp"

namespace redoubt::net {

class Signal {
 public:
  explicit Signal(const Executor& executor) : executor_(executor) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify() {
    raised_ = true;
    const auto wake = std::exchange(wake_, nullptr);
    if (wake) boost::asio::post(executor_, wake);
  }

  Task<void> wait() {
    while (!raised_) {
      auto start = [this](auto done) {
        auto shared = std::make_shared<decltype(done)>(std::move(done));
        wake_ = [shared] { std::move (*shared)(); };
      };
      const boost::asio::use_awaitable_t<Executor> token;
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
          std::move(start), token);
    }
    raised_ = false;
  }

 private:
  Executor executor_;
  bool raised_ = false;
  std::function<void()> wake_;
};

}  // namespace redoubt::net
