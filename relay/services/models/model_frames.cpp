#include "relay/services/models/model_frames.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/json_text.hpp"
#include "relay/limits/money.hpp"

namespace redoubt::services {
namespace {

using llm::JsonWriter;
using llm::WireFormat;

// The frame around a request is one level deeper than the request that the codec takes.
constexpr int frame_depth_max = 101;
constexpr std::size_t envelope_bytes_max = 4'096;
constexpr std::int64_t sequence_max = std::int64_t{1} << 53;  // of a JavaScript number

constexpr std::array<std::pair<std::string_view, WireFormat>, 4> formats{
    {{"openai.chat", WireFormat::openai_chat},
     {"openai.responses", WireFormat::openai_responses},
     {"anthropic.messages", WireFormat::anthropic},
     {"gemini.generateContent", WireFormat::gemini}}};
// Before a model's name, as Google's requests have it.
constexpr std::string_view google_prefix = "models/";

bool is_stream_id(std::string_view id) {
  return !id.empty() && id.size() <= stream_id_bytes_max &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

Error bad_member(std::string path, std::string expected, const Json* got) {
  Error error{.code = "bad_frame", .path = std::move(path), .expected = std::move(expected)};
  error.got = got == nullptr ? "nothing" : describe(*got);
  error.message = error.path + ": expected " + error.expected + ", got " + error.got;
  return error;
}

BadFrame bad_id(const Json& frame) {
  return {
      {},
      bad_member("id", "1 to 64 letters, digits, '_', '-' or '.'", llm::member_of(frame, "id"))};
}

std::optional<std::uint64_t> sequence_of(const Json& frame, const char* key) {
  const std::int64_t value = llm::integer_of(llm::member_of(frame, key), -1);
  if (value < 0 || value > sequence_max) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

ClientFrame read_call(const Json& frame, std::string_view text, std::string id) {
  const std::string_view named = llm::text_in(frame, "format");
  const auto format = std::find_if(formats.begin(), formats.end(),
                                   [named](const auto& row) { return row.first == named; });
  if (format == formats.end()) {
    return BadFrame{std::move(id),
                    bad_member("format",
                               "openai.chat, openai.responses, anthropic.messages or "
                               "gemini.generateContent",
                               llm::member_of(frame, "format"))};
  }
  const Json* request = llm::member_of(frame, "request");
  if (request == nullptr || !request->is_object()) {
    return BadFrame{std::move(id), bad_member("request", "an object", request)};
  }
  const Json* stream = llm::member_of(*request, "stream");
  if (stream != nullptr && stream->is_boolean() && !stream->get<bool>()) {
    return BadFrame{std::move(id), bad_member("request.stream", "true, or nothing", stream)};
  }
  auto decoded = llm::decode_client_request(format->second, llm::member_text(text, "request"));
  if (!decoded) {
    Error error = std::move(decoded.error());
    if (!error.path.empty()) error.path = "request." + error.path;
    return BadFrame{std::move(id), std::move(error)};
  }
  if (format->second == WireFormat::gemini) {
    std::string_view model = llm::text_in(*request, "model");
    if (model.starts_with(google_prefix)) model.remove_prefix(google_prefix.size());
    if (model.empty())
      return BadFrame{std::move(id), bad_member("request.model", "a model's name",
                                                llm::member_of(*request, "model"))};
    decoded->model = model;
  }
  decoded->stream = true;
  if (format->second == WireFormat::openai_responses) decoded->stream_usage = true;
  return CallFrame{std::move(id), std::move(*decoded)};
}

ClientFrame read_resume(const Json& frame) {
  const std::string_view token = llm::text_in(frame, "token");
  if (token.empty() || token.size() > resume_token_bytes_max) {
    return BadFrame{{},
                    bad_member("token", "the token that the stream started with",
                               llm::member_of(frame, "token"))};
  }
  const auto after = sequence_of(frame, "after");
  if (!after) {
    return BadFrame{{},
                    bad_member("after", "the number of the last frame that arrived, 0 for none",
                               llm::member_of(frame, "after"))};
  }
  return ResumeFrame{std::string(token), *after};
}

JsonWriter opened(std::string_view type, std::string_view id) {
  JsonWriter out;
  out.open_object();
  out.text("type", type);
  out.text_if("id", id);
  return out;
}

std::string closed(JsonWriter& out) {
  out.close_object();
  return out.take();
}

JsonWriter numbered(std::string_view type, std::string_view id, std::uint64_t sequence) {
  JsonWriter out = opened(type, id);
  out.integer("seq", static_cast<std::int64_t>(sequence));
  return out;
}

void write_summary(JsonWriter& out, const upstream::CallSummary& summary) {
  out.text_if("model", summary.target);
  out.integer("attempts", summary.attempts);
  out.integer("cost_microusd", limits::microdollars_up(summary.cost));
  if (summary.estimated) out.boolean("estimated", true);
}

}  // namespace

ClientFrame read_client_frame(std::string_view text) {
  const JsonLimits bounds{llm::client_body_bytes_max + envelope_bytes_max, frame_depth_max,
                          text.size() + JsonLimits{}.memory_max};
  const Result<Json> parsed = parse_json(text, bounds);
  if (!parsed) return BadFrame{{}, parsed.error()};
  const Json& frame = *parsed;
  if (!frame.is_object()) return BadFrame{{}, bad_member("frame", "an object", &frame)};

  const std::string_view type = llm::text_in(frame, "type");
  if (type == "resume") return read_resume(frame);
  if (type != "call" && type != "ack" && type != "cancel") {
    return BadFrame{
        {}, bad_member("type", "call, resume, ack or cancel", llm::member_of(frame, "type"))};
  }
  std::string id(llm::text_in(frame, "id"));
  if (!is_stream_id(id)) return bad_id(frame);
  if (type == "cancel") return CancelFrame{std::move(id)};
  if (type == "call") return read_call(frame, text, std::move(id));
  const auto sequence = sequence_of(frame, "seq");
  if (sequence) return AckFrame{std::move(id), *sequence};
  return BadFrame{std::move(id), bad_member("seq", "the number of the last frame that arrived",
                                            llm::member_of(frame, "seq"))};
}

std::vector<SseEvent> sse_events(std::string_view text) {
  constexpr std::string_view event_field = "event: ";
  constexpr std::string_view data_field = "data: ";
  std::vector<SseEvent> events;
  SseEvent event;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(event_field)) {
      event.name = line.substr(event_field.size());
    } else if (line.starts_with(data_field)) {
      event.data = line.substr(data_field.size());
    } else if (line.empty()) {
      if (!event.data.empty()) events.push_back(event);
      event = {};
    }
  }
  return events;
}

std::string started_frame(std::string_view id, std::string_view token, std::int64_t hold_ms) {
  JsonWriter out = opened("started", id);
  out.text("token", token);
  out.integer("hold_ms", hold_ms);
  return closed(out);
}

std::string resumed_frame(std::string_view id, std::uint64_t after) {
  JsonWriter out = opened("resumed", id);
  out.integer("after", static_cast<std::int64_t>(after));
  return closed(out);
}

std::string event_frame(std::string_view id, std::uint64_t sequence, const SseEvent& event) {
  JsonWriter out = numbered("event", id, sequence);
  out.text_if("event", event.name);
  out.raw("data", event.data);
  return closed(out);
}

std::string end_frame(std::string_view id, std::uint64_t sequence, std::string_view reason,
                      const upstream::CallSummary& summary) {
  JsonWriter out = numbered("end", id, sequence);
  out.text("reason", reason);
  if (reason == "complete") write_summary(out, summary);
  return closed(out);
}

std::string failed_frame(std::string_view id, std::uint64_t sequence,
                         const upstream::CallRefusal& refusal, std::string_view body,
                         const upstream::CallSummary& summary) {
  JsonWriter out = numbered("error", id, sequence);
  out.integer("status", refusal.status);
  if (refusal.retry_after_ms >= 0) out.integer("retry_after_ms", refusal.retry_after_ms);
  write_summary(out, summary);
  out.raw("body", body);
  return closed(out);
}

std::string fault_frame(std::string_view id, const Error& error, std::int64_t retry_after_ms) {
  JsonWriter out = opened("error", id);
  out.text("code", error.code);
  out.text("message", bounded_text(error.message));
  out.text_if("path", bounded_text(error.path));
  if (retry_after_ms >= 0) out.integer("retry_after_ms", retry_after_ms);
  return closed(out);
}

}  // namespace redoubt::services
