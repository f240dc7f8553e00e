// Exchange: between a call of the gateway and the connection that waits for it. On the call's
// shard.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/llm/encode_answer.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/net/task.hpp"
#include "relay/services/models/waiting_client.hpp"
#include "relay/upstream/gateway.hpp"
#include "relay/upstream/request_size.hpp"

namespace redoubt::services {

/// What a client speaks.
struct ModelsFace {
  llm::WireFormat format;
  bool text_completion = false;  ///< with OpenAI chat's errors and terminator
};

class Exchange final : public WaitingClient, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(const net::Executor& shard, ModelsFace face, const llm::ChatRequest& request,
           std::int64_t created_s, bool as_list);

  void on_source(upstream::Source from) override { source = from; }
  void on_quotas(const limits::Quotas& current) override { quotas = current; }
  void on_begun(const upstream::CallSummary& s) override { summary = s; }
  void on_event(const llm::ChatEvent& event, llm::WireFormat origin) override;
  void on_memory(std::shared_ptr<upstream::AnswerMemory::Hold> memory) override {
    if (!began_) memory_ = std::move(memory);
  }
  /// What was told and is not written, and what the format needs once more at the end.
  std::size_t kept_bytes() const override { return waiting_.size() + stream_.kept_bytes(); }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat,
                 const upstream::CallSummary& s) override;
  void on_refusal(const upstream::CallRefusal& why, const upstream::CallSummary& s) override;

  /// The connection takes what is told from now on.
  void attach(http::BodyStreamPtr body);

  bool streams() const { return began_; }
  llm::WireFormat format() const { return face_.format; }
  bool as_list() const { return stream_.as_list; }
  std::size_t size() const { return upstream::answer_size(*whole_); }
  /// What counted the whole answer counts its body now.
  http::Response whole_response(std::string body);
  /// The whole answer's body. Any thread, after it was decided.
  std::string encode_whole() const;

  upstream::CallSummary summary;
  std::optional<upstream::Source> source;  ///< of an answer that may be another's
  std::optional<upstream::CallRefusal> refusal;
  limits::Quotas quotas;

 private:
  void encode(const llm::ChatEvent& event);
  void push();
  void finish();
  void end_body();

  ModelsFace face_;
  llm::AnswerStream stream_;
  http::BodyStreamPtr body_;
  std::string waiting_;  // encoded, before the connection is attached
  // An empty one for a client that left: what is written of it, nobody reads.
  std::shared_ptr<const llm::ChatAnswer> whole_ = std::make_shared<const llm::ChatAnswer>();
  std::shared_ptr<upstream::AnswerMemory::Hold> memory_;
  bool began_ = false;
};

/// The answer of a call that was decided: whole, as a stream that goes on, or a refusal.
net::Task<http::Response> answer_of(net::ComputePool& pool, std::string caller,
                                    std::shared_ptr<Exchange> exchange);

}  // namespace redoubt::services
