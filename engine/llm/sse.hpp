// Server-sent events, read as they come (WHATWG HTML, "Server-sent events", 9.2.5-9.2.6).
//
// 1. Bytes may be split anywhere: inside a character, between CR and LF, inside the mark (BOM) at
//    the start. The parser is a value: copy it to try two futures.
// 2. An event is at most `event_bytes_max` bytes of data and a line as long at most; beyond that
//    the parser says too_large and reads no more.
// 3. `id` and `retry` are not kept: a model's stream cannot be resumed with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt::llm {

enum class SseStep : std::uint8_t {
  more,       ///< all bytes are read; feed more
  event,      ///< name() and data() are an event
  comment,    ///< a line that began with a colon: it says only that the connection lives
  too_large,  ///< over the bound; final
};

class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

  /// Takes bytes from the front of `bytes` until something is complete.
  SseStep next(std::string_view& bytes);
  /// At the end of the bytes: what is left as if a blank line followed. The standard drops it;
  /// providers end streams with a last line that has no end, so it is given.
  SseStep finish();

  /// Bytes of the begun event that are kept, at most.
  std::size_t held_bytes() const { return line_.size() + data_.size(); }

  /// The event's name ("" where it has none) and data, until the following call of next().
  const std::string& name() const { return name_; }
  const std::string& data() const { return data_; }

 private:
  SseStep take_line(std::string_view line);
  SseStep dispatch();
  void clear_event();

  std::size_t event_bytes_max_;
  std::string line_;  // the begun line, where its end has not come yet
  std::string name_;
  std::string data_;
  bool has_data_ = false;
  bool given_ = false;      // the event was handed out: the next line begins another
  bool after_cr_ = false;   // the last line ended with CR: a following LF belongs to it
  bool first_line_ = true;  // a BOM may stand before it
  bool too_large_ = false;
};

}  // namespace redoubt::llm
