#include "engine/llm/sse.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// What a text that was used may keep of its room for the next.
constexpr std::size_t kept_room_max = 64 * 1024;

void clear(std::string& text) {
  if (text.capacity() > kept_room_max) text = std::string();
  text.clear();
}

}  // namespace

SseStep SseParser::next(std::string_view& bytes) {
  if (too_large_) return SseStep::too_large;
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::size_t length = end == std::string_view::npos ? bytes.size() : end;
    if (line_.size() + length > event_bytes_max_) {
      too_large_ = true;
      return SseStep::too_large;
    }
    if (end == std::string_view::npos) {
      line_.append(bytes);
      bytes = {};
      break;
    }
    const std::string_view tail = bytes.substr(0, end);
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    SseStep step;
    if (line_.empty()) {
      step = take_line(tail);
    } else {
      line_.append(tail);
      step = take_line(line_);
      clear(line_);
    }
    if (step != SseStep::more) return step;
  }
  return SseStep::more;
}

SseStep SseParser::finish() {
  if (too_large_) return SseStep::too_large;
  if (!line_.empty()) {
    const SseStep step = take_line(line_);
    clear(line_);
    if (step == SseStep::too_large) return step;
  }
  return dispatch();
}

SseStep SseParser::take_line(std::string_view line) {
  if (first_line_) {
    first_line_ = false;
    if (line.substr(0, 3) == byte_order_mark) line.remove_prefix(3);
  }
  if (line.empty()) return dispatch();
  if (given_) clear_event();
  if (line.front() == ':') return SseStep::comment;
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "event") {
    name_ = value;
  } else if (field == "data") {
    if (data_.size() + value.size() + 1 > event_bytes_max_) {
      too_large_ = true;
      return SseStep::too_large;
    }
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
  return SseStep::more;
}

SseStep SseParser::dispatch() {
  if (given_ || !has_data_) {
    clear_event();
    return SseStep::more;
  }
  given_ = true;
  return SseStep::event;
}

void SseParser::clear_event() {
  clear(name_);
  clear(data_);
  has_data_ = false;
  given_ = false;
}

}  // namespace redoubt::llm
