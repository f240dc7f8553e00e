#include "relay/upstream/stream_hold.hpp"

namespace redoubt::upstream {

void StreamHold::drop_front() {
  bytes_ -= kept_.front().frame->size();
  kept_.pop_front();
}

void StreamHold::lose() {
  state_ = HoldState::lost;
  kept_.clear();
  bytes_ = 0;
  (void)fits();  // nothing fits always
}

bool StreamHold::fits() const {
  return bytes_ <= options_.bytes_max && (!room_ || room_(bytes_));
}

std::uint64_t StreamHold::push(Frame frame) {
  const std::uint64_t sequence = next_++;
  if (state_ == HoldState::lost) return sequence;
  bytes_ += frame->size();
  kept_.push_back({sequence, std::move(frame)});
  if (state_ == HoldState::attached) sent_ = sequence;
  while (!fits()) {
    if (kept_.front().sequence > sent_) {
      lose();
      break;
    }
    drop_front();
  }
  return sequence;
}

void StreamHold::detach(std::int64_t now_ns) {
  if (state_ != HoldState::attached) return;
  state_ = HoldState::detached;
  expires_ns_ = now_ns + options_.hold_ms * 1'000'000;
}

Resumed StreamHold::resume(std::uint64_t last, std::int64_t now_ns) {
  time(now_ns);
  if (state_ == HoldState::lost || last > sent_) return {};
  const std::uint64_t first_kept = kept_.empty() ? next_ : kept_.front().sequence;
  if (last + 1 < first_kept) return {};
  acknowledge(last);
  state_ = HoldState::attached;
  sent_ = next_ - 1;
  return {.ok = true, .frames = {kept_.begin(), kept_.end()}};
}

void StreamHold::acknowledge(std::uint64_t last) {
  while (!kept_.empty() && kept_.front().sequence <= last && kept_.front().sequence <= sent_)
    drop_front();
  (void)fits();  // less fits always
}

void StreamHold::time(std::int64_t now_ns) {
  if (state_ == HoldState::detached && now_ns >= expires_ns_) lose();
}

}  // namespace redoubt::upstream
