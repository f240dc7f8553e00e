// Log: structured lines (one JSON object each) that never block the thread that logs.
//
// 1. A Line is built by its caller and handed over whole; a writer thread writes batches.
// 2. The queue is bounded: what does not fit is dropped and counted, and the next batch is
//    followed by one that says how many were lost.
// 3. Values are escaped, so that no input can break a line, forge a second one or turn its order
//    round on a terminal (engine/base/visible_text.hpp); invalid UTF-8 becomes U+FFFD. No bodies,
//    no header values and no secrets are logged.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace redoubt::observe {

enum class Level : std::uint8_t { debug, info, warning, error, off };
std::string_view to_string(Level level);

/// Builds one line: {"time":"2026-11-20T11:06:17.123Z","level":"info","event":"...",...}.
class Line {
 public:
  Line(Level level, std::string_view event, std::int64_t wall_ms);
  Line& text(std::string_view key, std::string_view value);
  Line& number(std::string_view key, std::int64_t value);
  Line& flag(std::string_view key, bool value);
  Level level() const { return level_; }
  /// Ends the line with "}\n".
  std::string take();

 private:
  Level level_;
  std::string bytes_;
};

/// A text value is cut to so many bytes.
constexpr std::size_t value_bytes_max = 512;

/// Appends `text` as the inside of a JSON string: escapes, and U+FFFD for what is not UTF-8.
void append_json_text(std::string& out, std::string_view text);
/// 2026-11-20T11:06:17.123Z
std::string utc_time(std::int64_t wall_ms);

class Log {
 public:
  /// Writes to `descriptor` (not closed). The writer thread starts at once.
  Log(int descriptor, Level least, std::size_t queue_lines_max);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool wants(Level level) const { return level >= least_ && level != Level::off; }
  /// Any thread; never blocks on the output.
  void write(Line&& line);
  void write(Line& line) { write(std::move(line)); }
  /// Writes what is queued, then ends the writer: the last call of all.
  void end();
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  void write_all(std::string_view bytes);

  int descriptor_;
  Level least_;
  std::size_t queue_lines_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<std::string> queue_;
  std::uint64_t dropped_since_written_ = 0;
  bool stopping_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread writer_;
};

/// Wall clock in milliseconds since 1970, for lines that no request stamps.
std::int64_t wall_now_ms();

}  // namespace redoubt::observe
