// ModelFrames: what travels over /v1/ws, as values and as text.
//
//   client  call    {id, format, request}   a model's stream; its answer comes as events
//           resume  {token, after}          go on with a stream of a connection that broke
//           ack     {id, seq}               all up to seq has arrived and need not be kept
//           cancel  {id}                    the stream is not wanted any more
//   server  started {id, token, hold_ms}    the call was taken; the token resumes it
//           resumed {id, after}             what follows `after` comes now
//           event   {id, seq, event?, data} an event as the format's SSE stream has it
//           end     {id, seq, reason, ...}  the last frame of a stream that went well
//           error   {id, seq, status, body} the last frame of a stream that did not
//           error   {id?, code, message}    a client's frame was not taken; nothing changed
//
// 1. What carries `seq` belongs to a stream: numbered from 1 without gaps, and the last one is an
//    `end` or an `error`. What carries none belongs to the connection and is not repeated.
// 2. `data` is the text of the event as the same call would bring it over SSE. `[DONE]` is not
//    sent: `end` says it.
// 3. `request` goes to the codec as it was written. Gemini's has the model's name as `model`, which
//    over HTTP stands in the address.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

constexpr std::size_t stream_id_bytes_max = 64;  ///< of letters, digits, '.', '_' and '-'
constexpr std::size_t resume_token_bytes_max = 64;

struct CallFrame {
  std::string id;
  llm::ChatRequest request;
};
struct ResumeFrame {
  std::string token;
  std::uint64_t after = 0;
};
struct AckFrame {
  std::string id;
  std::uint64_t sequence = 0;
};
struct CancelFrame {
  std::string id;
};
/// A frame that says nothing of the above; `id` where it had a good one.
struct BadFrame {
  std::string id;
  Error error;
};
using ClientFrame = std::variant<BadFrame, CallFrame, ResumeFrame, AckFrame, CancelFrame>;

/// Codes of BadFrame: bad_json, bad_frame, bad_request (the codec's).
ClientFrame read_client_frame(std::string_view text);

struct SseEvent {
  std::string_view name;  ///< "" where it has none
  std::string_view data;
};
/// The events of what llm::encode_event() wrote.
std::vector<SseEvent> sse_events(std::string_view text);

std::string started_frame(std::string_view id, std::string_view token, std::int64_t hold_ms);
std::string resumed_frame(std::string_view id, std::uint64_t after);
std::string event_frame(std::string_view id, std::uint64_t sequence, const SseEvent& event);
/// `reason`: "complete" or "cancelled".
std::string end_frame(std::string_view id, std::uint64_t sequence, std::string_view reason,
                      const upstream::CallSummary& summary);
/// `body` is the format's own, as JSON text.
std::string failed_frame(std::string_view id, std::uint64_t sequence,
                         const upstream::CallRefusal& refusal, std::string_view body,
                         const upstream::CallSummary& summary);
/// `id` "" is left out, as is a retry_after_ms under 0.
std::string fault_frame(std::string_view id, const Error& error, std::int64_t retry_after_ms = -1);

}  // namespace redoubt::services
