#include "relay/observe/log.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace redoubt::observe {
namespace {

// After the first line of a batch the writer waits so long for more: one write a batch.
constexpr std::chrono::milliseconds gather_ms{10};
constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Length of the valid UTF-8 sequence at the start of `text`, 0 where there is none (RFC 3629:
// no overlong forms, no surrogates, nothing over U+10FFFF).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0u) == 0x80u; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && at(1) < 0xa0;
    const bool surrogate = first == 0xed && at(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && at(1) < 0x90;
    const bool over = first == 0xf4 && at(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !over ? 4 : 0;
  }
  return 0;
}

// A valid sequence of two or three bytes as a code point.
unsigned code_point(std::string_view sequence) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 2) return (at(0) & 0x1fu) << 6 | (at(1) & 0x3fu);
  return (at(0) & 0x0fu) << 12 | (at(1) & 0x3fu) << 6 | (at(2) & 0x3fu);
}

// What a terminal obeys (C1 controls), ends a line with, or turns the writing's order by.
bool is_control(unsigned point) {
  return (point >= 0x80 && point <= 0x9f) || point == 0x200e || point == 0x200f ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
         point == 0x061c;
}

void append_escape(std::string& out, unsigned point) {
  constexpr char hex[] = "0123456789abcdef";
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4)
    out += hex[point >> shift & 15];
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 5> names{"debug", "info", "warning", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      out.append(replacement);
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_escape(out, static_cast<unsigned char>(c));
    } else if ((length == 2 || length == 3) && is_control(code_point(text.substr(0, length)))) {
      append_escape(out, code_point(text.substr(0, length)));
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
}

std::string utc_time(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(wall_ms % 1000));
  return text;
}

Line::Line(Level level, std::string_view event, std::int64_t wall_ms) : level_(level) {
  bytes_.reserve(320);
  bytes_.append("{\"time\":\"").append(utc_time(wall_ms));
  bytes_.append("\",\"level\":\"").append(to_string(level));
  bytes_.append("\",\"event\":\"");
  append_json_text(bytes_, event);
  bytes_ += '"';
}

Line& Line::text(std::string_view key, std::string_view value) {
  bytes_.append(",\"").append(key).append("\":\"");
  append_json_text(bytes_, value.substr(0, value_bytes_max));
  bytes_ += '"';
  return *this;
}

Line& Line::number(std::string_view key, std::int64_t value) {
  bytes_.append(",\"").append(key).append("\":").append(std::to_string(value));
  return *this;
}

Line& Line::flag(std::string_view key, bool value) {
  bytes_.append(",\"").append(key).append("\":").append(value ? "true" : "false");
  return *this;
}

std::string Line::take() {
  bytes_.append("}\n");
  return std::move(bytes_);
}

Log::Log(int descriptor, Level least, std::size_t queue_lines_max)
    : descriptor_(descriptor), least_(least), queue_lines_max_(queue_lines_max) {
  writer_ = std::thread([this] { run(); });
}

Log::~Log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  writer_.join();
}

void Log::write(Line&& line) {
  if (!wants(line.level())) return;
  std::string bytes = line.take();
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_lines_max_) {
      ++dropped_since_written_;
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    wake = queue_.empty();
    queue_.push_back(std::move(bytes));
  }
  if (wake) filled_.notify_one();
}

void Log::run() {
  std::vector<std::string> batch;
  std::string bytes;
  while (true) {
    std::uint64_t lost = 0;
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (!stopping_) filled_.wait_for(lock, gather_ms, [this] { return stopping_; });
      batch.swap(queue_);
      std::swap(lost, dropped_since_written_);
      if (batch.empty() && lost == 0 && stopping_) return;
    }
    bytes.clear();
    for (const std::string& line : batch)
      bytes.append(line);
    if (lost > 0) {
      Line line(Level::warning, "log_lines_dropped", wall_now_ms());
      bytes.append(line.number("lines", static_cast<std::int64_t>(lost)).take());
    }
    batch.clear();
    write_all(bytes);
  }
}

void Log::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    // A closed pipe or a full disk: the lines are lost, the relay goes on.
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::int64_t wall_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace redoubt::observe
