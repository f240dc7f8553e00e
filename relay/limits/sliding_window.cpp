#include "relay/limits/sliding_window.hpp"

#include <algorithm>
#include <cassert>

namespace redoubt::limits {

void SlidingWindow::advance(std::int64_t now_ns) {
  const std::int64_t slot = now_ns / slot_ns;
  if (slot <= newest_) return;
  const std::int64_t steps = std::min<std::int64_t>(slot - newest_, slots);
  for (std::int64_t i = 1; i <= steps; ++i) {
    std::int64_t& leaving = amounts_[(newest_ + i) % slots];
    sum_ -= leaving;
    leaving = 0;
  }
  newest_ = slot;
}

std::int64_t SlidingWindow::add(std::int64_t amount, std::int64_t now_ns) {
  assert(amount >= 0);
  advance(now_ns);
  amounts_[newest_ % slots] += amount;
  sum_ += amount;
  return newest_;
}

void SlidingWindow::give_back(std::int64_t slot, std::int64_t amount) {
  if (slot <= newest_ - slots) return;
  assert(amount >= 0 && amount <= amounts_[slot % slots]);
  amounts_[slot % slots] -= amount;
  sum_ -= amount;
}

std::int64_t SlidingWindow::wait_ns(std::int64_t amount, std::int64_t limit, std::int64_t now_ns) {
  advance(now_ns);
  if (amount > limit) return never;
  std::int64_t left = sum_;
  if (left + amount <= limit) return 0;
  const std::int64_t now = std::max(now_ns, newest_ * slot_ns);
  for (std::int64_t slot = newest_ - slots + 1; slot <= newest_; ++slot) {
    if (slot < 0) continue;
    left -= amounts_[slot % slots];
    if (left + amount <= limit) return (slot + slots) * slot_ns - now;
  }
  assert(false);  // with every slot gone nothing is left
  return never;
}

std::int64_t SlidingWindow::empty_ns(std::int64_t now_ns) {
  advance(now_ns);
  const std::int64_t now = std::max(now_ns, newest_ * slot_ns);
  for (std::int64_t slot = newest_; slot > newest_ - slots && slot >= 0; --slot)
    if (amounts_[slot % slots] > 0) return (slot + slots) * slot_ns - now;
  return 0;
}

}  // namespace redoubt::limits
