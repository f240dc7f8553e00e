// Program: a child process that answers line by line. It can crash, stall or flood; whoever asks it
// always gets an answer or a fault, within the patience and in bounded memory.
//
// 1. It is started without a shell, in a process group of its own, with the arena's environment.
// 2. Its standard error is drained whenever it is asked, and the last of it kept for the fault.
// 3. The clock decides about liveness alone: a slow answer is as good as a quick one.
// 4. The destructor ends the whole process group.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::arena {

constexpr std::size_t last_words_bytes_max = 512;
/// What a program gets to end by itself once its input is closed.
constexpr int farewell_ms_max = 500;

class Program {
 public:
  /// Starts it. Error crashed where it cannot be.
  static Result<std::unique_ptr<Program>> start(const std::vector<std::string>& command);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Sends a line and waits for one. Errors, the code says which: crashed (it ended; how), stalled
  /// (no whole line within `patience_ms`), babbled (a line over `bytes_max`).
  Result<std::string> ask(std::string_view line, int patience_ms, std::size_t bytes_max);
  /// Sends a last line, closes its input, and ends it where it does not end by itself.
  void end(std::string_view line);
  /// CPU time of the program and of its children that it waited for; 0 before it was ended.
  std::int64_t cpu_us() const { return cpu_us_; }

 private:
  using Clock = std::chrono::steady_clock;

  Program() = default;
  bool write_some(std::string_view& rest);
  /// False at the end of its output.
  bool read_some();
  void drain_errors();
  /// Waits until there is something to read or `rest` may go on; false at the deadline.
  bool wait(bool writing, Clock::time_point deadline);
  std::optional<std::string> take_line();
  Error crashed();
  bool has_ended() const;
  void reap();

  pid_t pid_ = -1;
  int in_ = -1;   // its standard input
  int out_ = -1;  // its standard output
  int err_ = -1;  // its standard error
  bool reaped_ = false;
  int status_ = 0;
  std::int64_t cpu_us_ = 0;
  std::string buffer_;
  std::string last_words_;
};

}  // namespace redoubt::arena
