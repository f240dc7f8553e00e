// ModelSockets: the rim of /v1/ws: a WebSocket that carries streams of models (model_frames.hpp has
// the frames, model_stream.hpp a stream's life).
//
// 1. A call counts as a request of its caller, like one over HTTP; every limit of the gateway
// holds.
// 2. A stream goes on on another connection for who knows its token and is the same caller: the
//    token's subject, or the same address where there is none.
// 3. A frame over inline_body_bytes_max is read in the compute pool; frames behind it wait, at most
//    frames_waiting_max of them, and are read in their order.
// 4. What a client does not read is bounded by socket_queue_bytes_max; over it the socket is closed
//    with 1013, and its streams are held as after any other break.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "relay/contract/gate.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/services/models/model_stream.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

/// Streams of one socket at a time.
constexpr std::size_t socket_streams_max = 8;
constexpr std::size_t frames_waiting_max = 8;
constexpr int model_frames_per_second_max = 100;
/// All streams of a socket may be resumed at once.
constexpr std::size_t socket_queue_bytes_max =
    (socket_streams_max + 1) * upstream::StreamHoldOptions{}.bytes_max;
constexpr std::size_t socket_queue_frames_max = 32'768;

class ModelSockets {
 public:
  /// All outlive this; `rate` may be null. Metrics read this while they are rendered.
  ModelSockets(upstream::Gateway& gateway, net::ComputePool& pool, contract::RateGate* rate,
               observe::Metrics& metrics, std::size_t body_bytes_max, std::int64_t hold_ms);
  std::vector<contract::Route> routes();
  /// Streams are not held any more: the server is going down.
  void drain() { registry_->drain(); }
  /// After the shards have stopped, before the server goes.
  void release() { registry_->release(); }

 private:
  friend class ModelSocket;

  upstream::Gateway& gateway_;
  net::ComputePool& pool_;
  contract::RateGate* rate_;
  std::size_t body_bytes_max_;
  std::shared_ptr<StreamRegistry> registry_;
  std::atomic<std::uint64_t> sockets_ = 0;
};

}  // namespace redoubt::services
