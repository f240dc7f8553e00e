#include "relay/net/socket_server.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"

namespace redoubt::net {

namespace asio = boost::asio;
using namespace http::engineio;

namespace {

constexpr std::size_t deliveries_per_turn_max = 256;
constexpr std::size_t sid_random_bytes = 15;  // 20 characters
// Engine.IO's heartbeats are enough: the WebSocket's own come only where those failed.
constexpr int websocket_ping_factor = 2;

/// The reference server's numbers for what is wrong with a request.
enum class RequestFault : int {
  transport_unknown = 0,
  sid_unknown = 1,
  bad_handshake_method = 2,
  bad_request = 3,
  forbidden = 4,
  unsupported_version = 5,
};

std::int64_t steady_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::int64_t wall_now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string make_sid() {
  std::array<unsigned char, sid_random_bytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system gives no random bytes");
  std::string sid = to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::replace(sid.begin(), sid.end(), '+', '-');
  std::replace(sid.begin(), sid.end(), '/', '_');
  return sid;
}

http::Response refusal(RequestFault fault, std::string_view message, int status = 400) {
  return http::Response::json(status,
                              Json{{"code", static_cast<int>(fault)}, {"message", message}}.dump());
}

http::Response no_room(const Error& error) {
  return refusal(RequestFault::forbidden, error.message,
                 error.code == "too_many_of_owner" ? 429 : 503);
}

/// What every request must say right; nothing where it does.
std::optional<http::Response> check_query(const http::Request& request,
                                          std::string_view transport) {
  if (request.query_parameter("EIO").value_or("") != "4") {
    return refusal(RequestFault::unsupported_version,
                   "Unsupported protocol version: this is Engine.IO 4 (EIO=4)");
  }
  if (request.query_parameter("transport").value_or("") != transport)
    return refusal(RequestFault::transport_unknown, "Transport unknown");
  if (request.query_parameter("j"))
    return refusal(RequestFault::bad_request, "Bad request: there is no JSONP here");
  return std::nullopt;
}

/// On whom a session counts.
std::string owner_of(const http::Request& request) {
  if (!request.payer) return std::string(request.context.remote_address);
  if (!request.payer->identity.empty()) return request.payer->identity;
  const http::ClientKey& key = request.payer->key;
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

}  // namespace

/// A GET that waits; on its connection's shard.
struct SocketServer::HeldPoll {
  explicit HeldPoll(const Executor& shard) : timer(shard) {}
  void give(http::Response response) {
    answer = std::move(response);
    timer.cancel();
  }
  Timer timer;  ///< never expires: it is what the coroutine waits for
  std::optional<http::Response> answer;
};

/// What one poll or one WebSocket gets.
struct SocketServer::Delivery {
  std::weak_ptr<HeldPoll> poll = {};
  std::optional<AnswerPoll> answer = {};  ///< of a poll
  http::WebSocketPeer peer = {};
  std::vector<http::FramePtr> frames = {};
  std::optional<CloseTransport> close = {};  ///< after the frames
};

/// What is to be sent on a shard.
struct SocketServer::Lane {
  explicit Lane(const Executor& executor) : shard(executor) {}
  /// A poll's answer, or a WebSocket that has frames.
  using Queued = std::variant<Delivery, TransportId>;

  Executor shard;
  std::deque<Queued> queued;   ///< under the server's lock
  bool posted = false;         ///< the same: drain() will come
  std::vector<Delivery> turn;  ///< of the shard's thread
};

struct SocketServer::Transport {
  http::WebSocketPeer peer;
  std::size_t lane = 0;
  SessionId session = 0;
  // What waits for the shard: who is in the lane's queue has all of it sent together.
  bool is_queued = false;
  std::vector<http::FramePtr> frames = {};
  std::optional<CloseTransport> close = {};
};

struct SocketServer::Told {
  HubEvent event;
  std::any caller = {};  ///< of Asked
};

/// One WebSocket; on its shard.
class SocketTransport final : public http::WebSocketSession {
 public:
  /// `session` 0: it opens one.
  SocketTransport(SocketServer& server, SessionId session)
      : server_(server), session_(session), id_(++server.last_id_) {}

