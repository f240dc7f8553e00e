#include "relay/net/memory_budget.hpp"

namespace redoubt::net {

std::size_t MemoryBudget::held_by(const http::ClientKey& key) const {
  const auto found = by_address_.find(key);
  return found == by_address_.end() ? 0 : found->second;
}

bool MemoryBudget::take(const Account& account, std::size_t bytes) {
  const auto share = static_cast<std::size_t>(account.share);
  const std::lock_guard guard(lock_);
  if (bytes > share_bytes_max_[share] - of_share_[share]) return false;
  if (account.share == Share::admin) {
    of_share_[share] += bytes;
    return true;
  }
  if (bytes > bytes_max_ - bytes_) return false;
  const std::size_t held = held_by(account.key);
  if (bytes > address_bytes_max_ - held) return false;
  by_address_[account.key] = held + bytes;
  bytes_ += bytes;
  of_share_[share] += bytes;
  return true;
}

void MemoryBudget::give_back(const Account& account, std::size_t bytes) {
  const std::lock_guard guard(lock_);
  of_share_[static_cast<std::size_t>(account.share)] -= bytes;
  if (account.share == Share::admin) return;
  bytes_ -= bytes;
  const auto found = by_address_.find(account.key);
  if (found == by_address_.end()) return;
  found->second -= bytes;
  if (found->second == 0) by_address_.erase(found);
}

bool MemoryBudget::address_full(const http::ClientKey& key, std::size_t bytes) const {
  const std::lock_guard guard(lock_);
  return bytes > address_bytes_max_ - held_by(key);
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
