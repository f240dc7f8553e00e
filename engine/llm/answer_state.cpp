#include "engine/llm/answer_state.hpp"

#include <utility>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::size_t half_bytes_max = 3;

unsigned byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// A half of a surrogate pair, as three bytes; 0 where there is none.
unsigned surrogate_at(std::string_view text, std::size_t at) {
  if (at + 3 > text.size() || byte_at(text, at) != 0xED) return 0;
  const unsigned second = byte_at(text, at + 1);
  const unsigned third = byte_at(text, at + 2);
  if (second < 0xA0 || second > 0xBF || third < 0x80 || third > 0xBF) return 0;
  return 0xD000 | ((second & 0x3F) << 6) | (third & 0x3F);
}

bool is_high(unsigned surrogate) {
  return surrogate >= 0xD800 && surrogate <= 0xDBFF;
}

bool is_low(unsigned surrogate) {
  return surrogate >= 0xDC00 && surrogate <= 0xDFFF;
}

// A character of more than one byte whose last bytes are missing.
bool begins_character(std::string_view rest) {
  const unsigned lead = byte_at(rest, 0);
  const std::size_t length = lead >= 0xF0 && lead <= 0xF4   ? 4
                             : lead >= 0xE0                 ? 3
                             : lead >= 0xC2 && lead <= 0xDF ? 2
                                                            : 0;
  if (lead > 0xF4 || rest.size() >= length) return false;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if ((byte_at(rest, i) & 0xC0) != 0x80) return false;
  }
  return true;
}

void append_pair(std::string& out, unsigned high, unsigned low) {
  const unsigned code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  out += static_cast<char>(0xF0 | (code >> 18));
  out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
  out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

// The text as UTF-8; what may be the beginning of its next character goes to `half`.
std::string as_utf8(std::string_view text, std::string& half) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = byte_at(text, at) < 0x80 ? 1 : utf8_length(text, at);
    if (length > 0) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    const std::string_view rest = text.substr(at);
    const unsigned surrogate = surrogate_at(text, at);
    if (is_high(surrogate) && is_low(surrogate_at(text, at + 3))) {
      append_pair(out, surrogate, surrogate_at(text, at + 3));
      at += 6;
    } else if ((is_high(surrogate) && rest.size() == half_bytes_max) || begins_character(rest)) {
      half = rest;
      return out;
    } else {
      out += replacement;
      at += surrogate == 0 ? 1 : 3;
    }
  }
  return out;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = byte_at(text, at) < 0x80 ? 1 : utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// No longer than any provider takes.
std::string made_id(std::string_view answer_id, std::int32_t call) {
  constexpr std::size_t answer_id_bytes_max = 24;
  if (answer_id.size() <= answer_id_bytes_max)
    return joined({"call_", answer_id, answer_id.empty() ? "" : "_", call});
  Hash64 hash;
  hash.add_bytes(answer_id);
  return joined({"call_", hex16(hash.value()), "_", call});
}

bool is_sent_in_order(const ChatEvent& event) {
  const EventKind kind = event.kind;
  return kind == EventKind::text || kind == EventKind::refusal || kind == EventKind::reasoning ||
         kind == EventKind::opaque || (kind == EventKind::reported && event.name == "part");
}

}  // namespace

std::size_t ObjectEnd::take(std::string_view piece) {
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const char c = piece[i];
    if (over_) return i;
    if (odd_) return piece.size();
    if (!begun_) {
      const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
      begun_ = !space;
      odd_ = begun_ && c != '{';
    }
    if (in_text_) {
      in_text_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_text_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      over_ = --depth_ <= 0;
    }
  }
  return piece.size();
}

ChatEvent& AnswerState::tell(ChatEvents& out, EventKind kind) {
  if (!started && kind != EventKind::failed && kind != EventKind::started) start(out, {}, {});
  ChatEvent& event = out.emplace_back();
  event.kind = kind;
  return event;
}

void AnswerState::start(ChatEvents& out, std::string_view answer_id, std::string_view model) {
  if (started) return;
  started = true;
  id = answer_id;
  ChatEvent& event = tell(out, EventKind::started);
  event.id = answer_id;
  event.model = model;
}

