// Turns: the long steps of a shard, one after the other, a slice of time at once.
//
// 1. A step works on more than short_step_bytes; what is shorter is done where it comes. Together
//    many short steps are long: who has done so many takes a turn for the next.
// 2. Steps have their turns in the order in which they asked. After slice_max, between two of them,
//    everything else that is ready on the shard is done first: a health check waits for one slice,
//    however many others wait.
// 3. All of it is the shard's thread's. The steps that still wait when the shard ends are
// forgotten.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>

#include "relay/net/task.hpp"

namespace redoubt::net {

class Turns final : public boost::asio::execution_context::service {
 public:
  static boost::asio::execution_context::id id;
  /// Read, decoded or encoded in some 200 us; as a stream of small events in under a millisecond.
  static constexpr std::size_t short_step_bytes = 16 * 1024;

  static Turns& of(const Executor& shard);
  explicit Turns(boost::asio::execution_context& context);

  /// Calls `step` when its turn comes, never at once.
  void queue(std::function<void()> step);
  /// Resumes the Task that asks when its turn comes.
  Task<void> wait();
  void forget() { waiting_.clear(); }

 private:
  static constexpr std::chrono::microseconds slice_max{1'000};

  void shutdown() override { forget(); }
  void post_run();
  void run();

  Executor shard_;
  std::deque<std::function<void()>> waiting_;
  bool posted_ = false;  // run(), and it has not ended
};

}  // namespace redoubt::net
