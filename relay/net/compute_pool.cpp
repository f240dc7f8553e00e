#include "relay/net/compute_pool.hpp"

#include <algorithm>

namespace redoubt::net {

ComputePool::ComputePool(int threads, int queue_max) : queue_max_(queue_max) {
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this] { serve(); });
}

bool ComputePool::end_within(std::chrono::milliseconds time_max) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  return changed_.wait_for(lock, time_max, [this] { return under_way_ == 0; });
}

ComputePool::~ComputePool() {
  (void)end_within(std::chrono::milliseconds(0));
  for (std::thread& thread : threads_)
    thread.join();
}

bool ComputePool::take_place(const std::string& caller) {
  const std::lock_guard lock(mutex_);
  const auto found = places_of_.find(caller);
  const int own = found == places_of_.end() ? 0 : found->second;
  if (places_taken_ >= queue_max_ || own >= std::max(1, queue_max_ / callers_min)) return false;
  ++places_taken_;
  ++places_of_[caller];
  return true;
}

void ComputePool::take_any_place(const std::string& caller) {
  const std::lock_guard lock(mutex_);
  ++places_taken_;
  ++places_of_[caller];
}

void ComputePool::enter(Job job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push(job.caller, ++last_job_);
    waiting_.emplace(last_job_, std::move(job));
  }
  changed_.notify_one();
}

void ComputePool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Job job = std::move(waiting_.extract(*queue_.pop()).mapped());
    ++under_way_;
    lock.unlock();
    job.work();
    lock.lock();
    --places_taken_;
    const auto own = places_of_.find(job.caller);
    if (--own->second == 0) places_of_.erase(own);
    lock.unlock();
    if (job.done) job.done();
    job = {};  // what it holds goes without the lock
    lock.lock();
    --under_way_;
    if (stopping_) changed_.notify_all();
  }
}

}  // namespace redoubt::net
