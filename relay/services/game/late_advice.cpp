#include "relay/services/game/late_advice.hpp"

#include <utility>

#include "engine/base/json.hpp"

namespace redoubt::services {

PushFrame late_frame(std::string_view question, const std::string& team, const Json& answer) {
  const bool agent = question == "agent_specification";
  Json data;
  if (agent) {
    data = {{"team", team},
            {"cause", late_cause},
            {"source", answer.value("source", "model")},
            {"specification", answer}};
  } else {
    data = directive_data(team, answer, late_cause);
  }
  const Json frame{{"type", agent ? "agent_recommendation" : "directive"},
                   {"team", team},
                   {"data", std::move(data)}};
  return {agent ? PushKind::recommendation : PushKind::directive,
          frame.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

std::uint64_t Listeners::add(const auth::Identity& caller, http::WebSocketPeer peer) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = next_++;
  sockets_.emplace(caller, std::pair{number, std::move(peer)});
  callers_.emplace(number, caller);
  return number;
}

void Listeners::forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto caller = callers_.find(number);
  if (caller == callers_.end()) return;
  const auto [first, last] = sockets_.equal_range(caller->second);
  for (auto socket = first; socket != last; ++socket) {
    if (socket->second.first != number) continue;
    sockets_.erase(socket);
    break;
  }
  callers_.erase(caller);
}

std::size_t Listeners::send(const auth::Identity& caller, const std::string& text) const {
  const http::FramePtr frame = http::Frame::text(text);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = sockets_.equal_range(caller);
  std::size_t sent = 0;
  for (auto socket = first; socket != last; ++socket, ++sent)
    socket->second.second.send(frame);
  return sent;
}

}  // namespace redoubt::services
