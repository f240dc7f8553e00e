// A provider's answer, from bytes to events: one value for each call.
//
//   Decoder decoder(*find_dialect("anthropic"));
//   decoder.head(status, headers, now);
//   decoder.feed(bytes, events);   // as they come, split anyhow
//   decoder.end(events);           // the connection's end, or the body's
//
// 1. Whether the answer is a stream, one JSON document or a failure is seen from the status and the
//    first byte, not from the content type: that is wrong too often. Gemini's stream is one JSON
//    list where `alt=sse` is not heeded (by a proxy, say): its elements are events as they come.
// 2. The last event is `finished` or `failed`, and it comes exactly once; over() says so. After it
//    bytes are ignored.
// 3. A stream whose body ends without its terminator is finished where the finish reason came: many
//    servers leave `[DONE]` out. Without the reason, or inside of an event, it fails ("cut"). A
//    host calls end() for a body that ended by its own framing, and tells a broken connection
//    itself. finish_seen() tells a host that waits at a stalled stream that the answer itself is
//    complete.
// 4. Texts are UTF-8 whatever came in: a character whose halves come in two deltas is joined, what
//    is none is U+FFFD.
// 5. Copyable at any byte. Memory: one event and what waits to be told, or one whole body, each
//    within the bounds of wire.hpp and the caller's own.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/llm/answer_state.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/sse.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// No answer is longer than this, streamed or whole.
constexpr std::size_t answer_bytes_max = 64u << 20;

/// Tells what a whole answer, as a tree and as its text, says; ends with finished or failed.
using DecodeWhole = void (*)(AnswerState&, const nlohmann::json&, std::string_view, ChatEvents&);

class Decoder {
 public:
  /// `kept_bytes_max` bounds a whole body, and an event of a stream, where it is less than
  /// wire.hpp.
  explicit Decoder(const Dialect& dialect, std::size_t kept_bytes_max = whole_body_bytes_max);

  /// The answer is no chat's: this reads it where it comes whole.
  void read_by(DecodeWhole whole) { whole_ = whole; }

  /// How many answers the request asks for.
  void expect(std::int64_t answers) { state_.answers = answers; }
  /// The names of the request's tools, for answers that call them by another (WireRequest).
  void rename(std::vector<ToolAlias> tool_names) { tool_names_ = std::move(tool_names); }
  /// `now_unix_ms` turns dates in headers into waits.
  void head(int status, std::vector<Header> headers, std::int64_t now_unix_ms);
  void feed(std::string_view bytes, ChatEvents& out);
  void end(ChatEvents& out);

  /// Of how many bytes feed(bytes) may read documents, at most: what it only keeps is none.
  std::size_t feed_bytes(std::string_view bytes) const;
  /// The same of end().
  std::size_t end_bytes() const { return body_.size() + sse_.held_bytes(); }
  /// Of the answer, as it came and what waits to be told.
  std::size_t held_bytes() const { return end_bytes() + state_.kept_bytes(); }
  /// It comes event by event.
  bool is_stream() const { return shape_ == Shape::stream || shape_ == Shape::list; }

  bool over() const { return state_.over; }
  bool finish_seen() const { return state_.finish_seen; }
  /// The stream finished (invariant 3) without the terminator that its format has. Gemini's has
  /// none.
  bool unterminated() const { return unterminated_; }
  /// The provider began to answer: text, reasoning or a tool call was told.
  bool shown() const { return state_.shown; }
  WireFormat format() const { return format_; }

 private:
  enum class Shape : std::uint8_t { unknown, stream, list, whole, failure };

  void take(std::string_view bytes, ChatEvents& out);
  void conclude(ChatEvents& out);
  void choose_shape(std::string_view& bytes);
  void feed_stream(std::string_view bytes, ChatEvents& out);
  void keep(std::string_view bytes, std::size_t bytes_max, ChatEvents& out);
  void feed_list(std::string_view bytes, ChatEvents& out);
  void count(std::size_t bytes, ChatEvents& out);
  void event(std::string_view name, const std::string& data, ChatEvents& out);
  void end_whole(ChatEvents& out);
  void stamp(ChatEvents& out) const;
  void restore_names(ChatEvents& out, std::size_t from) const;

  WireFormat format_;
  DecodeWhole whole_;
  std::size_t kept_bytes_max_;
  Shape shape_ = Shape::unknown;
  int status_ = 200;
  std::vector<Header> headers_;
  std::vector<ToolAlias> tool_names_;
  std::int64_t now_unix_ms_ = 0;
  std::size_t bytes_seen_ = 0;
  bool unterminated_ = false;
  std::string body_;   // of a list, the element that is under way
  ObjectEnd element_;  // of that
  bool list_over_ = false;
  SseParser sse_;
  AnswerState state_;
};

}  // namespace redoubt::llm
