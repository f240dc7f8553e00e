#include "relay/net/streamed_body.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "relay/net/session.hpp"

namespace redoubt::net {

namespace {

constexpr std::size_t queue_kept_bytes_max = 64 * 1024;
constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace

StreamedBody::StreamedBody(Session& session, std::string head, bool chunked)
    : session_(&session),
      executor_(session.shard().executor()),
      chunked_(chunked),
      queue_(std::move(head)) {}

template <class Call>
void StreamedBody::on_shard(Call call) {
  if (executor_.running_in_this_thread()) {
    call();
    return;
  }
  boost::asio::post(executor_,
                    [self = shared_from_this(), call = std::move(call)]() mutable { call(); });
}

void StreamedBody::write(std::string bytes) {
  if (!open_ || bytes.empty()) return;
  posted_bytes_ += bytes.size();
  on_shard([this, bytes = std::move(bytes)] {
    posted_bytes_ -= bytes.size();
    if (state_ != State::open) return;
    append(bytes);
    if (!waiting_to_write_) flush();
    queued_bytes_ = queue_.size() - sent_;
    if (!finished() && queue_.size() - sent_ > queue_bytes_max) {
      slow_ = true;
      finish(State::cut);
    }
  });
}

void StreamedBody::end() {
  if (!open_.exchange(false)) return;
  on_shard([this] {
    if (state_ != State::open) return;
    state_ = State::ending;
    if (chunked_) queue_.append(last_chunk);
    if (!waiting_to_write_) flush();
  });
}

void StreamedBody::abort() {
  on_shard([this] {
    gone_ = nullptr;  // whoever aborts knows
    finish(State::cut);
  });
}

void StreamedBody::on_gone(std::function<void()> gone) {
  if (state_ == State::cut) {
    gone();
    return;
  }
  gone_ = std::move(gone);
}

void StreamedBody::append(std::string_view bytes) {
  if (!chunked_) {
    queue_.append(bytes);
    return;
  }
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
  queue_.append(size.data(), static_cast<std::size_t>(end - size.data()));
  queue_.append("\r\n").append(bytes).append("\r\n");
}

void StreamedBody::flush() {
  while (session_ && sent_ < queue_.size() && !finished()) {
    const std::string_view piece = std::string_view(queue_).substr(sent_);
    const auto outcome = session_->channel().write(std::span(&piece, 1));
    switch (outcome.status) {
      case Channel::Status::ok:
        sent_ += outcome.bytes;
        bytes_written_ += outcome.bytes;
        blocked_since_ms_ = 0;
        continue;
      case Channel::Status::would_read:
      case Channel::Status::would_write:
        wait_to_write();
        return;
      default:
        finish(State::cut);
        return;
    }
  }
  queue_.clear();
  sent_ = 0;
  if (queue_.capacity() > queue_kept_bytes_max) queue_.shrink_to_fit();
  if (state_ == State::ending) finish(State::complete);
}

void StreamedBody::wait_to_write() {
  waiting_to_write_ = true;
  if (blocked_since_ms_ == 0) blocked_since_ms_ = session_->shard().now().steady_ms;
  // What is out need not be kept while the rest waits.
  queue_.erase(0, sent_);
  sent_ = 0;
  session_->socket().async_wait(Socket::wait_write,
                                [self = shared_from_this()](const boost::system::error_code&) {
                                  self->waiting_to_write_ = false;
                                  if (self->session_ && !self->finished()) self->flush();
                                  self->queued_bytes_ = self->queue_.size() - self->sent_;
                                });
}

void StreamedBody::leave() {
  finish(State::cut);
}

void StreamedBody::finish(State state) {
  if (finished()) return;
  state_ = state;
  open_ = false;
  if (session_) {
    // Wakes the Session's coroutine, which sees finished().
    boost::system::error_code ignored;  // nothing waits: it sees the state anyway
    session_->socket().cancel(ignored);
  }
  const auto gone = std::exchange(gone_, nullptr);
  if (state == State::cut && gone) gone();
}

void StreamedBody::tick(http::Moment now) {
  if (finished() || blocked_since_ms_ == 0) return;
  if (now.steady_ms - blocked_since_ms_ > session_->shard().options().deadlines.write_ms) {
    slow_ = true;
    finish(State::cut);
  }
}

void StreamedBody::detach() {
  session_ = nullptr;
  finish(State::cut);
}

}  // namespace redoubt::net