  void on_open(const http::Request& request, const http::WebSocketPeer& peer) override {
    if (server_.attach(session_, request, peer, id_)) return;
    peer.close(http::close_code::try_again_later, "the session takes no WebSocket now");
  }
  void on_text(std::string_view text, http::Moment) override {
    const auto packet = read_packet(text);
    server_.receive(id_, packet ? &*packet : nullptr);
  }
  void on_binary(std::string_view, const http::WebSocketPeer&, http::Moment) override {
    const Packet packet{.type = PacketType::message, .data = {}, .binary = true};
    server_.receive(id_, &packet);
  }
  void on_close(std::uint16_t, std::string_view, http::Moment) override {
    server_.transport_gone(id_);
  }

 private:
  SocketServer& server_;
  SessionId session_;
  TransportId id_;
};

SocketServer::SocketServer(Options options, SocketHandler& handler)
    : options_(std::move(options)), handler_(handler), hub_(options_.bounds, options_.namespaces) {}
SocketServer::~SocketServer() = default;

http::RouteOptions SocketServer::post_options() const {
  return {.body_bytes_max = options_.bounds.session.payload_bytes_max};
}

http::WebSocketOptions SocketServer::websocket_options() const {
  const SessionPolicy& policy = options_.bounds.session;
  const std::int64_t silence_ms = policy.ping_interval_ms + policy.ping_timeout_ms;
  return {.message_bytes_max = policy.payload_bytes_max,
          .queue_bytes_max = policy.queued_bytes_max,
          .queue_frames_max = policy.queued_packets_max,
          .ping_ms = websocket_ping_factor * silence_ms,
          .silence_ms_max = 2 * websocket_ping_factor * silence_ms};
}

// --- the lock, and what comes out from under it -------------------------------------------------

/// `work_on_hub(now_ms)` under the lock; then all that comes of it is sent and told.
template <class Work>
auto SocketServer::work(Work work_on_hub) {
  const std::int64_t now_ms = steady_now_ms();
  std::unique_lock lock(mutex_);
  auto result = work_on_hub(now_ms);
  collect(now_ms);
  lock.unlock();
  deliver();
  return result;
}

// Under the lock.
void SocketServer::collect(std::int64_t now_ms) {
  for (Steps steps = hub_.take_steps(); !steps.empty(); steps = hub_.take_steps()) {
    for (Step& step : steps) {
      if (const auto* answer = std::get_if<AnswerPoll>(&step)) {
        const auto found = polls_.find(answer->poll);
        if (found == polls_.end()) continue;
        const auto [poll, lane] = found->second;
        polls_.erase(found);
        lanes_[lane]->queued.push_back(
            Delivery{.poll = poll, .answer = std::move(std::get<AnswerPoll>(step))});
        continue;
      }
      queue_step(std::move(step), now_ms);
    }
  }
  for (HubEvent& event : hub_.take_events()) {
    Told told{.event = std::move(event)};
    if (const auto* asked = std::get_if<Asked>(&told.event))
      if (const auto found = callers_.find(asked->session); found != callers_.end())
        told.caller = found->second;
    if (const auto* ended = std::get_if<SessionEnded>(&told.event)) {
      callers_.erase(ended->session);
      continue;
    }
    told_.push_back(std::move(told));
  }
  arm();
}

// Under the lock. A shard that does not come to its queue is no reason to keep more and more: the
// frames' readers are dropped as slow ones.
void SocketServer::queue_step(Step step, std::int64_t now_ms) {
  auto* send = std::get_if<SendFrame>(&step);
  const TransportId id = send ? send->transport : std::get<CloseTransport>(step).transport;
  const auto found = transports_.find(id);
  if (found == transports_.end()) return;
  Transport& transport = found->second;
  if (!send) {
    transport.close = std::get<CloseTransport>(step);
  } else if (transport.frames.size() < options_.bounds.session.queued_packets_max) {
    transport.frames.push_back(std::move(send->frame));
  } else {
    hub_.close(transport.session, end_reason::too_slow, now_ms);
    return;
  }
  if (std::exchange(transport.is_queued, true)) return;
  lanes_[transport.lane]->queued.emplace_back(id);
}

std::size_t SocketServer::lane_of(const Executor& shard) {
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i]->shard == shard) return i;
  lanes_.push_back(std::make_unique<Lane>(shard));
  return lanes_.size() - 1;
}

