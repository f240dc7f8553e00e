// The prompts of one text completion (POST /v1/completions), asked one after another: each is a
// call of its own, counted, reserved and settled as any other.
//
// 1. The client is told of one answer, whose choices stand in the order of the prompts.
// 2. A prompt that is refused ends all of it; what came before it was paid.
// 3. At no time has a list more than one call under way: it takes one place of its caller's.
// 4. What the prompts share is kept once, and each one's request made when its turn comes. It is
//    counted on the caller, with the prompts, until the last one's turn.
// On the call's shard.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

class PromptList final : public upstream::GatewayCall,
                         public upstream::CallClient,
                         public std::enable_shared_from_this<PromptList> {
 public:
  /// REQUIRES: one prompt or more, for answers_max answers together.
  /// `common`: of all of them; its request is llm::TextCompletionRequest::common.
  PromptList(upstream::Gateway& gateway, const net::Executor& shard, upstream::Order common,
             std::vector<std::string> prompts, upstream::Delivery delivery,
             std::shared_ptr<upstream::CallClient> client);

  /// Errors: as Gateway::start(), of the first prompt; overloaded.
  Result<void> start();
  void leave() override;

  void on_quotas(const limits::Quotas& current) override { client_->on_quotas(current); }
  void on_begun(const upstream::CallSummary& summary) override;
  void on_event(const llm::ChatEvent& event, llm::WireFormat origin) override;
  void on_memory(std::shared_ptr<upstream::AnswerMemory::Hold> memory) override;
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                 const upstream::CallSummary& summary) override;
  void on_refusal(const upstream::CallRefusal& why, const upstream::CallSummary& summary) override;
  void on_end() override;

 private:
  bool is_last() const { return next_ == prompts_.size(); }
  Result<void> start_next();
  upstream::Order take_next();
  void next();
  void tell_usage(llm::WireFormat origin);
  void keep(llm::ChatAnswer answer);
  upstream::CallSummary summed(const upstream::CallSummary& of_call);

  upstream::Gateway& gateway_;
  net::Executor shard_;
  upstream::Order common_;
  std::vector<std::string> prompts_;  // each is empty once its turn came
  std::shared_ptr<const void> waiting_memory_;
  upstream::Delivery delivery_;
  std::shared_ptr<upstream::CallClient> client_;
  std::shared_ptr<upstream::GatewayCall> call_;
  std::size_t next_ = 0;           // the prompt after the one that is asked
  std::int32_t answers_each_ = 1;  // to a prompt
  bool over_ = false;
  llm::Usage of_call_;  // of a stream, as it was told last
  llm::Usage usage_;    // of the calls that are over
  limits::Picodollars cost_ = 0;
  bool estimated_ = false;
  llm::ChatAnswer answer_;  // whole delivery: of the prompts so far
  std::vector<std::shared_ptr<upstream::AnswerMemory::Hold>> memory_;
};

}  // namespace redoubt::services