std::string AnswerState::mended(ChatEvents& out, EventKind kind, std::int32_t call,
                                std::string_view text) {
  if (half.bytes.empty() && is_utf8(text)) return std::string(text);
  if (half.kind != kind || half.call != call) flush_half(out);
  const std::string joined = std::exchange(half.bytes, {}) + std::string(text);
  half.kind = kind;
  half.call = call;
  return as_utf8(joined, half.bytes);
}

// The other half did not come.
void AnswerState::flush_half(ChatEvents& out) {
  if (half.bytes.empty()) return;
  half.bytes.clear();
  ChatEvent event;
  event.kind = half.kind;
  event.index = half.kind == EventKind::tool_arguments ? half.call : 0;
  event.text = replacement;
  pass(out, std::move(event));
}

void AnswerState::pass(ChatEvents& out, ChatEvent event) {
  const bool waits = open.call >= 0 && !open.end.odd();
  if (event.kind == EventKind::tool_arguments) {
    pass_arguments(out, std::move(event));
  } else if (waits && (is_sent_in_order(event) || event.kind == EventKind::tool_begun)) {
    hold(std::move(event));
  } else {
    if (is_sent_in_order(event)) open = {};
    if (event.kind == EventKind::tool_begun) open = {.call = event.index, .end = {}};
    out.push_back(std::move(event));
  }
}

// Calls are numbered as they begin: a lower number is one whose arguments are complete.
void AnswerState::pass_arguments(ChatEvents& out, ChatEvent event) {
  if (event.index != open.call) {
    if (open.call >= 0 && event.index > open.call) hold(std::move(event));
    return;
  }
  event.text.resize(open.end.take(event.text));
  if (event.text.empty()) return;
  out.push_back(std::move(event));
  if (open.end.over() || (open.end.odd() && !held.empty())) release(out);
}

void AnswerState::hold(ChatEvent event) {
  held_bytes += sizeof event + event.text_bytes();
  held.push_back(std::move(event));
}

void AnswerState::release(ChatEvents& out) {
  open = {};
  held_bytes = 0;
  for (ChatEvent& event : std::exchange(held, {}))
    pass(out, std::move(event));
}

void AnswerState::close_calls(ChatEvents& out) {
  flush_half(out);
  while (open.call >= 0) {
    if (!open.end.begun()) {
      ChatEvent& event = out.emplace_back();
      event.kind = EventKind::tool_arguments;
      event.index = open.call;
      event.text = "{}";
    }
    release(out);
  }
}

void AnswerState::say(ChatEvents& out, EventKind kind, std::string_view text,
                      std::string_view signature, std::string_view item_id) {
  if (over || (text.empty() && signature.empty())) return;
  shown = true;
  spoke = spoke || !text.empty();
  start(out, {}, {});
  ChatEvent event;
  event.kind = kind;
  event.id = item_id;
  event.text = mended(out, kind, -1, text);
  event.signature = signature;
  if (!event.text.empty() || !event.signature.empty()) pass(out, std::move(event));
}

void AnswerState::think(ChatEvents& out, std::string_view text, std::string_view item_id,
                        std::string_view signature, std::string_view name, bool redacted) {
  if (over || (text.empty() && signature.empty() && item_id.empty())) return;
  shown = true;
  start(out, {}, {});
  ChatEvent event;
  event.kind = EventKind::reasoning;
  event.text = mended(out, EventKind::reasoning, -1, text);
  event.id = item_id;
  event.signature = signature;
  event.name = name;
  event.redacted = redacted;
  if (!event.text.empty() || text.empty()) pass(out, std::move(event));
}

// Some servers give calls no id, or two calls the same; results must name one all the same.
std::string AnswerState::own_call_id(std::string_view call_id) {
  std::string own(call_id);
  if (own.empty() || call_ids.count(own) != 0) own = made_id(id.empty() ? made_of : id, calls);
  while (!call_ids.insert(own).second)
    own += '_';
  return own;
}

std::int32_t AnswerState::begin_call(ChatEvents& out, std::string_view call_id,
                                     std::string_view name, std::string_view signature,
                                     std::string_view reported_of_it) {
  if (over) return -1;
  if (calls >= static_cast<std::int32_t>(calls_max)) {
    fail(out, local_failure(FailureClass::malformed,
                            joined({"the answer has more than ", calls_max, " tool calls"})));
    return -1;
  }
  // No client's format can tell a call that names no tool.
  if (name.empty()) {
    fail(out, local_failure(FailureClass::malformed, "the model's tool call has no name"));
    return -1;
  }
  shown = true;
  start(out, {}, {});
  flush_half(out);
  ChatEvent event;
  event.kind = EventKind::tool_begun;
  event.index = calls;
  event.id = own_call_id(call_id);
  event.name = name;
  event.signature = signature;
  event.detail = reported_of_it;
  pass(out, std::move(event));
  return calls++;
}

