// PushSocket: the rim of Push: one WebSocket of a game at /ws/{client_id}.
//
// 1. Small frames are read on the shard; a frame over inline_body_bytes_max, the ticks after it and
//    what follows while it is read go to the compute pool. The shard never waits for the pool.
// 2. At most push_pending_max frames of a socket wait; further ones are not read and are counted.
// 3. Frames of a socket that overtake each other in the pool are put back into order by dropping
//    the older one: only the newest state of the game matters.
// 4. Models are asked with the limits of who opened the socket; who leaves ends what is under way.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "relay/bus/bus.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/services/game/advice.hpp"
#include "relay/services/game/late_advice.hpp"
#include "relay/services/game/push.hpp"

namespace redoubt::services {

constexpr int push_pending_max = 4;
constexpr std::size_t client_id_bytes_max = 64;

class PushSockets {
 public:
  /// All outlive it.
  PushSockets(PushPolicy policy, std::size_t frame_bytes_max, net::ComputePool& pool, bus::Bus& bus,
              observe::Metrics& metrics, observe::Log& log);
  /// Before routes(); outlives this. Null: the engine answers alone.
  void use(Adviser* adviser) { adviser_ = adviser; }
  std::vector<contract::Route> routes();
  /// A model's answer that came too late for its question: to all sockets of the caller.
  void tell_late(const auth::Identity& caller, std::string_view question, const std::string& team,
                 const nlohmann::json& answer);

 private:
  friend class PushSocket;
  friend class PushAsker;
  std::variant<http::Response, std::unique_ptr<http::WebSocketSession>> accept(
      http::Request& request);
  void send(const http::WebSocketPeer& peer, const PushFrames& frames);

  PushPolicy policy_;
  Adviser* adviser_ = nullptr;
  std::size_t frame_bytes_max_;
  net::ComputePool& pool_;
  bus::Bus& bus_;
  observe::Log& log_;
  observe::Counter& frames_in_;
  observe::Counter& frames_skipped_;
  std::array<observe::Counter*, 3> sent_{};  ///< by PushKind
  observe::Counter& model_delivered_;
  observe::Counter& model_stale_;
  observe::Counter& model_refused_;
};

}  // namespace redoubt::services
