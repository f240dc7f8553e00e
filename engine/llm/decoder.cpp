#include "engine/llm/decoder.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/json_any_text.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/decode_anthropic.hpp"
#include "engine/llm/decode_gemini.hpp"
#include "engine/llm/decode_openai_chat.hpp"
#include "engine/llm/decode_openai_responses.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

// The document as a tree and as its text: what only passes through keeps its author's order.
using DecodeEvent = DecodeWhole;

struct Format {
  DecodeEvent event;
  DecodeWhole whole;
};

const Format& format_of(WireFormat format) {
  static constexpr Format formats[] = {
      {decode_openai_chat_event, decode_openai_chat_whole},
      {decode_openai_chat_event, decode_openai_chat_whole},
      {decode_openai_responses_event, decode_openai_responses_whole},
      {decode_anthropic_event, decode_anthropic_whole},
      {decode_gemini_event, decode_gemini_whole},
  };
  return formats[static_cast<std::size_t>(format)];
}

// An error in the place of an answer, or of a piece of one. OpenAI's responses carry "error": null,
// and their own failure is read with them.
bool tells_error(const Json& json) {
  if (text_in(json, "type") == "error") return true;
  const Json* error = member_of(json, "error");
  if (error == nullptr || text_in(json, "object") == "response") return false;
  return error->is_object() || error->is_string();
}

}  // namespace

Decoder::Decoder(const Dialect& dialect, std::size_t kept_bytes_max)
    : format_(dialect.format),
      whole_(format_of(format_).whole),
      kept_bytes_max_(std::min(kept_bytes_max, whole_body_bytes_max)),
      sse_(std::min(kept_bytes_max, sse_event_bytes_max)) {}

namespace {

/// The next answer would be as long.
ChatFailure too_long(std::string_view what, std::size_t bytes_max) {
  ChatFailure failure = local_failure(FailureClass::malformed,
                                      joined({what, " is longer than ", bytes_max, " bytes"}));
  failure.should_retry = false;
  failure.too_long = true;
  return failure;
}

}  // namespace

void Decoder::head(int status, std::vector<Header> headers, std::int64_t now_unix_ms) {
  status_ = status;
  headers_ = std::move(headers);
  now_unix_ms_ = now_unix_ms;
  if (status < 200 || status > 299) shape_ = Shape::failure;
  if (now_unix_ms <= 0) return;
  Hash64 hash;
  hash.add(static_cast<std::uint64_t>(now_unix_ms));
  for (const Header& header : headers_)
    hash.add_bytes(header.value);
  state_.made_of = hex16(hash.value());
}

// White space and a BOM may stand before either shape and mean nothing.
void Decoder::choose_shape(std::string_view& bytes) {
  while (shape_ == Shape::unknown && !bytes.empty()) {
    const char c = bytes.front();
    // What is no chat's answer (read_by) is no stream either.
    const bool may_be_list =
        format_ == WireFormat::gemini && whole_ == format_of(format_).whole && c == '[';
    if (may_be_list) {
      shape_ = Shape::list;
      bytes.remove_prefix(1);
    } else if (c == '{' || c == '[') {
      shape_ = Shape::whole;
    } else if (std::string_view(" \t\r\n\xEF\xBB\xBF").find(c) != std::string_view::npos) {
      bytes.remove_prefix(1);
    } else {
      shape_ = c == '<' ? Shape::whole : Shape::stream;
    }
  }
}

std::size_t Decoder::feed_bytes(std::string_view bytes) const {
  const bool kept = shape_ == Shape::whole || shape_ == Shape::failure;
  if (shape_ == Shape::list) return body_.size() + bytes.size();
  return kept ? 0 : sse_.held_bytes() + bytes.size();
}

void Decoder::feed(std::string_view bytes, ChatEvents& out) {
  if (state_.over) return;
  const std::size_t before = out.size();
  take(bytes, out);
  restore_names(out, before);
  if (state_.over) stamp(out);
}

void Decoder::end(ChatEvents& out) {
  if (state_.over) return;
  const std::size_t before = out.size();
  conclude(out);
  restore_names(out, before);
  stamp(out);
}

void Decoder::take(std::string_view bytes, ChatEvents& out) {
  choose_shape(bytes);
  switch (shape_) {
    case Shape::unknown:
      break;
    case Shape::failure:  // the beginning tells enough
      body_.append(bytes.substr(
          0, std::min(bytes.size(),
                      error_body_bytes_max - std::min(body_.size(), error_body_bytes_max))));
      break;
    case Shape::whole:
      keep(bytes, kept_bytes_max_, out);
      break;
    case Shape::stream:
      feed_stream(bytes, out);
      break;
    case Shape::list:
      feed_list(bytes, out);
      break;
  }
}

void Decoder::keep(std::string_view bytes, std::size_t bytes_max, ChatEvents& out) {
  if (body_.size() + bytes.size() > bytes_max) {
    state_.fail(out, too_long("the answer", bytes_max));
    body_ = {};
    return;
  }
  body_.append(bytes);
}

void Decoder::count(std::size_t bytes, ChatEvents& out) {
  bytes_seen_ += bytes;
  if (bytes_seen_ > answer_bytes_max) state_.fail(out, too_long("the stream", answer_bytes_max));
}

