#include "relay/services/models/model_socket.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "relay/auth/credential.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/services/models/model_frames.hpp"
#include "relay/services/models/model_responses.hpp"

namespace redoubt::services {
namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t ms_ns = 1'000'000;
constexpr std::size_t envelope_bytes_max = 4'096;
constexpr std::uint64_t all_frames = std::numeric_limits<std::uint64_t>::max();

Error fault(std::string code, std::string message) {
  return {.code = std::move(code), .message = std::move(message)};
}

}  // namespace

/// What a socket's work in the pool and on other shards comes back to; on the socket's shard.
class ModelSocket : public std::enable_shared_from_this<ModelSocket> {
 public:
  ModelSocket(ModelSockets& owner, const http::Request& request, const http::WebSocketPeer& peer,
              net::Executor shard)
      : owner_(owner), shard_(shard), socket_{++owner.sockets_, peer}, now_(request.context.now) {
    if (const contract::Caller* caller = contract::caller_of(request)) caller_ = *caller;
    if (caller_.claims) expires_s_ = caller_.claims->expires_s;
  }

  void on_text(std::string_view text, http::Moment now) {
    now_ = now;
    if (!take_frame()) return;
    if (!reading_ && text.size() <= contract::inline_body_bytes_max) {
      handle(read_client_frame(text));
      return;
    }
    const bool room = waiting_.size() < frames_waiting_max &&
                      waiting_bytes_ + text.size() <= owner_.body_bytes_max_ + envelope_bytes_max;
    auto held = room ? socket_.peer.hold(text.size()) : nullptr;
    if (!held) {
      tell({}, fault("overloaded", "too many frames wait for a large one; this one is not read"));
      return;
    }
    waiting_bytes_ += text.size();
    waiting_.push_back({std::string(text), std::move(held)});
    read_waiting();
  }

  void on_binary(http::Moment now) {
    now_ = now;
    if (!take_frame()) return;
    tell({}, fault("bad_frame", "expected a text message with JSON, got a binary one"));
  }

  void on_tick(http::Moment now) {
    now_ = now;
    forget_old();
    if (expires_s_ == 0 || now.wall_ms / second_ms < expires_s_) return;
    expires_s_ = 0;
    socket_.peer.close(http::close_code::policy_violation, "the token has expired");
  }

  void on_close() {
    open_ = false;
    waiting_.clear();
    for (const Entry& entry : std::exchange(streams_, {})) {
      at(entry.stream,
         [stream = entry.stream, number = socket_.number] { stream->detach(number); });
    }
  }

 private:
  struct Entry {
    std::shared_ptr<ModelStream> stream;
    bool resuming = false;
  };

  /// A frame behind a large one, and the memory that is counted for it.
  struct Waiting {
    std::string text;
    std::shared_ptr<const void> held;
  };

  void tell(std::string_view id, const Error& error, std::int64_t retry_after_ms = -1) const {
    socket_.peer.send_text(fault_frame(id, error, retry_after_ms));
  }

  // On the stream's own shard: at once where that is this one.
  template <class Work>
  static void at(const std::shared_ptr<ModelStream>& stream, Work work) {
    boost::asio::dispatch(stream->shard(), std::move(work));
  }

  bool take_frame() {
    if (frames_this_second_ == 0 || now_.steady_ms - second_started_ms_ >= second_ms) {
      second_started_ms_ = now_.steady_ms;
      frames_this_second_ = 0;
    }
    ++frames_this_second_;
    if (frames_this_second_ == model_frames_per_second_max + 1) {
      tell({}, fault("rate_limited", "more than " + std::to_string(model_frames_per_second_max) +
                                         " frames in a second; the rest of them are not read"));
    }
    return frames_this_second_ <= model_frames_per_second_max;
  }

  void read_waiting() {
    while (open_ && !reading_ && !waiting_.empty()) {
      Waiting frame = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -= frame.text.size();
      if (frame.text.size() <= contract::inline_body_bytes_max) {
        handle(read_client_frame(frame.text));
        continue;
      }
      reading_ = true;
      auto work = [self = shared_from_this(), frame = std::move(frame)] {
        auto read = std::make_shared<ClientFrame>(read_client_frame(frame.text));
        boost::asio::post(self->shard_, [self, read] { self->was_read(std::move(*read)); });
      };
      if (owner_.pool_.post(caller_.identity.key(), std::move(work))) return;
      reading_ = false;
      tell({}, contract::overloaded());
    }
  }

