#include "relay/http/engineio/session.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/message.hpp"

namespace redoubt::http::engineio {
namespace {

constexpr std::uint16_t code_normal = 1000;
constexpr std::uint16_t code_going_away = 1001;
constexpr std::uint16_t code_policy_violation = 1008;
constexpr std::uint16_t code_try_again_later = 1013;
constexpr std::string_view probe_data = "probe";

std::uint16_t close_code_of(std::string_view reason) {
  using namespace end_reason;
  if (reason == going_down) return code_going_away;
  if (reason == too_slow) return code_try_again_later;
  if (reason == transport_close || reason == forced) return code_normal;
  return code_policy_violation;
}

/// Those that every session sends are encoded once.
FramePtr bare_frame(PacketType type) {
  static const FramePtr ping = Frame::text(packet_text(PacketType::ping));
  static const FramePtr probe_pong = Frame::text(packet_text(PacketType::pong, probe_data));
  return type == PacketType::ping ? ping : probe_pong;
}

}  // namespace

Session::Session(const SessionPolicy& policy, std::string sid, TransportId transport,
                 std::int64_t now_ms, Steps& steps)
    : policy_(&policy),
      sid_(std::move(sid)),
      state_(transport == 0 ? State::polling : State::websocket),
      transport_(transport),
      heartbeat_ms_(now_ms + policy.ping_interval_ms) {
  if (transport != 0) steps.push_back(SendFrame{transport, Frame::text(handshake())});
}

std::string Session::handshake() const {
  return joined({"0{\"sid\":\"", sid_, "\",\"upgrades\":[",
                 state_ == State::polling ? "\"websocket\"" : "", "],\"pingInterval\":",
                 policy_->ping_interval_ms, ",\"pingTimeout\":", policy_->ping_timeout_ms,
                 ",\"maxPayload\":", policy_->payload_bytes_max, "}"});
}

void Session::poll(PollId poll, Steps& steps) {
  if (poll_ != 0) {
    steps.push_back(AnswerPoll{poll, 400, std::string(end_reason::two_polls)});
    end(end_reason::two_polls, steps);
    return;
  }
  poll_ = poll;
  flush(steps);
}

void Session::poll_gone(PollId poll, Steps& steps) {
  if (poll_ != poll) return;
  poll_ = 0;
  end(end_reason::poll_left, steps);
}

bool Session::probe(TransportId transport, std::int64_t now_ms) {
  if (state_ != State::polling) return false;
  state_ = State::probing;
  probe_ = transport;
  probed_ = false;
  until_ms_ = now_ms + policy_->upgrade_ms_max;
  return true;
}

bool Session::receive(PacketType type, std::string_view data, TransportId from, std::int64_t now_ms,
                      Steps& steps) {
  if (is_over()) return false;
  if (from != 0 && from == probe_) return receive_probe(type, data, steps);
  const bool is_current = state_ == State::websocket ? from == transport_ : from == 0;
  if (!is_current) return false;
  if (type == PacketType::message) return true;
  if (type == PacketType::close && data.empty()) {
    end(end_reason::transport_close, steps);
  } else if (type == PacketType::pong && data.empty()) {
    if (std::exchange(awaits_pong_, false)) heartbeat_ms_ = now_ms + policy_->ping_interval_ms;
  } else {
    end(end_reason::parse_error, steps);
  }
  return false;
}

bool Session::receive_probe(PacketType type, std::string_view data, Steps& steps) {
  if (type == PacketType::ping && data == probe_data && !probed_) {
    probed_ = true;
    steps.push_back(SendFrame{probe_, bare_frame(PacketType::pong)});
    flush(steps);
  } else if (type == PacketType::upgrade && data.empty() && probed_) {
    upgrade(steps);
  } else {
    drop_probe(end_reason::parse_error, steps);
  }
  return false;
}

void Session::upgrade(Steps& steps) {
  flush(steps);  // the client has none under way, or will not read more than its answer
  state_ = State::websocket;
  transport_ = std::exchange(probe_, 0);
  for (FramePtr& frame : queue_)
    steps.push_back(SendFrame{transport_, std::move(frame)});
  queue_ = {};
  queued_bytes_ = 0;
}

void Session::drop_probe(std::string_view reason, Steps& steps) {
  if (probe_ == 0) return;
  steps.push_back(CloseTransport{std::exchange(probe_, 0), close_code_of(reason), reason});
  if (state_ == State::probing) state_ = State::polling;
}

void Session::transport_gone(TransportId transport, Steps& steps) {
  if (transport == probe_) {
    probe_ = 0;
    if (state_ == State::probing) state_ = State::polling;
  } else if (transport == transport_ && state_ == State::websocket) {
    transport_ = 0;
    end(end_reason::transport_close, steps);
  }
}

void Session::send(const FramePtr& frame, Steps& steps) {
  if (is_over()) return;
  if (state_ == State::websocket) {
    steps.push_back(SendFrame{transport_, frame});
    return;
  }
  const std::size_t bytes = queued_bytes_ + frame->payload().size();
  if (queue_.size() == policy_->queued_packets_max || bytes > policy_->queued_bytes_max) {
    end(end_reason::too_slow, steps);
    return;
  }
  queue_.push_back(frame);
  queued_bytes_ = bytes;
  flush(steps);
}

std::string Session::take_queue() {
  std::string body;
  body.reserve(queued_bytes_ + queue_.size() + 1);
  for (const FramePtr& frame : queue_)
    append_record(body, frame->payload());
  queue_ = {};
  queued_bytes_ = 0;
  return body;
}

// Answers the held poll where there is a reason to.
void Session::flush(Steps& steps) {
  const bool wanted = !queue_.empty() || state_ == State::closing || (probe_ != 0 && probed_);
  if (poll_ == 0 || !wanted) return;
  std::string body = take_queue();
  if (state_ == State::closing) {
    append_record(body, packet_text(PacketType::close));
    state_ = State::ended;
  } else if (body.empty()) {
    body = packet_text(PacketType::noop);
  }
  steps.push_back(AnswerPoll{std::exchange(poll_, 0), 200, std::move(body)});
}

void Session::close(std::string_view reason, std::int64_t now_ms, Steps& steps) {
  if (is_over()) return;
  if (state_ == State::websocket) {
    end(reason, steps);
    return;
  }
  drop_probe(reason, steps);
  reason_ = reason;
  state_ = State::closing;
  until_ms_ = now_ms + policy_->closing_ms_max;
  flush(steps);
}

void Session::end(std::string_view reason, Steps& steps) {
  if (state_ == State::ended) return;
  if (state_ != State::closing) reason_ = reason;
  drop_probe(reason, steps);
  if (state_ == State::websocket && transport_ != 0)
    steps.push_back(CloseTransport{transport_, close_code_of(reason), reason});
  if (poll_ != 0)
    steps.push_back(AnswerPoll{std::exchange(poll_, 0), 200, packet_text(PacketType::close)});
  queue_ = {};
  queued_bytes_ = 0;
  state_ = State::ended;
}

void Session::tick(std::int64_t now_ms, Steps& steps) {
  if (state_ == State::ended) return;
  if (state_ == State::closing) {
    if (now_ms >= until_ms_) end(reason_, steps);
    return;
  }
  if (state_ == State::probing && now_ms >= until_ms_)
    drop_probe(end_reason::upgrade_timeout, steps);
  if (now_ms < heartbeat_ms_) return;
  if (awaits_pong_) {
    end(end_reason::ping_timeout, steps);
    return;
  }
  awaits_pong_ = true;
  heartbeat_ms_ = now_ms + policy_->ping_timeout_ms;
  send(bare_frame(PacketType::ping), steps);
}

std::int64_t Session::deadline_ms() const {
  if (state_ == State::closing) return until_ms_;
  return state_ == State::probing ? std::min(until_ms_, heartbeat_ms_) : heartbeat_ms_;
}

}  // namespace redoubt::http::engineio
