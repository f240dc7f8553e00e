#include "relay/observe/log.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "engine/base/plain_text.hpp"
#include "engine/base/visible_text.hpp"

namespace redoubt::observe {
namespace {

// After the first line of a batch the writer waits so long for more: one write a batch.
constexpr std::chrono::milliseconds gather_ms{10};
constexpr std::string_view replacement = "\xEF\xBF\xBD";

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, 5> names{"debug", "info", "warning", "error", "off"};
  return names[static_cast<std::size_t>(level)];
}

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t length = utf8_length(text, 0);
    if (length == 0) {
      out.append(replacement);
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (const std::uint32_t code = code_point_at(text, 0, length); is_hidden(code)) {
      append_escape(out, code);
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
  end();
}

void Log::end() {
  if (!writer_.joinable()) return;
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