  void was_read(ClientFrame frame) {
    reading_ = false;
    if (!open_) return;
    handle(std::move(frame));
    read_waiting();
  }

  void handle(ClientFrame frame) {
    forget_old();
    if (auto* bad = std::get_if<BadFrame>(&frame)) {
      tell(bad->id, bad->error);
    } else if (auto* call = std::get_if<CallFrame>(&frame)) {
      handle_call(std::move(*call));
    } else if (const auto* resume = std::get_if<ResumeFrame>(&frame)) {
      handle_resume(*resume);
    } else if (const auto* cancel = std::get_if<CancelFrame>(&frame)) {
      if (auto stream = known(cancel->id)) {
        at(stream, [stream, number = socket_.number] { stream->cancel(number); });
      }
    } else if (const auto* ack = std::get_if<AckFrame>(&frame)) {
      if (auto stream = known(ack->id)) {
        at(stream, [stream, number = socket_.number, sequence = ack->sequence] {
          stream->acknowledge(number, sequence);
        });
      }
    }
  }

  // What ended and was forgotten, and what went to another socket.
  void forget_old() {
    std::erase_if(streams_, [this](const Entry& entry) {
      return !entry.resuming &&
             (entry.stream->disposed() || entry.stream->socket() != socket_.number);
    });
  }

  std::vector<Entry>::iterator find(std::string_view id) {
    return std::find_if(streams_.begin(), streams_.end(),
                        [id](const Entry& entry) { return entry.stream->id() == id; });
  }

  std::shared_ptr<ModelStream> known(const std::string& id) {
    const auto entry = find(id);
    if (entry != streams_.end()) return entry->stream;
    tell(id, fault("unknown_stream", "no stream of this connection has the id " + id));
    return nullptr;
  }

  // A finished stream makes room: that the client goes on says that it has its end.
  bool make_room(const std::string& id) {
    auto old = find(id);
    if (old != streams_.end() && !old->stream->finished()) {
      tell(id, fault("duplicate_id", "a stream with the id " + id + " is still running"));
      return false;
    }
    if (old == streams_.end() && streams_.size() >= socket_streams_max) {
      old = std::find_if(streams_.begin(), streams_.end(),
                         [](const Entry& entry) { return entry.stream->finished(); });
      if (old == streams_.end()) {
        tell(id, fault("too_many_streams", "at most " + std::to_string(socket_streams_max) +
                                               " streams at a time on one connection"));
        return false;
      }
    }
    if (old == streams_.end()) return true;
    const auto stream = old->stream;
    streams_.erase(old);
    at(stream, [stream, number = socket_.number] { stream->acknowledge(number, all_frames); });
    return true;
  }

  bool count_call(const std::string& id) {
    if (owner_.rate_ == nullptr) return true;
    const auto decision =
        owner_.rate_->take(auth::limit_key(caller_.address).bytes, now_.steady_ms * ms_ns);
    if (decision.allowed) return true;
    tell(id, fault("rate_limited", "too many requests from this address"),
         (decision.retry_after_ns + ms_ns - 1) / ms_ns);
    return false;
  }

  void handle_call(CallFrame frame) {
    if (!count_call(frame.id) || !make_room(frame.id)) return;
    const auto stream = std::make_shared<ModelStream>(shard_, owner_.registry_, frame.id, caller_,
                                                      frame.request, now_.wall_ms / second_ms);
    if (!stream->begin(socket_)) {
      tell(frame.id, fault("overloaded", "The relay has too many streams; try again."));
      return;
    }
    streams_.push_back({stream});
    const std::string request_id = caller_.request_id + "." + std::to_string(++calls_);
    upstream::Order order = order_of(&caller_, request_id, std::move(frame.request));
    order.hold_memory = socket_.peer.memory();
    auto call = owner_.gateway_.start(shard_, std::move(order), upstream::Delivery::stream, stream);
    if (call) {
      stream->hold(std::move(*call));
    } else {
      stream->fail(request_failure(call.error()));
    }
  }

