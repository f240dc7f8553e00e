// AnswerMemory: the budget of providers' answers (answer_budget) as all shards share it.
//
// 1. A hold is one answer's part of it. Its few first bytes are not counted: a short answer costs
//    no lock.
// 2. Who waits is told on the hold's own shard, never from within a call of it.
// 3. A hold may be let go of on any thread; everything else of it is its shard's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "relay/net/task.hpp"
#include "relay/upstream/answer_budget.hpp"

namespace redoubt::upstream {

class AnswerMemory : public std::enable_shared_from_this<AnswerMemory> {
 public:
  class Hold;
  /// Of an answer up to this nothing is counted, and so much at a time of a longer one.
  static constexpr std::size_t uncounted_bytes_max = 4 * 1024;
  static constexpr std::size_t step_bytes = 16 * 1024;

  explicit AnswerMemory(AnswerBudget::Options options) : options_(options), budget_(options) {}

  std::shared_ptr<Hold> hold(const net::Executor& shard, std::string caller, bool stranger);
  std::size_t answer_bytes_max() const { return options_.answer_bytes_max; }
  /// From now on nobody is told anything. After the last call.
  void close();
  /// What is kept and worked with, of all.
  std::size_t bytes() const;
  /// AnswerBudget::is_short. Any thread.
  bool is_short() const;

 private:
  /// Does something with the budget, and tells whoever does not wait any more.
  template <class Change>
  void change(Change change);

  const AnswerBudget::Options options_;
  mutable std::mutex mutex_;  // what follows
  AnswerBudget budget_;
  bool closed_ = false;
  std::unordered_map<AnswerBudget::Id, std::weak_ptr<Hold>> holds_;
};

class AnswerMemory::Hold : public std::enable_shared_from_this<Hold> {
 public:
  Hold(std::shared_ptr<AnswerMemory> of, const net::Executor& shard, std::string caller,
       bool stranger)
      : of_(std::move(of)), shard_(shard), caller_(std::move(caller)), stranger_(stranger) {}
  ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  /// Called each time that waiting ends.
  void on_room(std::function<void()> room) { on_room_ = std::move(room); }
  /// False where it waits: nothing more is to be kept, or worked on, before it is told.
  bool resize(std::size_t kept, std::size_t work = 0);
  /// Another caller waits for the answer, too.
  void share(const std::string& caller);
  /// It keeps so much, made already, and works on nothing any more.
  void settle(std::size_t kept);
  bool waits() const { return waits_; }

 private:
  friend class AnswerMemory;
  void be_counted_locked();
  void served(std::uint64_t asked);

  std::shared_ptr<AnswerMemory> of_;
  net::Executor shard_;
  std::string caller_;
  bool stranger_;
  AnswerBudget::Id id_ = 0;  // 0: nothing was counted yet
  AnswerBudget::Need has_;   // or waits for
  std::uint64_t asked_ = 0;  // how often; what is told of an earlier time is late
  bool waits_ = false;
  std::function<void()> on_room_;
};

}  // namespace redoubt::upstream
