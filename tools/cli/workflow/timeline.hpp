// Timeline: a run as it went, from its history: a line for each step that was entered, from its
// first event to its last, with how it ended.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"

namespace redoubt::cli {

constexpr std::size_t timeline_rows_max = 2000;

struct TimelineRow {
  std::string step;
  std::uint32_t instance = 0;
  std::int64_t begin_ms = 0;  ///< from the run's start
  std::int64_t end_ms = 0;
  std::uint32_t calls = 0;  ///< effects that were carried out for it
  std::string last;         ///< the last event's kind: step_done, step_failed, ...
};

/// The run came to another host, or left for one.
struct TimelineMove {
  bool came = false;
  std::int64_t at_ms = 0;
  std::string what;  ///< canonical JSON, as the event has it
};

struct Timeline {
  std::string workflow;
  std::string ended;  ///< run_done, ...; "running" where it is not over, "moved" where it went away
  std::uint64_t events = 0;
  std::int64_t length_ms = 0;
  std::size_t rows_left_out = 0;
  std::vector<TimelineRow> rows;
  std::vector<TimelineMove> moves;  ///< at most timeline_rows_max
};

/// Errors: those of the reader.
Result<Timeline> timeline_of(const workflow::Definition& definition, std::string_view history);
std::string text_of(const Timeline& timeline);
std::string svg_of(const Timeline& timeline);

}  // namespace redoubt::cli