  void handle_resume(const ResumeFrame& frame) {
    if (!count_call({})) return;
    const auto stream = owner_.registry_->find(frame.token, caller_.identity);
    if (!stream) {
      tell({}, unknown_stream());
      return;
    }
    auto entry = find(stream->id());
    if (entry == streams_.end() || entry->stream != stream) {
      if (!make_room(stream->id())) return;
      streams_.push_back({stream});
      entry = std::prev(streams_.end());
    }
    entry->resuming = true;
    at(stream, [self = shared_from_this(), stream, after = frame.after] {
      const bool resumed = stream->resume(self->socket_, after);
      boost::asio::dispatch(self->shard_,
                            [self, stream, resumed] { self->was_resumed(stream, resumed); });
    });
  }

  void was_resumed(const std::shared_ptr<ModelStream>& stream, bool resumed) {
    const auto entry = find(stream->id());
    if (entry == streams_.end() || entry->stream != stream) return;
    entry->resuming = false;
    if (!resumed && stream->socket() != socket_.number) streams_.erase(entry);
  }

  ModelSockets& owner_;
  net::Executor shard_;
  ModelStream::Socket socket_;
  contract::Caller caller_;
  std::int64_t expires_s_ = 0;  ///< of the caller's token; 0: never
  http::Moment now_;
  std::int64_t second_started_ms_ = 0;
  int frames_this_second_ = 0;
  std::uint64_t calls_ = 0;
  bool open_ = true;
  bool reading_ = false;  ///< a frame is in the pool
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<Entry> streams_;
};

namespace {

class Session final : public http::WebSocketSession {
 public:
  explicit Session(ModelSockets& owner) : owner_(owner) {}

  void on_open(const http::Request& request, const http::WebSocketPeer& peer) override {
    // Now the socket is there.
    socket_ = std::make_shared<ModelSocket>(owner_, request, peer, *peer.shard());
  }
  void on_text(std::string_view text, http::Moment now) override { socket_->on_text(text, now); }
  void on_binary(std::string_view, const http::WebSocketPeer&, http::Moment now) override {
    socket_->on_binary(now);
  }
  void on_tick(http::Moment now) override { socket_->on_tick(now); }
  void on_close(std::uint16_t, std::string_view, http::Moment) override { socket_->on_close(); }

 private:
  ModelSockets& owner_;
  std::shared_ptr<ModelSocket> socket_;
};

}  // namespace

ModelSockets::ModelSockets(upstream::Gateway& gateway, net::ComputePool& pool,
                           contract::RateGate* rate, observe::Metrics& metrics,
                           std::size_t body_bytes_max, std::int64_t hold_ms)
    : gateway_(gateway), pool_(pool), rate_(rate), body_bytes_max_(body_bytes_max) {
  upstream::StreamHoldOptions hold;
  hold.hold_ms = hold_ms;
  registry_ = std::make_shared<StreamRegistry>(hold, metrics);
  metrics.computed("redoubt_model_socket_streams",
                   "Streams of models over WebSockets that run or are held.", "gauge",
                   [registry = registry_] { return static_cast<double>(registry->size()); });
}

std::vector<contract::Route> ModelSockets::routes() {
  http::WebSocketOptions options;
  options.message_bytes_max = body_bytes_max_ + envelope_bytes_max;
  options.queue_bytes_max = socket_queue_bytes_max;
  options.queue_frames_max = socket_queue_frames_max;
  options.protocol = auth::websocket_protocol;
  return {{.method = http::Method::get,
           .pattern = "/v1/ws",
           .access = contract::Access::scoped(auth::Scope::models),
           .dialect = contract::Dialect::problem(),
           .operation = contract::Operation::named("modelSocket"),
           .handler = http::WebSocketAccept(
               [this](http::Request&) { return std::make_unique<Session>(*this); }),
           .websocket = options}};
}

}  // namespace redoubt::services
