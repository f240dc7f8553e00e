// Threads for work that would hold up a shard (over some 200 us): the strategist, long bodies and
// answers.
//
// 1. Callers take turns (fair_queue.hpp): whoever has much to be worked out delays another by one
//    piece of it, not by all.
// 2. The queue is bounded, for all and for each caller: who finds no place hears so at once instead
//    of waiting for ever longer, and no caller can fill it alone.
// 3. The pool resumes Tasks on their shard, so it must be destroyed before the Server is; its
//    destructor waits for the work under way and forgets what waits. Where a process that ends has
//    no time for that, end_within() says so.
// 4. What was begun and cannot be refused any more (an answer that was paid for) enters a full
//    queue, too: whoever has it bounds it by the number of calls.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/fair_queue.hpp"
#include "relay/net/task.hpp"

namespace redoubt::net {

class ComputePool {
 public:
  /// A caller has so large a part of the queue at the most: one of callers_min, but a place always.
  static constexpr int callers_min = 4;

  ComputePool(int threads, int queue_max);
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  /// Begins nothing any more. True where all that is under way ended in that time; else neither the
  /// pool nor what its work reads may be destroyed before the process ends.
  bool end_within(std::chrono::milliseconds time_max);

  /// Runs `work()` on the pool and resumes the calling Task on its shard with the result; nothing
  /// where `caller` (auth::Identity::key()) finds no place. An exception of `work` comes out of the
  /// co_await. `work` must be copyable and must not touch the shard's state. Name it before the
  /// co_await.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run(const std::string& caller, Work work) {
    return take_place(caller) ? run_placed(caller, std::move(work)) : refused<T>();
  }
  /// The same of what was begun (4.): never nothing.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run_begun(const std::string& caller, Work work) {
    take_any_place(caller);
    return run_placed(caller, std::move(work));
  }

  /// Runs `work()` on the pool and tells nobody; false where `caller` finds no place. `work` must
  /// be copyable and must not throw.
  template <class Work>
  bool post(const std::string& caller, Work work) {
    if (!take_place(caller)) return false;
    enter({caller, std::move(work), nullptr});
    return true;
  }
  /// The same of what was begun (4.).
  template <class Work>
  void post_begun(const std::string& caller, Work work) {
    take_any_place(caller);
    enter({caller, std::move(work), nullptr});
  }

 private:
  template <class T>
  struct Outcome {
    std::optional<T> value;
    std::exception_ptr fault;
  };
  struct Job {
    std::string caller;
    std::function<void()> work;
    std::function<void()> done;  ///< called when its place is free again; may be null
  };

  bool take_place(const std::string& caller);
  void take_any_place(const std::string& caller);
  void enter(Job job);
  void serve();

  template <class T>
  static Task<std::optional<T>> refused() {
    co_return std::nullopt;
  }

  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<std::optional<T>> run_placed(std::string caller, Work work) {
    auto outcome = std::make_shared<Outcome<T>>();
    auto start = [this, caller = std::move(caller), outcome,
                  work = std::move(work)](auto completion) mutable {
      auto shard = boost::asio::get_associated_executor(completion);
      auto shared = std::make_shared<decltype(completion)>(std::move(completion));
      auto job = [outcome, work = std::move(work)]() mutable {
        try {
          outcome->value.emplace(work());
        } catch (...) {
          outcome->fault = std::current_exception();
        }
      };
      auto done = [shard, shared] {
        boost::asio::post(shard, [shared] { std::move (*shared)(); });
      };
      enter({std::move(caller), std::move(job), std::move(done)});
    };
    const boost::asio::use_awaitable_t<Executor> token;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        std::move(start), token);
    if (outcome->fault) std::rethrow_exception(outcome->fault);
    co_return std::move(outcome->value);
  }

  const int queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  FairQueue<std::string, std::uint64_t> queue_;  ///< of caller and number of job
  std::unordered_map<std::uint64_t, Job> waiting_;
  std::uint64_t last_job_ = 0;
  int places_taken_ = 0;  ///< by what waits and what is under way
  int under_way_ = 0;
  std::map<std::string, int> places_of_;
  std::vector<std::thread> threads_;
};

}  // namespace redoubt::net
