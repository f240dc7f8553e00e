#include "tools/cli/workflow/timeline.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/workflow/history.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

using workflow::Event;
using workflow::EventKind;

constexpr std::int64_t bar_columns = 40;
constexpr std::int64_t bar_pixels = 600;
constexpr std::int64_t name_pixels = 220;
constexpr std::int64_t row_pixels = 22;

bool ends_run(EventKind kind) {
  return kind == EventKind::run_done || kind == EventKind::run_failed ||
         kind == EventKind::run_cancelled || kind == EventKind::run_continued;
}

void add(Timeline& timeline, const workflow::Definition& definition, const Event& event,
         std::int64_t at) {
  if (event.step == workflow::kNoStep || event.instance == workflow::kNoStep) return;
  TimelineRow* row = nullptr;
  for (std::size_t r = timeline.rows.size(); r-- > 0 && !row;)
    if (timeline.rows[r].instance == event.instance) row = &timeline.rows[r];
  if (!row) {
    if (timeline.rows.size() >= timeline_rows_max) {
      ++timeline.rows_left_out;
      return;
    }
    timeline.rows.push_back({});
    row = &timeline.rows.back();
    row->step = definition.step_name(event.step);
    row->instance = event.instance;
    row->begin_ms = at;
  }
  row->end_ms = at;
  row->last = workflow::name_of(event.kind);
  if (event.kind == EventKind::scheduled) ++row->calls;
}

void add_move(Timeline& timeline, const Event& event) {
  const bool came = event.kind == EventKind::imported;
  if (!came && event.kind != EventKind::moved) return;
  timeline.ended = came ? "running" : "moved";
  if (timeline.moves.size() < timeline_rows_max)
    timeline.moves.push_back({came, timeline.length_ms, std::string(event.payload)});
}

std::string text_of(const TimelineMove& move) {
  return joined({move.came ? "taken over" : "moved away", " at ", move.at_ms, " ms ", move.what});
}

// A place on a bar of `wide` units.
std::int64_t scaled(std::int64_t ms, std::int64_t length_ms, std::int64_t wide) {
  return length_ms <= 0 ? 0 : ms * wide / length_ms;
}

const char* colour_of(const std::string& last) {
  if (last == "step_done") return "#2f855a";
  if (last == "step_failed") return "#c53030";
  if (last == "step_cancelled" || last == "withdrawn") return "#718096";
  if (last == "step_skipped") return "#cbd5e0";
  return "#b7791f";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out.push_back(c);
  }
  return out;
}

std::string padded(std::string text, std::size_t wide) {
  if (text.size() < wide) text.append(wide - text.size(), ' ');
  return text;
}

}  // namespace

Result<Timeline> timeline_of(const workflow::Definition& definition, std::string_view history) {
  auto reader = workflow::HistoryReader::open(history);
  if (!reader) return reader.error();
  Timeline timeline;
  timeline.workflow = definition.name;
  timeline.ended = "running";
  Event event;
  std::int64_t start_ms = 0;
  for (;;) {
    const auto more = reader->next(event);
    if (!more) return more.error();
    if (!*more) return timeline;
    if (timeline.events++ == 0) start_ms = event.stamp_ms;
    timeline.length_ms = event.stamp_ms - start_ms;
    if (ends_run(event.kind)) timeline.ended = workflow::name_of(event.kind);
    add_move(timeline, event);
    add(timeline, definition, event, timeline.length_ms);
  }
}

std::string text_of(const Timeline& timeline) {
  std::string out = joined({timeline.workflow, ": ", timeline.ended, ", ",
                            counted(static_cast<std::int64_t>(timeline.events), "event"), " in ",
                            timeline.length_ms, " ms\n"});
  for (const TimelineMove& move : timeline.moves)
    out += text_of(move) + "\n";
  std::size_t wide = 4;
  for (const TimelineRow& row : timeline.rows)
    wide = std::max(wide, row.step.size());
  for (const TimelineRow& row : timeline.rows) {
    const auto from = scaled(row.begin_ms, timeline.length_ms, bar_columns - 1);
    const auto to = scaled(row.end_ms, timeline.length_ms, bar_columns - 1);
    std::string bar(static_cast<std::size_t>(from), ' ');
    bar.append(static_cast<std::size_t>(to - from + 1), '#');
    out += joined({padded(row.step, wide), " |", padded(bar, bar_columns), "| ", row.begin_ms, "..",
                   row.end_ms, " ms ", row.last});
    if (row.calls > 1) out += joined({", ", row.calls, " calls"});
    out.push_back('\n');
  }
  if (timeline.rows_left_out > 0)
    out += joined({"and ", counted(static_cast<std::int64_t>(timeline.rows_left_out), "event"),
                   " of further steps\n"});
  return out;
}

std::string svg_of(const Timeline& timeline) {
  const auto high = static_cast<std::int64_t>(timeline.rows.size() + 2) * row_pixels;
  std::string out = joined(
      {"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", name_pixels + bar_pixels + 20,
       "\" height=\"", high, "\" font-family=\"sans-serif\" font-size=\"12\">\n<title>",
       escaped(timeline.workflow), "</title>\n<text x=\"8\" y=\"16\">", escaped(timeline.workflow),
       ": ", timeline.ended, ", ", counted(static_cast<std::int64_t>(timeline.events), "event"),
       " in ", timeline.length_ms, " ms</text>\n"});
  std::int64_t y = row_pixels + row_pixels / 2;
  for (const TimelineRow& row : timeline.rows) {
    const auto from = scaled(row.begin_ms, timeline.length_ms, bar_pixels);
    const auto to = scaled(row.end_ms, timeline.length_ms, bar_pixels);
    out += joined({"<g><title>",
                   escaped(row.step),
                   ": ",
                   row.last,
                   ", ",
                   row.begin_ms,
                   "..",
                   row.end_ms,
                   " ms</title><text x=\"8\" y=\"",
                   y + 14,
                   "\">",
                   escaped(row.step),
                   "</text><rect x=\"",
                   name_pixels + from,
                   "\" y=\"",
                   y + 3,
                   "\" width=\"",
                   std::max<std::int64_t>(to - from, 3),
                   "\" height=\"",
                   row_pixels - 6,
                   "\" rx=\"3\" fill=\"",
                   colour_of(row.last),
                   "\"/></g>\n"});
    y += row_pixels;
  }
  for (const TimelineMove& move : timeline.moves)
    out += joined({"<g><title>", escaped(text_of(move)), "</title><rect x=\"",
                   name_pixels + scaled(move.at_ms, timeline.length_ms, bar_pixels), "\" y=\"",
                   row_pixels, "\" width=\"2\" height=\"", high - row_pixels,
                   "\" fill=\"#2b6cb0\"/></g>\n"});
  return out + "</svg>\n";
}

}  // namespace redoubt::cli
