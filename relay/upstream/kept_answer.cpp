#include "relay/upstream/kept_answer.hpp"

#include <utility>

#include "engine/base/bytes.hpp"

namespace redoubt::upstream {
namespace {

using llm::ChatEvent;
using llm::EventKind;
using llm::FinishReason;
using llm::PartKind;
using llm::WireFormat;

// Of what is written; raised when it changes, so that a store's older entries are nothing.
constexpr std::uint8_t kept_version = 2;
constexpr std::size_t text_bytes_max = 64 << 20;
// A serialized event is never shorter, so a count can be checked before anything is reserved.
constexpr std::size_t event_bytes_min = 64;

void put_event(ByteWriter& out, const ChatEvent& event) {
  out.u8(static_cast<std::uint8_t>(event.kind));
  out.u8(static_cast<std::uint8_t>(event.reason));
  out.u8(event.redacted ? 1 : 0);
  out.i32(event.index);
  for (const std::string* text :
       {&event.text, &event.id, &event.name, &event.model, &event.signature, &event.detail})
    out.text(*text);
  const llm::Usage& usage = event.usage;
  for (const std::int64_t count : {usage.input, usage.cached_read, usage.cache_write,
                                   usage.cache_write_long, usage.output, usage.reasoning})
    out.u64(static_cast<std::uint64_t>(count));
  out.u8(usage.reported ? 1 : 0);
}

/// Failures are told on their own and never kept.
bool get_event(ByteReader& in, ChatEvent& event) {
  const std::uint8_t kind = in.u8();
  const std::uint8_t reason = in.u8();
  if (kind >= static_cast<std::uint8_t>(EventKind::failed) ||
      reason > static_cast<std::uint8_t>(FinishReason::paused))
    return false;
  event.kind = static_cast<EventKind>(kind);
  event.reason = static_cast<FinishReason>(reason);
  event.redacted = in.u8() != 0;
  event.index = in.i32();
  for (std::string* text :
       {&event.text, &event.id, &event.name, &event.model, &event.signature, &event.detail})
    *text = in.text(text_bytes_max);
  llm::Usage& usage = event.usage;
  for (std::int64_t* count : {&usage.input, &usage.cached_read, &usage.cache_write,
                              &usage.cache_write_long, &usage.output, &usage.reasoning})
    *count = static_cast<std::int64_t>(in.u64());
  usage.reported = in.u8() != 0;
  return !in.failed();
}

bool get_format(ByteReader& in, WireFormat& format) {
  const std::uint8_t value = in.u8();
  if (value > static_cast<std::uint8_t>(WireFormat::gemini)) return false;
  format = static_cast<WireFormat>(value);
  return true;
}

void add_reported(std::string_view name, const std::vector<std::string>& pieces,
                  std::vector<ChatEvent>& events) {
  for (const std::string& text : pieces) {
    ChatEvent& event = events.emplace_back();
    event.kind = EventKind::reported;
    event.name = name;
    event.text = text;
  }
}

void add_part_events(const llm::ChatPart& part, std::int32_t& calls,
                     std::vector<ChatEvent>& events) {
  ChatEvent& event = events.emplace_back();
  event.signature = part.signature;
  switch (part.kind) {
    case PartKind::refusal:
    case PartKind::text:
      event.kind = part.kind == PartKind::text ? EventKind::text : EventKind::refusal;
      event.text = part.text;
      event.id = part.id;
      break;
    case PartKind::reasoning:
      event.kind = EventKind::reasoning;
      event.text = part.text;
      event.id = part.id;
      event.name = part.name;
      event.redacted = part.redacted;
      break;
    case PartKind::tool_call: {
      event.kind = EventKind::tool_begun;
      event.index = calls++;
      event.id = part.id;
      event.name = part.name;
      if (!part.reported.empty()) event.detail = part.reported.front();
      const std::int32_t index = event.index;
      ChatEvent& arguments = events.emplace_back();  // `event` is not valid any more
      arguments.kind = EventKind::tool_arguments;
      arguments.index = index;
      arguments.text = part.arguments;
      return;  // all that was told of a call was told as it began
    }
    default:
      event.kind = EventKind::opaque;
      event.text = part.extra;
      break;
  }
  add_reported("part", part.reported, events);
}

}  // namespace

std::vector<ChatEvent> events_of(const llm::ChatAnswer& answer) {
  std::vector<ChatEvent> events;
  ChatEvent& started = events.emplace_back();
  started.kind = EventKind::started;
  started.id = answer.id;
  started.model = answer.model;
  std::int32_t calls = 0;
  for (const llm::ChatPart& part : answer.parts)
    add_part_events(part, calls, events);
  add_reported("answer", answer.reported.answer, events);
  add_reported("choice", answer.reported.choice, events);
  add_reported("message", answer.reported.message, events);
  add_reported("usage", answer.reported.usage, events);
  add_reported("logprobs", answer.reported.logprobs, events);
  if (answer.usage.reported) {
    ChatEvent& usage = events.emplace_back();
    usage.kind = EventKind::usage;
    usage.usage = answer.usage;
  }
  ChatEvent& finished = events.emplace_back();
  finished.kind = EventKind::finished;
  finished.reason = answer.reason;
  finished.detail = answer.reason_detail;
  return events;
}

llm::ChatAnswer folded(const KeptAnswer& kept) {
  llm::ChatAnswer answer;
  for (const ChatEvent& event : kept.events)
    llm::fold(answer, event, kept.origin);
  return answer;
}

bool worth_keeping(const llm::ChatAnswer& answer) {
  return answer.finished && !answer.failure &&
         (answer.reason == FinishReason::stop || answer.reason == FinishReason::tool_calls);
}

std::string kept_bytes(const llm::ChatAnswer& answer, WireFormat origin, std::string_view target) {
  const std::vector<ChatEvent> events = events_of(answer);
  ByteWriter out;
  out.u8(kept_version);
  out.u8(static_cast<std::uint8_t>(origin));
  out.text(target);
  out.u32(static_cast<std::uint32_t>(events.size()));
  for (const ChatEvent& event : events)
    put_event(out, event);
  return out.take();
}

std::optional<KeptAnswer> read_kept(std::string_view bytes) {
  ByteReader in(bytes);
  KeptAnswer kept;
  if (in.u8() != kept_version || !get_format(in, kept.origin)) return std::nullopt;
  kept.target = in.text(text_bytes_max);
  const std::size_t count = in.u32();
  if (in.failed() || count > in.remaining() / event_bytes_min) return std::nullopt;
  kept.events.resize(count);
  for (ChatEvent& event : kept.events) {
    if (!get_event(in, event)) return std::nullopt;
  }
  if (in.remaining() > 0) return std::nullopt;
  return kept;
}

std::string event_bytes(const ChatEvent& event, WireFormat origin) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(origin));
  put_event(out, event);
  return out.take();
}

std::optional<StreamEvent> read_event(std::string_view bytes) {
  ByteReader in(bytes);
  StreamEvent out;
  if (!get_format(in, out.origin) || !get_event(in, out.event) || in.remaining() > 0)
    return std::nullopt;
  return out;
}

}  // namespace redoubt::upstream
