// MemoryAnswerStore: upstream::AnswerStore that ends with the process. Callbacks come before their
// call returns.
#pragma once

#include <mutex>
#include <vector>

#include "relay/upstream/answer_store.hpp"

namespace redoubt::storage {

class MemoryAnswerStore final : public upstream::AnswerStore {
 public:
  explicit MemoryAnswerStore(upstream::AnswerStoreBounds bounds) : bounds_(bounds) {}

  void put(upstream::StoredAnswer answer, std::int64_t now_ms) override;
  void load(std::int64_t now_ms,
            std::function<void(Result<std::vector<upstream::StoredAnswer>>)> callback) override;
  std::uint64_t lost() const override { return 0; }

 private:
  void prune(std::int64_t now_ms);

  const upstream::AnswerStoreBounds bounds_;
  std::mutex mutex_;
  std::uint64_t puts_ = 0;
  std::vector<upstream::StoredAnswer> answers_;  // by until_ms, then as they came
};

}  // namespace redoubt::storage
