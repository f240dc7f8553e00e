// Completion: the result of one callback, awaited by a Task.
//
// Make it on the Task's shard, hand callback() to whoever does the work, and await wait(). The
// callback may come on any thread, also before wait(); it keeps the Completion alive.
#pragma once

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "relay/net/signal.hpp"

namespace redoubt::net {

template <class T>
class Completion : public std::enable_shared_from_this<Completion<T>> {
 public:
  explicit Completion(const Executor& shard) : shard_(shard), signal_(shard) {}

  /// To be called once.
  std::function<void(T)> callback() {
    return [self = this->shared_from_this()](T result) {
      boost::asio::post(self->shard_, [self, result = std::move(result)]() mutable {
        self->result_ = std::move(result);
        self->signal_.notify();
      });
    };
  }
  /// Once, by the owner of a shared_ptr to it.
  Task<T> wait() {
    co_await signal_.wait();
    co_return std::move(*result_);
  }

 private:
  Executor shard_;
  Signal signal_;
  std::optional<T> result_;
};

}  // namespace redoubt::net
