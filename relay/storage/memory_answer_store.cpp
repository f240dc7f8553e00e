#include "relay/storage/memory_answer_store.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::storage {

using upstream::StoredAnswer;

void MemoryAnswerStore::put(StoredAnswer answer, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  std::erase_if(answers_, [&](const StoredAnswer& one) { return one.key == answer.key; });
  const auto after = std::upper_bound(
      answers_.begin(), answers_.end(), answer.until_ms,
      [](std::int64_t until_ms, const StoredAnswer& one) { return until_ms < one.until_ms; });
  answers_.insert(after, std::move(answer));
  if (++puts_ % prune_each == 0) prune(now_ms);
}

void MemoryAnswerStore::load(std::int64_t now_ms,
                             std::function<void(Result<std::vector<StoredAnswer>>)> callback) {
  std::vector<StoredAnswer> answers;
  {
    const std::lock_guard lock(mutex_);
    prune(now_ms);
    answers = answers_;
  }
  callback(std::move(answers));
}

void MemoryAnswerStore::prune(std::int64_t now_ms) {
  std::erase_if(answers_, [&](const StoredAnswer& one) { return one.until_ms <= now_ms; });
  std::size_t entries = 0;
  std::size_t bytes = 0;
  const auto over = std::find_if(answers_.rbegin(), answers_.rend(), [&](const StoredAnswer& one) {
    bytes += one.answer->size();
    return ++entries > bounds_.entries_max || bytes > bounds_.bytes_max;
  });
  answers_.erase(answers_.begin(), over.base());
}

}  // namespace redoubt::storage
