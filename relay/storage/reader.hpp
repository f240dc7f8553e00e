// Reader: reads on a connection and a thread of their own, so that a long one holds up no write.
//
//   after_writes -> what the writer was given before is committed -> read -> callback
//
// 1. A read sees every job that was posted to the writer before it, and one state of the file.
// 2. A database in memory has one connection, the writer's: there reads are jobs of the writer.
// 3. At most reads_max wait; over it the caller is told store_busy at once.
// 4. Callbacks come on the reader's or the writer's thread, once each: quick, and do not throw.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "relay/storage/database.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::storage {

class Reader {
 public:
  static constexpr std::size_t reads_max = 4'096;

  /// `writer` outlives it. `database` is a second connection to the writer's file, or nothing for
  /// one in memory.
  Reader(Writer& writer, std::optional<Database> database);
  /// Does what is waiting, then ends the thread. REQUIRES: the writer was flushed
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Any thread. `read` is Result<Value>(Database&) and changes nothing.
  template <class Value, class Read>
  void after_writes(Read read, std::function<void(Result<Value>)> callback) {
    const auto value = std::make_shared<std::optional<Value>>();
    auto work = [value, read = std::move(read)](Database& database) -> Result<void> {
      Result<Value> got = read(database);
      if (!got) return got.error();
      value->emplace(std::move(*got));
      return {};
    };
    post({.work = std::move(work), .done = [value, callback](const Result<void>& done) {
            if (done) {
              callback(std::move(**value));
            } else {
              callback(done.error());
            }
          }});
  }
  /// Waits until everything asked before has been called back. Any thread but the writer's and the
  /// reader's.
  void flush();

 private:
  void post(Job job);
  void queue(Job job);
  void run();

  Writer& writer_;
  std::optional<Database> database_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable emptied_;
  std::deque<Job> queue_;
  std::size_t open_ = 0;  ///< asked and not yet called back
  bool stopping_ = false;
  std::thread thread_;  ///< last: starts when everything else is there
};

}  // namespace redoubt::storage
