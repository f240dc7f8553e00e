#include "relay/upstream/answer_decoding.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace redoubt::upstream {
namespace {

// As the connections' own buffers.
constexpr std::size_t read_bytes_max = 64 * 1024;

}  // namespace

void AnswerDecoding::Work::feed(std::string_view bytes) {
  decoder.feed(bytes, events);
  redact();
}

void AnswerDecoding::Work::end() {
  if (!decoder.over()) decoder.end(events);
  redact();
}

void AnswerDecoding::Work::redact() {
  if (!redaction.active()) return;
  std::vector<llm::ChatEvent> passed;
  passed.reserve(events.size() + 1);
  for (llm::ChatEvent& event : events)
    redaction.pass(std::move(event), passed);
  events = std::move(passed);
}

AnswerDecoding::AnswerDecoding(const llm::Dialect& dialect, net::ComputePool* pool,
                               const net::Executor& shard, std::string caller,
                               std::size_t kept_bytes_max, std::shared_ptr<AnswerMemory::Hold> hold,
                               Callbacks callbacks)
    : work_(std::make_shared<Work>(dialect, kept_bytes_max)),
      pool_(pool),
      shard_(shard),
      caller_(std::move(caller)),
      hold_(std::move(hold)),
      callbacks_(std::move(callbacks)) {}

void AnswerDecoding::begin() {
  if (!hold_) return;
  hold_->on_room([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->room_came();
  });
}

void AnswerDecoding::redact(std::string_view key) {
  work_->redaction = AnswerRedaction(key);
}

void AnswerDecoding::head(int status, std::vector<llm::Header> headers, std::int64_t now_unix_ms) {
  work_->decoder.head(status, std::move(headers), now_unix_ms);
}

/// A short answer is read as it comes, uncounted; a longer one in pieces as long as what came.
std::size_t AnswerDecoding::readable_bytes(std::size_t head_bytes) {
  if (detached_) return read_bytes_max;  // dropped: the connection can be kept
  head_bytes_ = head_bytes;
  if (busy_ || waits_for_room()) return 0;
  const std::size_t next =
      std::clamp(kept_bytes(), AnswerMemory::uncounted_bytes_max, read_bytes_max);
  return count(next > AnswerMemory::uncounted_bytes_max ? next : 0, 0) ? next : 0;
}

/// REQUIRES: the pool is not busy
std::size_t AnswerDecoding::kept_bytes() const {
  return head_bytes_ + work_->decoder.held_bytes() + kept_.size() + kept_elsewhere_;
}

/// False where it has to wait for room, beside what is kept, to read on so far, or to read
/// documents of so many bytes.
bool AnswerDecoding::count(std::size_t read_bytes, std::size_t worked_bytes) {
  if (!hold_) return true;
  return hold_->resize(kept_bytes() + read_bytes, worked_bytes * AnswerBudget::work_factor);
}

void AnswerDecoding::room_came() {
  if (detached_) return;
  go_on();
  const auto readable = callbacks_.readable;
  if (!detached_) readable();
}

void AnswerDecoding::feed(std::string_view bytes) {
  if (detached_) return;
  if (busy_ || waits_for_room()) {
    kept_.append(bytes);
    return;
  }
  const std::size_t at_once = work_->decoder.feed_bytes(bytes);
  if (at_once <= net::Turns::short_step_bytes) {
    work_->feed(bytes);
    return tell();
  }
  const bool pooled = pool_ != nullptr && at_once > large_answer_bytes;
  if (pooled && !count(0, at_once)) {
    kept_.append(bytes);
    return;
  }
  auto step = [text = std::string(bytes)](Work& work) { work.feed(text); };
  if (!pooled) return in_turn(std::move(step));
  in_pool(std::move(step));
}

void AnswerDecoding::end() {
  ended_ = true;
  go_on();
}

void AnswerDecoding::fail(std::function<void()> broken) {
  broken_ = std::move(broken);
  go_on();
}

void AnswerDecoding::detach() {
  detached_ = true;
  broken_ = nullptr;
  kept_ = {};
  if (hold_) hold_->on_room(nullptr);
  hold_.reset();
}

// In the order in which it came: bytes, then how they ended.
void AnswerDecoding::go_on() {
  while (!detached_ && !busy_ && !waits_for_room() && !kept_.empty())
    feed(std::exchange(kept_, {}));
  if (detached_ || busy_ || waits_for_room()) return;
  if (const auto broken = std::exchange(broken_, nullptr)) return broken();
  if (!ended_) return;
  const std::size_t bytes = work_->decoder.end_bytes();
  const bool pooled = pool_ != nullptr && bytes > large_answer_bytes;
  if (pooled && !count(0, bytes)) return;
  ended_ = false;
  if (bytes <= net::Turns::short_step_bytes) {
    work_->end();
    return tell();
  }
  if (!pooled) return in_turn([](Work& work) { work.end(); });
  in_pool([](Work& work) { work.end(); });
}

// Weak: an attempt ends on its shard, however long the pool has its answer. What that takes is
// counted until then.
template <class Step>
void AnswerDecoding::in_pool(Step step) {
  busy_ = true;
  pool_->post_begun(caller_, [weak = weak_from_this(), work = work_, hold = hold_, shard = shard_,
                              step = std::move(step)]() mutable {
    step(*work);
    boost::asio::post(shard, [weak] {
      if (const auto self = weak.lock()) self->decoded();
    });
  });
}

template <class Step>
void AnswerDecoding::in_turn(Step step) {
  busy_ = true;
  net::Turns::of(shard_).queue([weak = weak_from_this(), step = std::move(step)]() mutable {
    const auto self = weak.lock();
    if (!self) return;
    if (!self->detached_) step(*self->work_);
    self->decoded();
  });
}

void AnswerDecoding::decoded() {
  busy_ = false;
  tell();
  room_came();
}

void AnswerDecoding::tell() {
  std::vector<llm::ChatEvent> events = std::exchange(work_->events, {});
  // It may be detached, and let go of, by what it tells.
  const auto callback = callbacks_.events;
  if (!detached_ && !events.empty()) callback(events);
  events.clear();
  if (!busy_ && work_->events.empty()) work_->events.swap(events);  // its room
}

}  // namespace redoubt::upstream