void AnswerState::arguments(ChatEvents& out, std::int32_t call, std::string_view fragment) {
  if (over || call < 0 || fragment.empty()) return;
  ChatEvent event;
  event.kind = EventKind::tool_arguments;
  event.index = call;
  event.text = mended(out, EventKind::tool_arguments, call, fragment);
  pass(out, std::move(event));
}

void AnswerState::opaque(ChatEvents& out, std::string json) {
  if (over) return;
  shown = true;
  start(out, {}, {});
  flush_half(out);
  ChatEvent event;
  event.kind = EventKind::opaque;
  event.text = std::move(json);
  pass(out, std::move(event));
}

void AnswerState::tell(ChatEvents& out, std::string_view name, std::string json) {
  if (over || json.empty()) return;
  if (name == "answer") {
    if (json == reported_answer) return;
    reported_answer = json;
  }
  start(out, {}, {});
  ChatEvent event;
  event.kind = EventKind::reported;
  event.name = name;
  event.text = std::move(json);
  pass(out, std::move(event));
}

void AnswerState::tell_usage(ChatEvents& out) {
  if (over) return;
  tell(out, EventKind::usage).usage = usage;
}

bool AnswerState::all_finish_seen() const {
  return finish_seen && std::all_of(others.begin(), others.end(),
                                    [](const AnswerState& other) { return other.finish_seen; });
}

AnswerState* AnswerState::begin_other(std::int64_t answer) {
  if (answer < 1 || answer >= answers) return nullptr;
  while (static_cast<std::int64_t>(others.size()) < answer)
    others.emplace_back().started = true;
  return &others[static_cast<std::size_t>(answer) - 1];
}

void AnswerState::take_over(std::int64_t answer, std::size_t from, ChatEvents& out) {
  for (std::size_t i = from; i < out.size(); ++i) {
    if (out[i].kind == EventKind::failed) {
      over = true;
      continue;
    }
    if (out[i].kind == EventKind::finished) out[i].kind = EventKind::answer_finished;
    out[i].answer = static_cast<std::int32_t>(answer);
  }
}

void AnswerState::finish(ChatEvents& out) {
  for (std::size_t i = 0; i < others.size(); ++i)
    read_other(static_cast<std::int64_t>(i) + 1, out,
               [](AnswerState& other, ChatEvents& events) { other.finish(events); });
  if (over) return;
  close_calls(out);
  // No word at all is no "length": its calls are complete.
  const bool ended =
      reason == FinishReason::stop || (reason == FinishReason::unknown && detail.empty());
  if (calls > 0 && ended) reason = FinishReason::tool_calls;
  ChatEvent& event = tell(out, EventKind::finished);
  event.reason = reason;
  event.detail = detail;
  over = true;
}

void AnswerState::fail(ChatEvents& out, ChatFailure failure) {
  if (over) return;
  tell(out, EventKind::failed).failure = std::move(failure);
  over = true;
}

Slot* AnswerState::slot(std::int64_t key) {
  for (std::size_t i = slots.size(); i-- > 0;) {
    if (slots[i].key == key) return &slots[i];
  }
  return nullptr;
}

void AnswerState::keep(std::string& text, std::string_view more) {
  text += more;
  slots_bytes += more.size();
}

std::size_t AnswerState::kept_bytes() const {
  std::size_t bytes = held_bytes + slots_bytes + reported_answer.size();
  for (const AnswerState& other : others)
    bytes += other.kept_bytes();
  return bytes;
}

Slot* AnswerState::add_slot(ChatEvents& out, std::int64_t key, PartKind kind) {
  if (slots.size() >= blocks_max) {
    fail(out, local_failure(FailureClass::malformed,
                            joined({"the answer has more than ", blocks_max, " blocks"})));
    return nullptr;
  }
  Slot& slot = slots.emplace_back();
  slot.key = key;
  slot.kind = kind;
  return &slot;
}

}  // namespace redoubt::llm