// Without the lock. A shard's own queue goes out at once, the others' are posted.
void SocketServer::deliver() {
  Lane* own = nullptr;
  std::vector<Lane*> others;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& lane : lanes_) {
      if (lane->queued.empty() || lane->posted) continue;
      if (lane->shard.running_in_this_thread()) {
        own = lane.get();
      } else {
        others.push_back(lane.get());
      }
      lane->posted = true;
    }
  }
  for (Lane* lane : others)
    asio::post(lane->shard, [this, lane] { drain(*lane); });
  if (own != nullptr) drain(*own);
  tell();
}

// Takes a turn's part of the queue; true where something is left, which somebody has to come for.
bool SocketServer::take_deliveries(Lane& lane) {
  const std::lock_guard lock(mutex_);
  while (!lane.queued.empty() && lane.turn.size() < deliveries_per_turn_max) {
    if (auto* answer = std::get_if<Delivery>(&lane.queued.front())) {
      lane.turn.push_back(std::move(*answer));
    } else if (const auto found = transports_.find(std::get<TransportId>(lane.queued.front()));
               found != transports_.end()) {
      Transport& transport = found->second;
      transport.is_queued = false;
      lane.turn.push_back({.peer = transport.peer,
                           .frames = std::exchange(transport.frames, {}),
                           .close = std::exchange(transport.close, std::nullopt)});
    }
    lane.queued.pop_front();
  }
  lane.posted = !lane.queued.empty();
  return lane.posted;
}

// On the lane's shard.
void SocketServer::drain(Lane& lane) {
  const bool has_more = take_deliveries(lane);
  for (Delivery& delivery : lane.turn) {
    if (const auto poll = delivery.poll.lock(); poll && delivery.answer) {
      const auto& [id, status, body] = *delivery.answer;
      poll->give(http::Response::text(status, body));
    }
    if (!delivery.frames.empty()) delivery.peer.send_together(std::move(delivery.frames));
    if (delivery.close)
      delivery.peer.close(delivery.close->code, std::string(delivery.close->reason));
  }
  lane.turn.clear();
  if (has_more) asio::post(lane.shard, [this, &lane] { drain(lane); });
}

// One thread tells the handler at a time; whoever comes meanwhile leaves it to that one.
void SocketServer::tell() {
  while (true) {
    Told told;
    {
      const std::lock_guard lock(mutex_);
      if (told_.empty() || telling_) return;
      telling_ = true;
      told = std::move(told_.front());
      told_.pop_front();
    }
    const auto end = [this](const void*) {
      const std::lock_guard lock(mutex_);
      telling_ = false;
    };
    const std::unique_ptr<const void, decltype(end)> at_end(this, end);  // however it ends
    tell_one(told);
  }
}

void SocketServer::tell_one(Told& told) {
  if (const auto* asked = std::get_if<Asked>(&told.event)) {
    const SocketId socket = asked->socket;
    const auto decide = [this, socket](Decision decision) {
      work([&](std::int64_t now_ms) {
        if (!decision.allowed) return hub_.refuse(socket, decision.message, decision.data, now_ms);
        const std::int64_t left_ms = decision.expires_ms - wall_now_ms();
        const std::int64_t expires_ms =
            decision.expires_ms == 0 ? 0 : now_ms + std::max<std::int64_t>(left_ms, 1);
        return hub_.allow(socket, make_sid(), expires_ms, now_ms);
      });
    };
    handler_.connect({.socket = socket,
                      .name_space = hub_.name_of(socket),
                      .auth = asked->auth,
                      .caller = std::move(told.caller)},
                     decide);
  } else if (const auto* event = std::get_if<Event>(&told.event)) {
    handler_.event(event->socket, event->name, event->arguments, event->ack);
  } else if (const auto* ack = std::get_if<Acknowledged>(&told.event)) {
    handler_.acknowledged(ack->socket, ack->ack, ack->arguments);
  } else if (const auto* left = std::get_if<Left>(&told.event)) {
    handler_.disconnected(left->socket, left->reason);
  }
}

// --- time ---------------------------------------------------------------------------------------

// Under the lock: sees to it that a timer comes when the hub wishes to be ticked.
void SocketServer::arm() {
  const auto deadline_ms = hub_.deadline_ms();
  if (!deadline_ms || lanes_.empty() || (armed_ms_ != 0 && armed_ms_ <= *deadline_ms)) return;
  armed_ms_ = *deadline_ms;
  const Executor shard = lanes_.front()->shard;
  const auto start = [this, shard, at_ms = *deadline_ms] {
    const std::chrono::steady_clock::time_point at{std::chrono::milliseconds(at_ms)};
    if (const auto timer = timer_.lock()) timer->cancel();
    auto timer = std::make_shared<Timer>(shard, at);
    timer_ = timer;
    timer->async_wait([this, timer](const boost::system::error_code& ec) {
      if (!ec) on_timer();
    });
  };
  asio::post(shard, start);
}

