#include "relay/upstream/answer_decoding.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace redoubt::upstream {

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
                               const net::Executor& shard, std::string caller, Told told)
    : work_(std::make_shared<Work>(dialect)),
      pool_(pool),
      shard_(shard),
      caller_(std::move(caller)),
      told_(std::move(told)) {}

void AnswerDecoding::redact(std::string_view key) {
  work_->redaction = AnswerRedaction(key);
}

void AnswerDecoding::head(int status, std::vector<llm::Header> headers, std::int64_t now_unix_ms) {
  work_->decoder.head(status, std::move(headers), now_unix_ms);
}

void AnswerDecoding::feed(std::string_view bytes) {
  if (!told_) return;
  if (busy_) {
    kept_.append(bytes);
    return;
  }
  const std::size_t at_once = work_->decoder.feed_bytes(bytes);
  if (at_once <= net::Turns::short_step_bytes) {
    work_->feed(bytes);
    return tell();
  }
  auto step = [text = std::string(bytes)](Work& work) { work.feed(text); };
  if (pool_ == nullptr || at_once <= large_answer_bytes) return in_turn(std::move(step));
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
  told_ = nullptr;
  broken_ = nullptr;
  kept_ = {};
}

// In the order in which it came: bytes, then how they ended.
void AnswerDecoding::go_on() {
  while (told_ && !busy_ && !kept_.empty())
    feed(std::exchange(kept_, {}));
  if (!told_ || busy_) return;
  if (const auto broken = std::exchange(broken_, nullptr)) return broken();
  if (!std::exchange(ended_, false)) return;
  const std::size_t bytes = work_->decoder.end_bytes();
  if (bytes <= net::Turns::short_step_bytes) {
    work_->end();
    return tell();
  }
  if (pool_ == nullptr || bytes <= large_answer_bytes)
    return in_turn([](Work& work) { work.end(); });
  in_pool([](Work& work) { work.end(); });
}

// Weak: an attempt ends on its shard, however long the pool has its answer.
template <class Step>
void AnswerDecoding::in_pool(Step step) {
  busy_ = true;
  pool_->post_begun(caller_, [weak = weak_from_this(), work = work_, shard = shard_,
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
    if (self->told_) step(*self->work_);
    self->decoded();
  });
}

void AnswerDecoding::decoded() {
  busy_ = false;
  tell();
  go_on();
}

void AnswerDecoding::tell() {
  std::vector<llm::ChatEvent> events = std::exchange(work_->events, {});
  // It may be detached, and let go of, by what it tells.
  const auto told = told_;
  if (told && !events.empty()) told(events);
  events.clear();
  if (!busy_ && work_->events.empty()) work_->events.swap(events);  // its room
}

}  // namespace redoubt::upstream
