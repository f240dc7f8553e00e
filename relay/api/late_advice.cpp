#include "relay/api/late_advice.hpp"

#include <utility>

#include "engine/base/json.hpp"

namespace redoubt::api {

PushFrame late_frame(std::string_view question, const std::string& team, const Json& answer) {
  const bool agent = question == "agent_specification";
  Json data{{"team", team}, {"cause", "late_answer"}, {"source", answer.value("source", "model")}};
  if (agent) {
    data["specification"] = answer;
  } else {
    data["strategy"] = answer;
    data["focus"] = answer.value("focus", Json());
    data["priorities"] = answer.value("priorities", Json::array());
    data["agentRecommendations"] = Json::array();
  }
  const Json frame{{"type", agent ? "agent_recommendation" : "directive"},
                   {"team", team},
                   {"data", std::move(data)}};
  return {agent ? PushKind::recommendation : PushKind::directive,
          frame.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

std::uint64_t Listeners::add(std::string who, http::WebSocketPeer peer) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = next_++;
  sockets_.emplace(who, std::pair{number, std::move(peer)});
  names_.emplace(number, std::move(who));
  return number;
}

void Listeners::forget(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto name = names_.find(number);
  if (name == names_.end()) return;
  const auto [first, last] = sockets_.equal_range(name->second);
  for (auto socket = first; socket != last; ++socket) {
    if (socket->second.first != number) continue;
    sockets_.erase(socket);
    break;
  }
  names_.erase(name);
}

std::size_t Listeners::send(std::string_view who, const std::string& text) const {
  const http::FramePtr frame = http::Frame::text(text);
  const std::lock_guard lock(mutex_);
  const auto [first, last] = sockets_.equal_range(who);
  std::size_t sent = 0;
  for (auto socket = first; socket != last; ++socket, ++sent)
    socket->second.second.send(frame);
  return sent;
}

}  // namespace redoubt::api
