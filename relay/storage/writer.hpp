// Writer: the one thread that writes to the store, with group commit.
//
//   post(job) -> queue (bounded) -> one transaction for all that wait -> done(result) for each
//
// 1. Jobs run in the order in which they were posted. One that fails is rolled back alone
//    (savepoint); the others of its group are kept.
// 2. `done` is called exactly once for each job that post() took, after the commit: success means
//    that it is on disk. A commit that fails is every job's failure.
// 3. `done` runs on the writer's thread: it must be quick, not throw, and post to wherever the
//    answer is wanted (a shard's io_context).
// 4. A commit costs the disk's patience and a good deal of processor time. Jobs for which nobody
//    waits gather; one for which somebody waits is begun at once, and takes them along.
// 5. The queue is bounded by jobs_max: a full queue refuses at once, and the caller answers "busy".
// 6. Every `probe` an idle writer looks whether the file's disk has room, and tries a file that
//    could not be written to: so fault() tells of both also where nobody writes.
//
// run_group is the whole of it without a thread; tests use that.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/storage/database.hpp"

namespace redoubt::storage {

struct Job {
  /// Reads and writes within the group's transaction; must not begin or end one, nor throw.
  std::function<Result<void>(Database&)> work;
  std::function<void(const Result<void>&)> done;  ///< may be empty
  /// Nobody waits for it: it may be kept for WriterOptions::gather, so that more share its commit.
  bool patient = false;
};

struct WriterOptions {
  std::size_t jobs_max = 4'096;          ///< waiting; over it post() refuses
  std::size_t group_jobs_max = 256;      ///< in one transaction, so that none waits for a long one
  std::chrono::milliseconds gather{50};  ///< how long patient jobs wait for others
  std::chrono::milliseconds probe{1'000};  ///< between looks at the file
  /// With less on its disk it is as good as full: what is short still finds room in its log.
  std::uint64_t room_bytes_min = 1 << 20;
};

/// Runs the jobs in one transaction and tells each its result.
void run_group(Database& database, const std::vector<Job>& jobs);

class Writer {
 public:
  explicit Writer(Database database, WriterOptions options = {});
  /// Writes what is queued, then ends the thread.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Any thread. False where the queue is full: then the job was not taken.
  [[nodiscard]] bool post(Job job);
  /// Waits until everything posted before has been told its result. Any thread but the writer's.
  void flush();

  /// Why the last write failed, as far as the file is to blame, or the next one may; none where
  /// neither is so. Any thread.
  StoreFault fault() const { return fault_.load(std::memory_order_relaxed); }
  std::size_t waiting() const;
  std::uint64_t jobs() const { return jobs_.load(std::memory_order_relaxed); }
  std::uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool pressing() const;
  void wait_for_jobs(std::unique_lock<std::mutex>& lock);
  void look();
  void note(std::int64_t changes_before);

  Database database_;
  const WriterOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable written_;
  std::vector<Job> queue_;
  std::uint64_t taken_ = 0;        ///< jobs ever posted
  std::uint64_t completed_ = 0;    ///< jobs whose result was told
  std::uint64_t hurry_until_ = 0;  ///< the last of the jobs for which somebody waits
  bool stopping_ = false;
  std::atomic<StoreFault> fault_{StoreFault::none};
  std::atomic<std::uint64_t> jobs_{0};
  std::atomic<std::uint64_t> groups_{0};
  std::thread thread_;  ///< last: starts when everything else is there
};

/// One call of a store's port: `work` is Result<Value>(Database&) and is done as one job.
/// `callback`, which may be empty, comes after the commit, or at once with "store_busy".
template <class Value, class Work>
void transaction(Writer& writer, Work work, std::function<void(Result<Value>)> callback) {
  // Made by the job, told after its commit.
  const auto made = std::make_shared<std::optional<Result<Value>>>();
  const auto completion = std::make_shared<std::function<void(Result<Value>)>>(std::move(callback));
  Job job;
  job.work = [made, work = std::move(work)](Database& database) -> Result<void> {
    made->emplace(work(database));
    if (!**made) return (*made)->error();
    return {};
  };
  job.done = [made, completion](const Result<void>& committed) {
    if (!*completion) return;
    if (!committed) return (*completion)(committed.error());
    (*completion)(std::move(**made));
  };
  if (!writer.post(std::move(job)) && *completion)
    (*completion)(Error{.code = "store_busy", .message = "the store has too much to write"});
}

}  // namespace redoubt::storage
