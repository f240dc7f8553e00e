#include "relay/net/websocket_connection.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "relay/net/session.hpp"

namespace redoubt::net {

using http::WebSocketReader;
namespace close_code = http::close_code;

namespace {

constexpr std::size_t frames_at_once_max = 16;  // in one system call
constexpr std::size_t bytes_at_once_max = 64 * 1024;
constexpr std::size_t queue_uncounted_bytes_max = 4 * 1024;
constexpr std::size_t frame_bytes = 128;  // what a frame takes beyond its bytes
// Control frames and small fragments of one connection; a client sends some in a minute.
constexpr std::int64_t frames_burst = 512;
constexpr std::int64_t frames_per_second = 200;
constexpr std::int64_t frame_cost = 1'000;  // the credit grows by frames_per_second a millisecond

}  // namespace

WebSocketConnection::WebSocketConnection(Session& session, const http::WebSocketOptions& options,
                                         std::unique_ptr<http::WebSocketSession> application)
    : session_(&session),
      executor_(session.shard().executor()),
      options_(options),
      application_(std::move(application)),
      reader_(options.message_bytes_max),
      memory_(session.shard().memory()),
      account_(session.held().account()),
      queue_memory_(memory_, account_),
      heard_ms_(session.shard().now().steady_ms) {
  frame_credit_ = frames_burst * frame_cost;
  frame_credit_ms_ = heard_ms_;
}

template <class Call>
void WebSocketConnection::guarded(Call call) {
  try {
    call();
  } catch (const std::exception& fault) {
    if (session_) session_->shard().observer().on_fault("websocket", fault.what());
    start_close(close_code::internal_error, "the server failed");
  } catch (...) {
    if (session_) session_->shard().observer().on_fault("websocket", "an unknown exception");
    start_close(close_code::internal_error, "the server failed");
  }
}

void WebSocketConnection::send(http::FramePtr frame) {
  if (!open_) return;
  if (executor_.running_in_this_thread()) {
    queue(std::move(frame));
    return;
  }
  boost::asio::post(executor_, [self = shared_from_this(), frame = std::move(frame)]() mutable {
    self->queue(std::move(frame));
  });
}

void WebSocketConnection::send_together(std::vector<http::FramePtr> frames) {
  if (!open_) return;
  if (executor_.running_in_this_thread()) {
    queue_together(std::move(frames));
    return;
  }
  boost::asio::post(executor_, [self = shared_from_this(), frames = std::move(frames)]() mutable {
    self->queue_together(std::move(frames));
  });
}

void WebSocketConnection::close(std::uint16_t code, std::string reason) {
  if (!open_) return;
  if (executor_.running_in_this_thread()) {
    start_close(code, std::move(reason));
    return;
  }
  boost::asio::post(executor_,
                    [self = shared_from_this(), code, reason = std::move(reason)]() mutable {
                      self->start_close(code, std::move(reason));
                    });
}

http::HoldMemory WebSocketConnection::memory() const {
  return memory_holder(memory_, account_);
}

void WebSocketConnection::open(const http::Request& request) {
  const http::WebSocketPeer peer(weak_from_this());
  guarded([&] { application_->on_open(request, peer); });
  // Came in just before the acceptors closed.
  if (session_->shard().draining()) start_close(close_code::going_away, "the server is going down");
}

void WebSocketConnection::queue(http::FramePtr frame) {
  if (state_ != State::open || !session_) return;
  queued_bytes_ += frame->bytes().size();
  frames_.push_back(std::move(frame));
  const bool more_may_come =
      taking_ && frames_.size() - first_ < frames_at_once_max && queued_bytes_ < bytes_at_once_max;
  if (!waiting_to_write_ && !more_may_come) flush();
  if (queued_bytes_ > options_.queue_bytes_max ||
      frames_.size() - first_ > options_.queue_frames_max || !count()) {
    drop_slow();
  }
}

void WebSocketConnection::queue_together(std::vector<http::FramePtr> frames) {
  const bool was_taking = std::exchange(taking_, true);
  for (http::FramePtr& frame : frames)
    queue(std::move(frame));
  taking_ = was_taking;
  if (!taking_ && !waiting_to_write_) flush();
}

// False where there is no room for what waits to be sent.
bool WebSocketConnection::count() {
  const std::size_t bytes = queued_bytes_ + (frames_.size() - first_) * frame_bytes;
  return queue_memory_.resize(bytes > queue_uncounted_bytes_max ? bytes - queue_uncounted_bytes_max
                                                                : 0);
}

// What is queued is given up but for a frame that is partly out, or that OpenSSL holds a record of
// and must be given again; the close frame follows it.
void WebSocketConnection::drop_slow() {
  if (state_ != State::open || std::exchange(slow_, true)) return;
  const std::size_t keep = first_ + (offset_ > 0 || waiting_to_write_ ? 1 : 0);
  while (frames_.size() > keep) {
    queued_bytes_ -= frames_.back()->bytes().size();
    frames_.pop_back();
  }
  constexpr const char* reason = "the client reads too slowly";
  if (!count()) return finish(close_code::try_again_later, reason, false);
  start_close(close_code::try_again_later, reason);
}

void WebSocketConnection::start_close(std::uint16_t code, std::string reason) {
  if (state_ != State::open || !session_) return;
  queue(http::Frame::close(code, reason));
  if (state_ == State::finished) return;
  state_ = State::closing;
  open_ = false;
  close_code_ = code;
  close_reason_ = std::move(reason);
  close_since_ms_ = session_->shard().now().steady_ms;
}

void WebSocketConnection::finish(std::uint16_t code, std::string reason, bool orderly) {
  if (state_ == State::finished) return;
  if (state_ == State::open) {
    close_code_ = code;
    close_reason_ = std::move(reason);
  }
  state_ = State::finished;
  open_ = false;
  orderly_ = orderly;
  // Wakes the Session's coroutine, which sees finished().
  boost::system::error_code ignored;  // nothing waits: it sees the state anyway
  if (session_) session_->socket().cancel(ignored);
}

void WebSocketConnection::take(std::string_view input) {
  taking_ = true;
  std::size_t left = 0;  // for the next turn
  while (state_ != State::finished) {
    const WebSocketReader::Event event = reader_.feed(input);
    if (!within_frame_rate()) {
      answer_ping();
      break_off(close_code::policy_violation, "too many control frames or small fragments");
      break;
    }
    if (event == WebSocketReader::Event::need_more) break;
    const bool ended =
        event == WebSocketReader::Event::text || event == WebSocketReader::Event::binary;
    if (ended) message_since_ms_ = 0;
    handle(event);
    if (!input.empty() && state_ != State::finished && session_->turn_over()) {
      left = input.size();
      break;
    }
  }
  answer_ping();
  taking_ = false;
  if (!waiting_to_write_) flush();
  keep(input.substr(input.size() - left));
  reader_.trim();
  note_message();
}

// `rest` is the end of unread_ where that is not empty.
void WebSocketConnection::keep(std::string_view rest) {
  if (rest.empty() || state_ == State::finished) {
    unread_ = {};
  } else if (unread_.empty()) {
    unread_ = rest;
  }
  unread_at_ = unread_.size() - std::min(unread_.size(), rest.size());
}

// False over the bound.
bool WebSocketConnection::within_frame_rate() {
  const std::uint64_t frames = reader_.small_frames() - small_frames_;
  if (frames == 0) return true;
  small_frames_ += frames;
  const std::int64_t now_ms = session_->shard().now().steady_ms;
  const std::int64_t earned = (now_ms - frame_credit_ms_) * frames_per_second;
  frame_credit_ = std::min(frames_burst * frame_cost, frame_credit_ + earned);
  frame_credit_ms_ = now_ms;
  frame_credit_ -= static_cast<std::int64_t>(frames) * frame_cost;
  return frame_credit_ >= 0;
}

void WebSocketConnection::answer_ping() {
  if (!ping_) return;
  queue(http::Frame::pong(*ping_));
  ping_.reset();
}

// A message that is not whole yet has a deadline, and its memory is counted.
void WebSocketConnection::note_message() {
  if (state_ == State::finished || !session_) return;
  const bool unfinished = reader_.in_message();
  if (!unfinished) message_since_ms_ = 0;
  if (unfinished && message_since_ms_ == 0) message_since_ms_ = session_->shard().now().steady_ms;
  if (session_->held().resize(unread_.size() + (unfinished ? reader_.held_bytes() : 0))) return;
  session_->record(ConnectionEvent::refused_memory);
  break_off(close_code::try_again_later, "too many messages are unfinished");
}

// Says why and reads no more: what the client goes on to send is not kept.
void WebSocketConnection::break_off(std::uint16_t code, std::string reason) {
  queue(http::Frame::close(code, reason));
  finish(code, std::move(reason), true);
}

WebSocketConnection::Need WebSocketConnection::read() {
  Shard& shard = session_->shard();
  if (!unread_.empty()) {
    take(std::string_view(unread_).substr(unread_at_));
    return Need::none;
  }
  const auto outcome = session_->channel().read(shard.scratch());
  switch (outcome.status) {
    case Channel::Status::ok:
      break;
    case Channel::Status::would_read:
      return Need::readable;
    case Channel::Status::would_write:
      return Need::writable;
    default:
      finish(close_code::abnormal, "", false);
      return Need::none;
  }
  heard_ms_ = shard.now().steady_ms;
  ping_sent_ = false;
  // The application may send from here; the scratch is not touched by writing.
  take(std::string_view(shard.scratch().data(), outcome.bytes));
  return Need::none;
}

void WebSocketConnection::handle(WebSocketReader::Event event) {
  const http::Moment now = session_->shard().now();
  // Only pings that follow each other are answered as one: an answer never passes a message.
  if (event != WebSocketReader::Event::ping && event != WebSocketReader::Event::pong) answer_ping();
  switch (event) {
    case WebSocketReader::Event::text:
      if (state_ != State::open) break;
      guarded([&] { application_->on_text(reader_.payload(), now); });
      break;
    case WebSocketReader::Event::binary: {
      if (state_ != State::open) break;
      const http::WebSocketPeer peer(weak_from_this());
      guarded([&] { application_->on_binary(reader_.payload(), peer, now); });
      break;
    }
    case WebSocketReader::Event::ping:
      ping_ = reader_.payload();
      break;
    case WebSocketReader::Event::pong:
      break;
    case WebSocketReader::Event::close: {
      const std::uint16_t code = reader_.close_code();
      const bool coded = code != close_code::none_received;
      queue(http::Frame::close(coded ? code : close_code::normal, ""));
      finish(code, std::string(reader_.payload()), true);
      break;
    }
    case WebSocketReader::Event::failed:
      queue(http::Frame::close(reader_.close_code(), reader_.payload()));
      finish(reader_.close_code(), std::string(reader_.payload()), true);
      break;
    case WebSocketReader::Event::need_more:
      break;
  }
}

std::size_t WebSocketConnection::gather(std::vector<std::string_view>& pieces) const {
  const std::size_t last = std::min(frames_.size(), first_ + frames_at_once_max);
  for (std::size_t i = first_; i < last; ++i) {
    pieces.push_back(frames_[i]->bytes().substr(i == first_ ? offset_ : 0));
  }
  return pieces.size();
}

void WebSocketConnection::written(std::size_t bytes) {
  queued_bytes_ -= bytes;
  bytes_written_ += bytes;
  blocked_since_ms_ = 0;
  while (bytes > 0) {
    const std::size_t left = frames_[first_]->bytes().size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    offset_ = 0;
    frames_[first_++].reset();
  }
  if (first_ == frames_.size()) {
    frames_.clear();
    first_ = 0;
  } else if (first_ > options_.queue_frames_max) {
    frames_.erase(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void WebSocketConnection::flush() {
  std::vector<std::string_view> pieces;
  while (session_ && first_ < frames_.size()) {
    pieces.clear();
    gather(pieces);
    const auto outcome = session_->channel().write(pieces);
    switch (outcome.status) {
      case Channel::Status::ok:
        written(outcome.bytes);
        continue;
      case Channel::Status::would_read:
      case Channel::Status::would_write:
        wait_to_write();
        return;
      default:
        finish(close_code::abnormal, "", false);
        return;
    }
  }
}

void WebSocketConnection::wait_to_write() {
  waiting_to_write_ = true;
  if (blocked_since_ms_ == 0) blocked_since_ms_ = session_->shard().now().steady_ms;
  session_->socket().async_wait(Socket::wait_write,
                                [self = shared_from_this()](const boost::system::error_code&) {
                                  self->waiting_to_write_ = false;
                                  if (!self->session_ || self->state_ == State::finished) return;
                                  self->flush();
                                  self->count();
                                });
}

void WebSocketConnection::tick(http::Moment now) {
  const Deadlines& deadlines = session_->shard().options().deadlines;
  if (state_ == State::closing && now.steady_ms - close_since_ms_ > options_.close_ms_max) {
    finish(close_code_, close_reason_, false);
    return;
  }
  if (message_since_ms_ > 0 &&
      too_slow(deadlines, message_since_ms_, now.steady_ms, reader_.message_bytes())) {
    session_->record(ConnectionEvent::timed_out);
    break_off(close_code::policy_violation, "a message took too long");
    return;
  }
  if (state_ != State::open) return;
  const bool is_short = queue_memory_.bytes() > 0 && session_->shard().memory_is_short();
  const bool holds_up =
      pace_.too_slow(is_short, deadlines.short_window_ms, deadlines.short_write_rate_min_bytes_s,
                     now.steady_ms, bytes_written_);
  const bool is_stuck =
      blocked_since_ms_ > 0 && now.steady_ms - blocked_since_ms_ > deadlines.write_ms;
  if (holds_up || is_stuck) {
    drop_slow();
    return;
  }
  const std::int64_t silent_ms = now.steady_ms - heard_ms_;
  if (silent_ms > options_.silence_ms_max) {
    finish(close_code::abnormal, "the client fell silent", false);
    return;
  }
  if (silent_ms > options_.ping_ms && !ping_sent_) {
    ping_sent_ = true;
    queue(http::Frame::ping(""));
  }
  if (state_ == State::open) guarded([&] { application_->on_tick(now); });
}

void WebSocketConnection::detach() {
  if (!session_) return;
  open_ = false;
  state_ = State::finished;
  const http::Moment now = session_->shard().now();
  guarded([&] { application_->on_close(close_code_, close_reason_, now); });
  session_ = nullptr;
  application_.reset();
  frames_.clear();
  first_ = 0;
  queued_bytes_ = 0;
  queue_memory_.resize(0);
}

}  // namespace redoubt::net
