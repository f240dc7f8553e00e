// Late advice: a model's answer that came after the engine had answered in its place. It goes out
// as a directive, or as a recommendation of an agent, on the sockets that the same caller has open.
//
// Listeners is used from every shard and by the gateway's calls; it has one small lock.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "relay/auth/identity.hpp"
#include "relay/http/websocket.hpp"
#include "relay/services/game/push.hpp"

namespace redoubt::services {

/// The frame that tells a late answer. `question`: team_strategy, strategy_adaptation or
/// agent_specification; `team`: whom it was asked for; `answer` has its source and model.
PushFrame late_frame(std::string_view question, const std::string& team,
                     const nlohmann::json& answer);

/// Sockets by who has opened them. Nobody hears what is another's, of another tenant either.
class Listeners {
 public:
  /// A number for forget().
  std::uint64_t add(const auth::Identity& caller, http::WebSocketPeer peer);
  void forget(std::uint64_t number);
  /// How many sockets the text went to.
  std::size_t send(const auth::Identity& caller, const std::string& text) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, auth::Identity> callers_;
  std::multimap<auth::Identity, std::pair<std::uint64_t, http::WebSocketPeer>> sockets_;
};

}  // namespace redoubt::services
