#include "relay/net/streamed_body.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "relay/net/session.hpp"

namespace redoubt::net {

namespace {

constexpr std::size_t chunk_frame_bytes_max = 20;
constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace

StreamedBody::StreamedBody(Session& session, std::string head, bool chunked)
    : session_(&session),
      executor_(session.shard().executor()),
      chunked_(chunked),
      queue_(std::move(head)),
      budget_(session.shard().memory()),
      account_(session.held().account()),
      memory_(budget_, account_) {}

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
    if (state_ == State::open) append(bytes);
    queued_bytes_ = queue_.size() - sent_;  // first, so that they are never counted nowhere
    posted_bytes_ -= bytes.size();
    flush();
  });
}

void StreamedBody::end() {
  if (!open_.exchange(false)) return;
  on_shard([this] {
    if (state_ != State::open) return;
    state_ = State::ending;
    if (chunked_) queue_.append(last_chunk);
    flush();
  });
}

void StreamedBody::abort() {
  on_shard([this] {
    gone_ = nullptr;  // whoever aborts knows
    finish(State::cut);
  });
}

void StreamedBody::break_off() {
  if (!open_.exchange(false)) return;
  on_shard([this] {
    if (state_ != State::open) return;
    state_ = State::breaking;
    gone_ = nullptr;  // as in abort()
    flush();
  });
}

void StreamedBody::on_gone(std::function<void()> gone) {
  if (state_ == State::cut) {
    gone();
    return;
  }
  gone_ = std::move(gone);
}

std::size_t StreamedBody::waiting_bytes() const {
  const std::size_t posted = posted_bytes_;  // before what they become
  return posted + queued_bytes_;
}

std::shared_ptr<const void> StreamedBody::hold(std::size_t bytes) {
  auto held = std::make_shared<HeldMemory>(budget_, account_);
  if (!held->resize(bytes)) return nullptr;
  held_bytes_ += bytes;
  const HeldMemory* what = held.get();
  return {what, [self = shared_from_this(), held = std::move(held), bytes](const HeldMemory*) {
            if (self->finished()) return;
            // Given back only when what waits is counted here instead: nobody takes it in between.
            self->on_shard([self = self.get(), held, bytes] {
              if (!self->finished()) self->memory_.take_over(*held);
              self->held_bytes_ -= bytes;
              self->settle();
            });
          }};
}

void StreamedBody::on_sent(std::function<void()> sent) {
  if (finished()) return sent();
  on_shard([this, sent = std::move(sent)]() mutable {
    all_sent_ = std::move(sent);
    settle();
  });
}

// What was done may have left more or less in the queue than was known and counted.
void StreamedBody::settle() {
  queued_bytes_ = queue_.size() - sent_;
  if (!finished() && (queued_bytes_ > queue_bytes_max || !count())) cut_slow();
  if (!finished() && waiting_bytes() > 0) return;
  if (const auto sent = std::exchange(all_sent_, nullptr)) sent();
}

// False where there is no room for what waits here.
bool StreamedBody::count() {
  const std::size_t apart = queue_uncounted_bytes_max + held_bytes_;
  return memory_.resize(queue_.capacity() > apart ? queue_.capacity() - apart : 0);
}

void StreamedBody::cut_slow() {
  slow_ = true;
  finish(State::cut);
}

// A string that grows by itself may take twice its bytes.
void StreamedBody::make_room(std::size_t bytes) {
  const std::size_t needed = queue_.size() + bytes;
  if (needed <= queue_.capacity()) return;
  std::string larger;
  larger.reserve(needed + needed / 8);
  larger.append(queue_);
  queue_.swap(larger);
}

void StreamedBody::append(std::string_view bytes) {
  make_room(bytes.size() + chunk_frame_bytes_max);
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
  if (!waiting_to_write_ && !finished()) send();
  settle();
}

void StreamedBody::send() {
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
  if (queue_.capacity() > queue_uncounted_bytes_max) queue_.shrink_to_fit();
  if (state_ == State::ending) finish(State::complete);
  if (state_ == State::breaking) finish(State::cut);
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
                                  self->flush();
                                });
}

void StreamedBody::leave() {
  finish(State::cut);
}

void StreamedBody::finish(State state) {
  if (finished()) return;
  state_ = state;
  open_ = false;
  // Whoever writes may keep this for a while.
  queue_ = std::string();
  sent_ = 0;
  memory_.resize(0);
  settle();
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
  const Deadlines& deadlines = session_->shard().options().deadlines;
  const bool counted = memory_.bytes() > 0 || held_bytes_ > 0;
  const bool holds_up =
      pace_.too_slow(counted && session_->shard().memory_is_short(), deadlines.short_window_ms,
                     deadlines.short_write_rate_min_bytes_s, now.steady_ms, bytes_written_);
  if (holds_up || now.steady_ms - blocked_since_ms_ > deadlines.write_ms) cut_slow();
}

void StreamedBody::detach() {
  session_ = nullptr;
  finish(State::cut);
}

}  // namespace redoubt::net
