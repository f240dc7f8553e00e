#include "relay/upstream/answer_memory.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace redoubt::upstream {
namespace {

std::size_t counted(std::size_t kept) {
  if (kept <= AnswerMemory::uncounted_bytes_max) return 0;
  return (kept + AnswerMemory::step_bytes - 1) / AnswerMemory::step_bytes *
         AnswerMemory::step_bytes;
}

}  // namespace

std::shared_ptr<AnswerMemory::Hold> AnswerMemory::hold(const net::Executor& shard,
                                                       std::string caller, bool stranger) {
  return std::make_shared<Hold>(shared_from_this(), shard, std::move(caller), stranger);
}

void AnswerMemory::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

std::size_t AnswerMemory::bytes() const {
  const std::lock_guard lock(mutex_);
  return budget_.kept_bytes() + budget_.work_bytes();
}

bool AnswerMemory::is_short() const {
  const std::lock_guard lock(mutex_);
  return budget_.is_short();
}

// The holds are let go of after the lock: the last who does enters it.
template <class Change>
void AnswerMemory::change(Change change) {
  std::vector<std::pair<std::shared_ptr<Hold>, std::uint64_t>> served;
  {
    const std::lock_guard lock(mutex_);
    change(budget_);
    for (const AnswerBudget::Id id : budget_.take_served()) {
      auto hold = closed_ ? nullptr : holds_.find(id)->second.lock();
      if (!hold) continue;
      const std::uint64_t asked = hold->asked_;
      served.emplace_back(std::move(hold), asked);
    }
  }
  for (const auto& [hold, asked] : served) {
    boost::asio::post(hold->shard_, [weak = std::weak_ptr(hold), time = asked] {
      if (const auto self = weak.lock()) self->served(time);
    });
  }
}

AnswerMemory::Hold::~Hold() {
  if (id_ == 0) return;
  of_->change([this](AnswerBudget& budget) {
    budget.close(id_);
    of_->holds_.erase(id_);
  });
}

void AnswerMemory::Hold::be_counted_locked() {
  if (id_ != 0) return;
  id_ = of_->budget_.open(caller_, stranger_);
  of_->holds_.emplace(id_, weak_from_this());
}

bool AnswerMemory::Hold::resize(std::size_t kept, std::size_t work) {
  const AnswerBudget::Need need{counted(kept), work};
  if (need.kept == has_.kept && need.work == has_.work) return !waits_;
  has_ = need;
  of_->change([&](AnswerBudget& budget) {
    be_counted_locked();
    ++asked_;
    waits_ = !budget.resize(id_, need);
  });
  return !waits_;
}

void AnswerMemory::Hold::share(const std::string& caller) {
  of_->change([&](AnswerBudget& budget) {
    be_counted_locked();
    budget.share(id_, caller);
  });
}

void AnswerMemory::Hold::settle(std::size_t kept) {
  waits_ = false;
  has_ = {counted(kept), 0};
  if (id_ == 0 && has_.kept == 0) return;
  of_->change([this](AnswerBudget& budget) {
    be_counted_locked();
    ++asked_;
    budget.settle(id_, has_.kept);
  });
}

void AnswerMemory::Hold::served(std::uint64_t asked) {
  if (!waits_ || asked != asked_) return;
  waits_ = false;
  const auto callback = on_room_;
  if (callback) callback();
}

}  // namespace redoubt::upstream
