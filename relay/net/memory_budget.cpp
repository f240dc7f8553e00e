#include "relay/net/memory_budget.hpp"

#include <algorithm>

namespace redoubt::net {

namespace {

template <typename Key>
std::size_t held_by(const std::map<Key, std::size_t>& holders, const Key& key) {
  const auto found = holders.find(key);
  return found == holders.end() ? 0 : found->second;
}

template <typename Key>
void give_back_to(std::map<Key, std::size_t>& holders, const Key& key, std::size_t bytes) {
  const auto found = holders.find(key);
  if (found == holders.end()) return;
  found->second -= bytes;
  if (found->second == 0) holders.erase(found);
}

}  // namespace

bool MemoryBudget::take(const Account& account, std::size_t bytes) {
  const auto share = static_cast<std::size_t>(account.share);
  const std::lock_guard guard(lock_);
  if (bytes > share_bytes_max_[share] - of_share_[share]) return false;
  if (account.share == Share::admin) {
    of_share_[share] += bytes;
    return true;
  }
  if (bytes > bytes_max_ - bytes_) return false;
  const bool caller = account.share == Share::caller;
  const std::size_t of_address = held_by(by_address_, account.key);
  const std::size_t of_holder = caller ? held_by(by_caller_, account.identity) : of_address;
  if (bytes > holder_bytes_max_ - std::max(of_address, of_holder)) return false;
  const bool from_reserve = bytes_ + bytes > bytes_max_ - reserve_bytes_;
  if (from_reserve && of_holder + bytes > small_bytes_max) return false;
  by_address_[account.key] = of_address + bytes;
  if (caller) by_caller_[account.identity] = of_holder + bytes;
  bytes_ += bytes;
  of_share_[share] += bytes;
  return true;
}

void MemoryBudget::give_back(const Account& account, std::size_t bytes) {
  const std::lock_guard guard(lock_);
  of_share_[static_cast<std::size_t>(account.share)] -= bytes;
  if (account.share == Share::admin) return;
  bytes_ -= bytes;
  give_back_to(by_address_, account.key, bytes);
  if (account.share == Share::caller) give_back_to(by_caller_, account.identity, bytes);
}

bool MemoryBudget::address_full(const http::ClientKey& key, std::size_t bytes) const {
  const std::lock_guard guard(lock_);
  return bytes > holder_bytes_max_ - held_by(by_address_, key);
}

bool MemoryBudget::is_short() const {
  const std::lock_guard guard(lock_);
  return bytes_ > bytes_max_ - reserve_bytes_;
}

std::size_t MemoryBudget::bytes() const {
  const std::lock_guard guard(lock_);
  return bytes_;
}

bool HeldMemory::resize(std::size_t bytes) {
  if (bytes > bytes_ && !budget_->take(account_, bytes - bytes_)) return false;
  if (bytes < bytes_) budget_->give_back(account_, bytes_ - bytes);
  bytes_ = bytes;
  return true;
}

bool HeldMemory::move_to(const MemoryBudget::Account& account) {
  if (account == account_) return true;
  const std::size_t bytes = bytes_;
  resize(0);
  account_ = account;
  return resize(bytes);
}

http::HoldMemory memory_holder(std::shared_ptr<MemoryBudget> budget,
                               const MemoryBudget::Account& account) {
  return [budget = std::move(budget), account](std::size_t bytes) -> std::shared_ptr<const void> {
    auto held = std::make_shared<HeldMemory>(budget, account);
    return held->resize(bytes) ? held : nullptr;
  };
}

}  // namespace redoubt::net
