#include "relay/storage/reader.hpp"

namespace redoubt::storage {

Reader::Reader(Writer& writer, std::optional<Database> database)
    : writer_(writer), database_(std::move(database)) {
  if (database_) thread_ = std::thread([this] { run(); });
}

Reader::~Reader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reader::post(Job job) {
  const Error busy{.code = "store_busy", .message = "the store has too much to read"};
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    full = open_ == reads_max;
    if (!full) ++open_;
  }
  if (full) return job.done(busy);
  const auto shared = std::make_shared<Job>(std::move(job));
  const auto finish = [this, shared](const Result<void>& done) {
    shared->done(done);
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) emptied_.notify_all();
  };
  Job first;
  if (database_) {
    // The writer's turn comes when all before it is committed.
    first.work = [](Database&) { return Result<void>{}; };
    first.done = [this, shared, finish](const Result<void>&) {
      queue({.work = shared->work, .done = finish});
    };
  } else {
    first = {.work = shared->work, .done = finish};
  }
  if (!writer_.post(std::move(first))) finish(busy);
}

void Reader::queue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  filled_.notify_one();
}

void Reader::flush() {
  std::unique_lock lock(mutex_);
  emptied_.wait(lock, [this] { return open_ == 0; });
}

void Reader::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job.done(job.work(*database_));
    lock.lock();
  }
}

}  // namespace redoubt::storage
