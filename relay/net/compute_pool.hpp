// Threads for work that would hold up a shard (over some 200 us): the strategist, hashing.
//
// 1. The queue is bounded: a full pool says so at once instead of letting waiting time grow.
// 2. The pool resumes Tasks on their shard, so it must be destroyed before the Server is; its
//    destructor waits for the work under way and forgets what waits.
// 3. What was begun and cannot be refused any more (an answer that was paid for) enters a full
// queue,
//    too: whoever has it bounds it by the number of calls.
#pragma once

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "relay/net/task.hpp"

namespace redoubt::net {

class ComputePool {
 public:
  ComputePool(int threads, int queue_max) : pool_(threads), queue_max_(queue_max) {}
  ~ComputePool() {
    pool_.stop();
    pool_.join();
  }
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  /// Runs `work()` on the pool and resumes the calling Task on its shard with the result; nothing
  /// where the queue is full. An exception of `work` comes out of the co_await.
  /// `work` must be copyable and must not touch the shard's state. Name it before the co_await.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run(Work work) {
    return take_place() ? run_placed(std::move(work)) : refused<T>();
  }
  /// The same of what was begun (3.): never nothing.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run_begun(Work work) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    return run_placed(std::move(work));
  }

  /// Runs `work()` on the pool and tells nobody; false where the queue is full. `work` must not
  /// throw.
  template <class Work>
  bool post(Work work) {
    if (!take_place()) return false;
    post_placed(std::move(work));
    return true;
  }
  /// The same of what was begun (3.).
  template <class Work>
  void post_begun(Work work) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    post_placed(std::move(work));
  }

 private:
  template <class T>
  struct Outcome {
    std::optional<T> value;
    std::exception_ptr fault;
  };

  bool take_place() {
    if (waiting_.fetch_add(1, std::memory_order_relaxed) < queue_max_) return true;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }

  template <class T>
  static Task<std::optional<T>> refused() {
    co_return std::nullopt;
  }

  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run_placed(Work work) {
    auto outcome = std::make_shared<Outcome<T>>();
    auto start = [this, outcome, work = std::move(work)](auto done) mutable {
      auto shard = boost::asio::get_associated_executor(done);
      auto shared_done = std::make_shared<decltype(done)>(std::move(done));
      boost::asio::post(pool_,
                        [this, outcome, shard, shared_done, work = std::move(work)]() mutable {
                          try {
                            outcome->value.emplace(work());
                          } catch (...) {
                            outcome->fault = std::current_exception();
                          }
                          waiting_.fetch_sub(1, std::memory_order_relaxed);
                          boost::asio::post(shard, [shared_done] { std::move (*shared_done)(); });
                        });
    };
    const boost::asio::use_awaitable_t<Executor> token;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        std::move(start), token);
    if (outcome->fault) std::rethrow_exception(outcome->fault);
    co_return std::move(outcome->value);
  }

  template <class Work>
  void post_placed(Work work) {
    boost::asio::post(pool_, [this, work = std::move(work)]() mutable {
      work();
      waiting_.fetch_sub(1, std::memory_order_relaxed);
    });
  }

  boost::asio::thread_pool pool_;
  std::atomic<int> waiting_{0};
  int queue_max_;
};

}  // namespace redoubt::net
