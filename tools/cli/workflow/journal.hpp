// Journal: the history of one run as a file that survives whatever stops the program.
//
// 1. What append() has returned from is on the disk (fdatasync); an append that was cut short
//    leaves a torn tail, which the next open() cuts off and tells.
// 2. One program at a time holds a journal (flock). The lock goes on while a command that the run
//    had started is still alive, so that nobody judges what that command is about to do.
// 3. Beside FILE stands FILE.workflow.json, the definition that the run began with, by which a
//    later one is compared and the run shown.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"

namespace redoubt::cli {

constexpr std::size_t journal_bytes_max = std::size_t{256} << 20;
constexpr int lock_wait_ms_max = 10'000;

class Journal {
 public:
  /// Opens or makes the file for a run of `definition`. Errors: "bad_file", "busy_journal",
  /// "broken_chain", "other_definition" with what differs.
  static Result<Journal> open(const std::string& path, const workflow::Definition& definition);

  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  ~Journal();

  /// What was stored, up to its last whole event; empty where no event was stored yet.
  const std::string& history() const { return history_; }
  std::size_t bytes_cut() const { return bytes_cut_; }
  Result<void> append(std::string_view bytes);

 private:
  Journal() = default;
  std::string path_;
  int file_ = -1;
  std::string history_;
  std::size_t bytes_cut_ = 0;
};

/// The bytes of a journal up to its last whole event. Errors: "bad_file", "bad_history",
/// "broken_chain".
struct StoredHistory {
  std::string bytes;
  std::size_t bytes_torn = 0;
};
Result<StoredHistory> read_journal(const std::string& path);

/// The definition that a journal's run began with, canonical JSON. Error "bad_file".
Result<std::string> definition_beside(const std::string& journal_path);

/// Where two definitions first differ: "/workflow/1/prompt was "a", is "b"".
std::string difference(std::string_view before, std::string_view now);

}  // namespace redoubt::cli