void SocketServer::on_timer() {
  work([this](std::int64_t now_ms) {
    armed_ms_ = 0;
    hub_.tick(now_ms);
    return true;
  });
}

// --- what requests bring ------------------------------------------------------------------------

http::Response SocketServer::open_by_polling(http::Request& request) {
  Error full;
  std::string handshake;
  work([&](std::int64_t now_ms) {
    if (closed_) {
      full = {.code = "going_down", .message = std::string(end_reason::going_down)};
      return false;
    }
    const auto opened = hub_.open(owner_of(request), make_sid(), 0, now_ms);
    if (!opened) {
      full = opened.error();
      return false;
    }
    callers_[*opened] = request.attachment;
    handshake = hub_.session(*opened)->handshake();
    return true;
  });
  if (handshake.empty()) return no_room(full);
  return http::Response::text(200, std::move(handshake));
}

Task<http::Response> SocketServer::poll(http::Request& request) {
  if (auto refused = check_query(request, "polling")) co_return std::move(*refused);
  const auto sid = request.query_parameter("sid");
  const Executor shard = co_await asio::this_coro::executor;
  if (!sid) {
    {
      const std::lock_guard lock(mutex_);
      (void)lane_of(shard);
    }
    co_return open_by_polling(request);
  }
  const auto held = std::make_shared<HeldPoll>(shard);
  const PollId id = ++last_id_;
  SessionId session = 0;
  request.client_gone = [this, held, id, &session] {
    work([&](std::int64_t now_ms) {
      polls_.erase(id);
      hub_.poll_gone(session, id, now_ms);
      return true;
    });
    held->give(http::Response::empty(204));  // nobody reads it
  };
  const auto hold = [&](std::int64_t now_ms) {
    session = hub_.find(*sid);
    if (session == 0) return false;
    polls_[id] = {held, lane_of(shard)};
    const bool taken = hub_.poll(session, id, now_ms);
    if (!taken) polls_.erase(id);
    return taken;
  };
  const bool taken = work(hold);
  if (!taken && session == 0) co_return refusal(RequestFault::sid_unknown, "Session ID unknown");
  if (!taken) co_return refusal(RequestFault::bad_request, "Bad request: it has a WebSocket");
  while (!held->answer) {
    held->timer.expires_at(std::chrono::steady_clock::time_point::max());
    boost::system::error_code woken;
    const asio::use_awaitable_t<Executor> use;
    auto token = asio::redirect_error(use, woken);
    co_await held->timer.async_wait(std::move(token));
  }
  co_return std::move(*held->answer);
}

http::Response SocketServer::post(http::Request& request) {
  if (auto refused = check_query(request, "polling")) return std::move(*refused);
  const auto sid = request.query_parameter("sid");
  if (!sid) return refusal(RequestFault::bad_handshake_method, "Bad handshake method");
  std::vector<Incoming> incoming;
  const auto packets = read_payload(request.body);
  bool is_sound = packets.ok();
  for (std::size_t i = 0; is_sound && i < packets->size(); ++i) {
    auto read = read_incoming((*packets)[i]);
    is_sound = read.has_value();
    if (read) incoming.push_back(std::move(*read));
  }
  RequestFault fault = RequestFault::sid_unknown;
  const bool taken = work([&](std::int64_t now_ms) {
    const SessionId session = hub_.find(*sid);
    if (session == 0) return false;
    fault = RequestFault::bad_request;
    if (!hub_.session(session)->is_polling()) return false;
    for (Incoming& packet : incoming)
      hub_.receive(session, 0, std::move(packet), now_ms);
    if (!is_sound) hub_.receive_malformed(session, 0, now_ms);
    return is_sound;
  });
  if (taken) return http::Response::text(200, "ok");
  if (fault == RequestFault::sid_unknown) return refusal(fault, "Session ID unknown");
  if (is_sound) return refusal(fault, "Bad request: it has a WebSocket");
  return refusal(fault, packets ? std::string("Bad request: a packet that no client sends")
                                : "Bad request: " + packets.error().message);
}