// Between elements commas and white space are passed over, and so is what follows the list's end.
void Decoder::feed_list(std::string_view bytes, ChatEvents& out) {
  count(bytes.size(), out);
  while (!state_.over && !bytes.empty() && !list_over_) {
    const char c = bytes.front();
    if (body_.empty() && c != '{') {
      list_over_ = c == ']';
      if (std::string_view(", \t\r\n]").find(c) == std::string_view::npos)
        state_.fail(out,
                    local_failure(FailureClass::malformed, "an element of the list is no object"));
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t length = element_.take(bytes);
    keep(bytes.substr(0, length), std::min(kept_bytes_max_, sse_event_bytes_max), out);
    bytes.remove_prefix(length);
    if (state_.over || !element_.over()) continue;
    element_ = {};
    event({}, std::exchange(body_, {}), out);
    if (state_.kept_bytes() > kept_bytes_max_)
      state_.fail(out, too_long("what waits for a call's end", kept_bytes_max_));
  }
}

void Decoder::feed_stream(std::string_view bytes, ChatEvents& out) {
  count(bytes.size(), out);
  while (!state_.over && !bytes.empty()) {
    switch (sse_.next(bytes)) {
      case SseStep::more:
        return;
      case SseStep::event:
        event(sse_.name(), sse_.data(), out);
        if (state_.kept_bytes() > kept_bytes_max_)
          state_.fail(out, too_long("what waits for a call's end", kept_bytes_max_));
        break;
      case SseStep::comment:
        out.emplace_back().kind = EventKind::heartbeat;
        break;
      case SseStep::too_large:
        state_.fail(out, too_long("an event", std::min(kept_bytes_max_, sse_event_bytes_max)));
        break;
    }
  }
}

void Decoder::event(std::string_view name, const std::string& data, ChatEvents& out) {
  if (data == "[DONE]") {
    if (format_ == WireFormat::openai_chat) finish_openai_chat(state_, out);
    return;
  }
  if (name == "ping") {
    out.emplace_back().kind = EventKind::heartbeat;
    return;
  }
  std::string_view text = data;
  std::string mended;
  auto json = parse_json(data, wire_json_limits);
  if (!json.ok()) {
    json = parse_json_any_text(data, wire_json_limits);
    if (json.ok()) text = mended = mended_json(data);
  }
  if (name == "error") {
    state_.fail(out,
                json.ok() ? failure_from_json(json.value(), 0) : failure_from_body(0, data, {}, 0));
  } else if (!json.ok()) {
    state_.fail(out, local_failure(FailureClass::malformed,
                                   joined({"an event of the stream is ", json.error().message})));
  } else if (text_in(json.value(), "type") == "ping") {
    out.emplace_back().kind = EventKind::heartbeat;
  } else if (tells_error(json.value())) {
    state_.fail(out, failure_from_json(json.value(), 0));
  } else {
    format_of(format_).event(state_, json.value(), text, out);
  }
}

void Decoder::end_whole(ChatEvents& out) {
  std::string body = std::exchange(body_, {});
  auto json = parse_json(body, wire_json_limits);
  if (!json.ok()) {
    std::string mended = mended_json(body);
    if (auto again = parse_json(mended, wire_json_limits); again.ok()) {
      json = std::move(again);
      body = std::move(mended);
    }
  }
  if (!json.ok()) {
    state_.fail(out, local_failure(FailureClass::malformed,
                                   joined({"the answer is ", json.error().message})));
  } else if (tells_error(json.value())) {
    state_.fail(out, failure_from_json(json.value(), 0));
  } else {
    whole_(state_, json.value(), body, out);
  }
}

void Decoder::conclude(ChatEvents& out) {
  if (shape_ == Shape::failure) {
    state_.fail(out, failure_from_body(status_, body_, headers_, now_unix_ms_));
    return;
  }
  if (shape_ == Shape::whole) {
    end_whole(out);
    return;
  }
  bool torn = false;
  if (shape_ == Shape::stream && sse_.finish() == SseStep::event) {
    // Half an event is what a cut leaves: it is no fault of its own.
    torn = !parse_json_any_text(sse_.data(), wire_json_limits).ok() && sse_.data() != "[DONE]";
    if (!torn) event(sse_.name(), sse_.data(), out);
  }
  if (shape_ == Shape::list) torn = !body_.empty();
  if (state_.over) return;
  if (state_.all_finish_seen() && !torn) {
    unterminated_ = shape_ == Shape::stream && format_ != WireFormat::gemini;
    if (format_ == WireFormat::openai_chat) {
      finish_openai_chat(state_, out);
    } else {
      state_.finish(out);
    }
    return;
  }
  state_.fail(out, local_failure(FailureClass::cut, shape_ == Shape::unknown
                                                        ? "the answer is empty"
                                                        : "the stream ended before its end"));
}

void Decoder::restore_names(ChatEvents& out, std::size_t from) const {
  if (tool_names_.empty()) return;
  for (std::size_t i = from; i < out.size(); ++i) {
    if (out[i].kind != EventKind::tool_begun) continue;
    for (const ToolAlias& name : tool_names_)
      if (name.sent == out[i].name) out[i].name = name.asked;
  }
}

// Failures after a 200 have the head's request id.
void Decoder::stamp(ChatEvents& out) const {
  if (out.empty() || !out.back().failure) return;
  std::string& id = out.back().failure->request_id;
  for (const char* name : {"request-id", "x-request-id", "apim-request-id"}) {
    if (id.empty()) id = header_value(headers_, name);
  }
}

}  // namespace redoubt::llm
