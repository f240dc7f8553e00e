// ModelStream: one call of a model that is told over a WebSocket, and outlives the socket.
//
//   running  --(answer, refusal, cancel)-->            finished   its last frame is kept
//   running  --(detached for hold_ms, hold too full)--> disposed  the upstream call is cancelled
//   finished --(hold_ms over, last frame acknowledged)--> disposed
//
// 1. A stream belongs to the shard that its call began on. Every function but the constructor and
//    the readers of atomics is called there; a socket of another shard posts.
// 2. Which frames go out, and which are kept, StreamHold decides; all of a stream's frames leave
//    from its shard, so they keep their order on whatever socket it is attached to. What all
//    streams keep has one bound, with a part for each caller (relay/net/memory_budget.hpp).
// 3. Sockets are numbers: what an old socket says of a stream that a newer one took is ignored.
// 4. StreamRegistry finds a stream by its token, from any thread. It keeps none alive: the call
//    under way, the timer and the socket's list do.
// 5. A stream that is over is kept for a client that may not have heard its end, for hold_ms after
//    the end at most, and makes room for one that begins: its caller's oldest where the caller has
//    caller_streams_max, that of the caller who has most where all have model_streams_max.
#pragma once

#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/llm/encode_answer.hpp"
#include "relay/auth/identity.hpp"
#include "relay/contract/gate.hpp"
#include "relay/http/websocket.hpp"
#include "relay/net/memory_budget.hpp"
#include "relay/net/task.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/upstream/gateway.hpp"
#include "relay/upstream/stream_hold.hpp"

namespace redoubt::services {

class ModelStream;

/// Streams that are not disposed, of all sockets, and of one caller (all without a token are one).
constexpr std::size_t model_streams_max = 4'096;
constexpr std::size_t caller_streams_max = model_streams_max / 8;
/// Frames that they all keep for clients that come back.
constexpr std::size_t model_streams_bytes_max = 8u << 20;

/// What a token gets that stands for no stream of its caller, or for one that is over.
Error unknown_stream();

class StreamRegistry {
 public:
  StreamRegistry(upstream::StreamHoldOptions hold, observe::Metrics& metrics);

  /// A token that nobody can guess; "" where there are too many streams, none of them over.
  std::string add(const std::shared_ptr<ModelStream>& stream);
  /// Null where no stream has the token, or another caller's has.
  std::shared_ptr<ModelStream> find(std::string_view token, const auth::Identity& caller) const;
  void remove(const std::string& token);
  std::size_t size() const;

  /// From now on a stream whose socket goes is not held.
  void drain() { draining_ = true; }
  bool draining() const { return draining_; }
  /// After the shards have stopped: streams and their calls let go of each other.
  void release();

  const upstream::StreamHoldOptions& hold() const { return hold_; }
  const std::shared_ptr<net::MemoryBudget>& memory() const { return memory_; }

 private:
  friend class ModelStream;
  struct Entry {
    std::weak_ptr<ModelStream> stream;
    std::string purse;  ///< whose place it takes
    std::uint64_t number = 0;
  };
  using ByNumber = std::map<std::uint64_t, std::string>;

  bool make_room_locked(const std::string& purse);
  void remove_locked(std::string_view token);

  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> streams_;
  std::map<std::string, ByNumber> by_purse_;  ///< tokens, in the order in which they began
  std::uint64_t last_number_ = 0;
  std::atomic<bool> draining_ = false;
  upstream::StreamHoldOptions hold_;
  std::shared_ptr<net::MemoryBudget> memory_ =
      std::make_shared<net::MemoryBudget>(model_streams_bytes_max);
  observe::Counter& complete_;
  observe::Counter& failed_;
  observe::Counter& cancelled_;
  observe::Counter& lost_;
  observe::Counter& resumed_;
  observe::Counter& resume_refused_;
};

class ModelStream final : public upstream::CallClient,
                          public std::enable_shared_from_this<ModelStream> {
 public:
  /// The socket that a stream is told on. `number` is above 0 and no other socket's.
  struct Socket {
    std::uint64_t number = 0;
    http::WebSocketPeer peer;
  };

  ModelStream(net::Executor shard, std::shared_ptr<StreamRegistry> registry, std::string id,
              const contract::Caller& caller, const llm::ChatRequest& request,
              std::int64_t created_s);

  const net::Executor& shard() const { return shard_; }
  const std::string& id() const { return id_; }
  const auth::Identity& caller() const { return caller_; }
  bool finished() const { return finished_; }
  bool disposed() const { return disposed_; }
  /// The number of the socket that it is attached to; 0 for none.
  std::uint64_t socket() const { return socket_number_; }

  /// Tells the socket the token; false, and nothing told, where there are too many streams.
  bool begin(Socket socket);
  void hold(std::shared_ptr<upstream::GatewayCall> call);
  /// What can only be told before the call began.
  void fail(const llm::ChatFailure& failure);
  void cancel(std::uint64_t socket);
  void acknowledge(std::uint64_t socket, std::uint64_t sequence);
  void detach(std::uint64_t socket);
  /// What follows `after` goes out on the socket, or why not; false where it does not.
  bool resume(Socket socket, std::uint64_t after);
  /// Lets go of the call, which holds it. After the shards have stopped.
  void release();
  /// A stream that is over makes room for another.
  void give_place();

  void on_event(const llm::ChatEvent& event, llm::WireFormat origin) override;
  std::size_t kept_bytes() const override { return answer_.kept_bytes(); }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                 const upstream::CallSummary& summary) override;
  void on_refusal(const upstream::CallRefusal& refusal,
                  const upstream::CallSummary& summary) override;

 private:
  std::uint64_t next_sequence() const { return hold_.last_sequence() + 1; }
  void push(std::string frame);
  void push_events();
  void finish(observe::Counter& outcome);
  void leave();
  void lose_soon();
  void lose();
  void dispose();
  void wait();
  void time_over();

  net::Executor shard_;
  std::shared_ptr<StreamRegistry> registry_;
  std::string id_;
  auth::Identity caller_;
  std::string token_;
  llm::AnswerStream answer_;
  std::string encoded_;     // events of one call, before they are frames
  net::HeldMemory memory_;  // of hold_
  upstream::StreamHold hold_;
  Socket socket_;
  std::shared_ptr<upstream::GatewayCall> call_;
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, net::Executor>
      timer_;
  bool began_ = false;                                // an event went out
  std::chrono::steady_clock::time_point kept_until_;  // once it is over
  std::atomic<bool> finished_ = false;
  std::atomic<bool> disposed_ = false;
  std::atomic<std::uint64_t> socket_number_ = 0;
};

}  // namespace redoubt::services
