#include "relay/storage/writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace redoubt::storage {
namespace {

Result<void> run_kept(Database& database, std::string_view sql) {
  const auto statement = database.kept(sql);
  if (!statement) return statement.error();
  return (*statement)->run();
}

Result<void> run_alone(Database& database, const Job& job) {
  if (auto begun = run_kept(database, "SAVEPOINT job"); !begun) return begun;
  const Result<void> result = job.work(database);
  if (!result) {
    if (auto undone = run_kept(database, "ROLLBACK TO job"); !undone) return undone;
  }
  if (auto released = run_kept(database, "RELEASE job"); !released) return released;
  return result;
}

// The results in the jobs' order, or why none of them was kept.
Result<std::vector<Result<void>>> run_all(Database& database, const std::vector<Job>& jobs) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  std::vector<Result<void>> results;
  results.reserve(jobs.size());
  for (const Job& job : jobs)
    results.push_back(run_alone(database, job));
  if (auto committed = transaction->commit(); !committed) return committed.error();
  return results;
}

}  // namespace

void run_group(Database& database, const std::vector<Job>& jobs) {
  const auto results = run_all(database, jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!jobs[i].done) continue;
    jobs[i].done(results ? (*results)[i] : Result<void>(results.error()));
  }
}

Writer::Writer(Database database, WriterOptions options)
    : database_(std::move(database)), options_(options), thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  thread_.join();
}

bool Writer::post(Job job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.jobs_max) return false;
    const bool was_pressing = pressing();
    if (!job.patient) hurry_until_ = taken_ + 1;
    wake = queue_.empty();
    queue_.push_back(std::move(job));
    ++taken_;
    wake = wake || (pressing() && !was_pressing);
  }
  if (wake) filled_.notify_one();
  return true;
}

void Writer::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t until = taken_;
  hurry_until_ = until;
  filled_.notify_one();
  written_.wait(lock, [&] { return completed_ >= until; });
}

bool Writer::pressing() const {
  return stopping_ || hurry_until_ > completed_ || queue_.size() >= options_.group_jobs_max;
}

std::size_t Writer::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Writer::wait_for_jobs(std::unique_lock<std::mutex>& lock) {
  const auto called = [this] { return stopping_ || !queue_.empty(); };
  while (!filled_.wait_for(lock, options_.probe, called)) {
    lock.unlock();
    look();
    lock.lock();
  }
}

// At a file that nobody writes to.
void Writer::look() {
  if (!database_.has_room(options_.room_bytes_min)) {
    fault_.store(StoreFault::full, std::memory_order_relaxed);
  } else if (fault() != StoreFault::none) {
    if (database_.touch()) fault_.store(StoreFault::none, std::memory_order_relaxed);
    (void)database_.take_fault();
  }
}

// A group that has written nothing says nothing of the file.
void Writer::note(std::int64_t changes_before) {
  StoreFault fault = database_.take_fault();
  if (fault == StoreFault::none && database_.changes_total() == changes_before) return;
  if (fault == StoreFault::none && !database_.has_room(options_.room_bytes_min))
    fault = StoreFault::full;
  fault_.store(fault, std::memory_order_relaxed);
}

void Writer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_jobs(lock);
    if (queue_.empty()) return;
    filled_.wait_for(lock, options_.gather, [this] { return pressing(); });
    const auto count = std::min(queue_.size(), options_.group_jobs_max);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Job> group(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    lock.unlock();
    const std::int64_t changes_before = database_.changes_total();
    run_group(database_, group);
    note(changes_before);
    group.clear();  // what the jobs hold ends outside the lock
    jobs_.fetch_add(count, std::memory_order_relaxed);
    groups_.fetch_add(1, std::memory_order_relaxed);
    lock.lock();
    completed_ += count;
    written_.notify_all();
  }
}

}  // namespace redoubt::storage
