// CallRun: one call: drives its ModelCall and carries out what it says.
//
// 1. It stays on the shard that it began on, and holds itself by its timer until it ends, whoever
//    else lets go of it.
// 2. What comes while an input is taken is taken after it (feed).
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/llm/failure.hpp"
#include "relay/upstream/attempt.hpp"
#include "relay/upstream/call_limits.hpp"
#include "relay/upstream/failure_log.hpp"
#include "relay/upstream/route_plans.hpp"

namespace redoubt::upstream {

constexpr const char* overloaded_words =
    "The relay has too many large requests under way; try again.";

/// What an order's request takes.
std::size_t request_bytes(const Order& order);

/// What all calls have in common. All outlive them.
struct CallContext {
  const GatewayOptions& options;
  const RoutePlans& plans;
  CallLimits& limits;
  auth::CurrentKeys& keys;
  limits::Ledger& ledger;
  FailureLog& failures;
};

class CallRun final : public GatewayCall,
                      public MoneyWaiter,
                      public AttemptClient,
                      public std::enable_shared_from_this<CallRun> {
 public:
  /// `options` are of the order's kind; `engine`: the engine answers where no model does.
  CallRun(const CallContext& context, const net::Executor& shard, Order order,
          ModelCallOptions options, std::vector<PlannedTarget> targets, bool engine,
          std::shared_ptr<CallClient> client);
  ~CallRun() override;

  /// Why no target was planned. Before begin().
  void explain(std::string message) {
    failures_for_client_[0] = llm::local_failure(llm::FailureClass::overloaded, std::move(message));
  }

  /// It holds itself until it ends, whoever else lets go of it.
  void begin() { feed({.kind = InputKind::start}); }
  void leave() override;
  void share(const std::string& caller) override;
  void money_came() override;
  const net::Executor& shard() const override { return shard_; }

 private:
  void feed(Input input);
  Input ended_by(InputKind kind) const;
  void carry_out(const Action& action);
  void acquire(const Action& action);
  /// A large request, while the compute pool has it.
  struct Encoding {
    Encoding(Order& order, AttemptTarget target)
        : request(std::move(order.request)),
          embedding(order.embedding),
          memory(order.memory),
          to(std::move(target)) {}
    llm::ChatRequest request;
    std::shared_ptr<const llm::EmbeddingRequest> embedding;
    std::shared_ptr<const void> memory;  ///< of `request`
    AttemptTarget to;
    std::optional<AttemptRequest> done;
  };
  void encode_attempt();
  void take_encoded(Encoding& work);
  void encoded(AttemptRequest request);
  void deny_overloaded();
  Asked asked() const;
  void tell_quotas(const limits::Quotas& quotas);
  void reserve();
  void deny(CallDenial denial);
  void open(const Action& action);
  void begin_attempt(const llm::Dialect& dialect);
  void add_key(llm::AuthKind kind, net::OutgoingRequest& outgoing);
  void cancel_attempt();
  void release(const Action& action);
  void write_down(const Action& action, const limits::Settled& settled);
  void hold_beginning(const llm::ChatEvent& event);
  void begin_answer();
  void let_go_of_request();
  void emit();
  void deliver();
  void fold(const llm::ChatEvent& event);
  void note_no_room();
  bool count_kept();
  void give_up_too_long();
  CallRefusal refusal_of(const Action& action) const;
  void refuse(const Action& action);
  void end();
  void arm();
  void on_answer_began() override;
  void on_event(const llm::ChatEvent& event) override;
  void on_attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why) override;
  void note_failure(Stage stage, const llm::ChatFailure& failure, std::string_view why);
  void note_cut(const Failure& failure);
  void note_unterminated();
  CallSummary summary() const;

  CallContext context_;
  net::Executor shard_;
  Order order_;
  const std::string player_;  ///< its caller, as the limits know them
  std::string part_;          ///< and them at the target of the attempt
  ModelCallOptions options_;
  std::vector<PlannedTarget> targets_;
  ModelCall machine_;
  std::shared_ptr<CallClient> client_;
  using Timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        boost::asio::wait_traits<std::chrono::steady_clock>,
                                        net::Executor>;
  Timer timer_;
  std::int64_t armed_ns_ = 0;
  bool ended_ = false;

  // Of the request's tools, as a provider's text about it may have them.
  const std::vector<std::string> own_names_;
  const std::size_t request_bytes_;

  std::deque<Input> inputs_;
  bool feeding_ = false;

  // The attempt that is admitted or under way.
  Admission admission_;
  // Of the attempt's target: those that refused this call.
  std::vector<std::uint32_t> refused_keys_;
  limits::ReservationId reservation_ = 0;
  bool admitted_ = false;
  bool reserved_ = false;
  bool is_retry_ = false;
  int attempt_number_ = 0;
  std::uint32_t place_ = 0;
  std::string key_name_;
  auth::KeyRingPtr ring_;                         ///< that the attempt's key is of
  std::optional<Result<llm::WireRequest>> wire_;  // of the attempt, until it is sent
  std::shared_ptr<const void> wire_memory_;       // of a large one's body
  AttemptBound bound_;
  limits::PromptReserved prompt_reserved_ = limits::PromptReserved::by_size;
  std::shared_ptr<Attempt> attempt_;
  std::int64_t opened_ns_ = 0;
  std::int64_t opened_s_ = 0;  // of the wall
  std::int64_t first_token_ns_ = 0;
  bool requests_counted_ = false;
  bool limited_ = false;  ///< there are limits to tell of

  // What it has said so far.
  llm::ChatAnswer answer_;
  std::shared_ptr<AnswerMemory::Hold> answer_memory_;
  std::string other_;  // that waits for the answer, too: the last who came
  std::size_t kept_bytes_max_ = llm::whole_body_bytes_max;
  bool too_long_to_share_ = false;  // nothing is kept for others any more
  std::int32_t tool_calls_ = 0;
  llm::WireFormat origin_ = llm::WireFormat::none;
  const llm::ChatEvent* event_ = nullptr;  // being fed
  // What an answer begins with, not yet told to the client: another target may still give it.
  std::vector<llm::ChatEvent> beginning_;
  std::size_t beginning_bytes_ = 0;
  bool begun_ = false;
  // Of each attempt, as the client may hear it; of 0: why there is none.
  std::map<int, llm::ChatFailure> failures_for_client_;
  bool failure_noted_ = false;  // of the attempt under way

  CallSummary summary_;
};

}  // namespace redoubt::upstream