std::variant<http::Response, std::unique_ptr<http::WebSocketSession>> SocketServer::accept(
    http::Request& request) {
  if (auto refused = check_query(request, "websocket")) return std::move(*refused);
  const auto sid = request.query_parameter("sid");
  const std::lock_guard lock(mutex_);
  if (sid) {
    const SessionId session = hub_.find(*sid);
    if (session == 0) return refusal(RequestFault::sid_unknown, "Session ID unknown");
    return std::make_unique<SocketTransport>(*this, session);
  }
  if (closed_) return refusal(RequestFault::forbidden, end_reason::going_down, 503);
  if (auto room = hub_.check_room(owner_of(request)); !room) return no_room(room.error());
  return std::make_unique<SocketTransport>(*this, 0);
}

// False where the session, or the hub, does not take it.
bool SocketServer::attach(SessionId session, const http::Request& request,
                          const http::WebSocketPeer& peer, TransportId transport) {
  const auto shard = peer.shard();
  if (!shard) return true;  // it is gone again
  return work([&](std::int64_t now_ms) {
    Transport& entry = transports_[transport];
    entry.peer = peer;
    entry.lane = lane_of(*shard);
    if (session == 0) {
      const auto opened = hub_.open(owner_of(request), make_sid(), transport, now_ms);
      if (opened) callers_[*opened] = request.attachment;
      entry.session = opened ? *opened : 0;
    } else if (hub_.probe(session, transport, now_ms)) {
      entry.session = session;
    }
    if (entry.session != 0) return true;
    transports_.erase(transport);
    return false;
  });
}

void SocketServer::receive(TransportId transport, const Packet* packet) {
  auto incoming = packet ? read_incoming(*packet) : std::nullopt;
  work([&](std::int64_t now_ms) {
    const auto found = transports_.find(transport);
    if (found == transports_.end()) return false;
    const SessionId session = found->second.session;
    if (incoming) {
      hub_.receive(session, transport, std::move(*incoming), now_ms);
    } else {
      hub_.receive_malformed(session, transport, now_ms);
    }
    return true;
  });
}

void SocketServer::transport_gone(TransportId transport) {
  work([&](std::int64_t now_ms) {
    const auto found = transports_.find(transport);
    if (found == transports_.end()) return false;
    const SessionId session = found->second.session;
    transports_.erase(found);
    hub_.transport_gone(session, transport, now_ms);
    return true;
  });
}

// --- what a service says ------------------------------------------------------------------------

bool SocketServer::emit(SocketId socket, std::string_view event, const Json& arguments) {
  const http::FramePtr frame = event_frame(hub_.name_of(socket), event, arguments);
  return work([&](std::int64_t now_ms) { return hub_.emit(socket, frame, now_ms); });
}

std::size_t SocketServer::emit_to(std::string_view name_space, std::string_view room,
                                  std::string_view event, const Json& arguments, SocketId except) {
  const auto place = hub_.namespace_of(name_space);
  if (!place) return 0;
  const http::FramePtr frame = event_frame(name_space, event, arguments);
  return work(
      [&](std::int64_t now_ms) { return hub_.emit_to(*place, room, except, frame, now_ms); });
}

std::optional<std::uint64_t> SocketServer::ask(SocketId socket, std::string_view event,
                                               const Json& arguments) {
  return work(
      [&](std::int64_t now_ms) { return hub_.emit_asking(socket, event, arguments, now_ms); });
}

bool SocketServer::acknowledge(SocketId socket, std::uint64_t ack, const Json& arguments) {
  const http::FramePtr frame = ack_frame(hub_.name_of(socket), ack, arguments);
  return work([&](std::int64_t now_ms) { return hub_.emit(socket, frame, now_ms); });
}

bool SocketServer::join(SocketId socket, std::string_view room) {
  return work([&](std::int64_t) { return hub_.join(socket, room); });
}

bool SocketServer::leave(SocketId socket, std::string_view room) {
  return work([&](std::int64_t) { return hub_.leave(socket, room); });
}

bool SocketServer::disconnect(SocketId socket) {
  return work([&](std::int64_t now_ms) { return hub_.disconnect(socket, now_ms); });
}

void SocketServer::close() {
  work([&](std::int64_t now_ms) {
    closed_ = true;
    hub_.close_all(end_reason::going_down, now_ms);
    return true;
  });
}

std::size_t SocketServer::sessions() const {
  const std::lock_guard lock(mutex_);
  return hub_.sessions();
}

}  // namespace redoubt::net
