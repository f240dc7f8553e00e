#include "relay/services/models/prompt_list.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "engine/llm/text_completion.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/services/models/model_responses.hpp"
#include "relay/upstream/request_size.hpp"

namespace redoubt::services {

namespace {

// What a completion tells of it.
void add(llm::Usage& sum, const llm::Usage& usage, bool is_first) {
  sum.reported = usage.reported && (is_first || sum.reported);
  sum.input += usage.input;
  sum.output += usage.output;
}

}  // namespace

PromptList::PromptList(upstream::Gateway& gateway, const net::Executor& shard,
                       upstream::Order common, std::vector<std::string> prompts,
                       upstream::Delivery delivery, std::shared_ptr<upstream::CallClient> client)
    : gateway_(gateway),
      shard_(shard),
      common_(std::move(common)),
      prompts_(std::move(prompts)),
      delivery_(delivery),
      client_(std::move(client)),
      answers_each_(static_cast<std::int32_t>(common_.request.answers)) {}

Result<void> PromptList::start() {
  // However small: of many lists, each may wait for long.
  if (common_.hold_memory) {
    waiting_memory_ = common_.hold_memory(upstream::request_size(common_.request) +
                                          upstream::texts_size(prompts_));
    if (!waiting_memory_) return contract::overloaded();
  }
  return start_next();
}

upstream::Order PromptList::take_next() {
  std::string prompt = std::move(prompts_[next_++]);
  upstream::Order order;
  if (is_last()) {
    order = std::move(common_);
    waiting_memory_.reset();
  } else {
    order = common_;
  }
  llm::put_prompt(order.request, std::move(prompt));
  return order;
}

Result<void> PromptList::start_next() {
  auto started = gateway_.start(shard_, take_next(), delivery_, shared_from_this());
  if (!started) return std::move(started.error());
  if (!over_) call_ = std::move(*started);
  return {};
}

void PromptList::leave() {
  over_ = true;
  if (const auto call = std::exchange(call_, nullptr)) call->leave();
}

void PromptList::on_begun(const upstream::CallSummary& summary) {
  if (next_ == 1) client_->on_begun(summary);
}

void PromptList::on_event(const llm::ChatEvent& event, llm::WireFormat origin) {
  if (over_) return;
  llm::ChatEvent renumbered = event;
  renumbered.answer += static_cast<std::int32_t>(next_ - 1) * answers_each_;
  switch (event.kind) {
    case llm::EventKind::started:
      if (next_ == 1) client_->on_event(event, origin);
      return;
    case llm::EventKind::usage:
      of_call_ = event.usage;
      return;
    case llm::EventKind::finished:
      add(usage_, std::exchange(of_call_, {}), next_ == 1);
      if (is_last()) {
        tell_usage(origin);
      } else {
        renumbered.kind = llm::EventKind::answer_finished;
      }
      break;
    default:
      break;
  }
  client_->on_event(renumbered, origin);
}

void PromptList::tell_usage(llm::WireFormat origin) {
  if (!usage_.reported) return;
  llm::ChatEvent usage;
  usage.kind = llm::EventKind::usage;
  usage.usage = usage_;
  client_->on_event(usage, origin);
}

void PromptList::on_memory(std::shared_ptr<upstream::AnswerMemory::Hold> memory) {
  if (memory) memory_.push_back(std::move(memory));
}

void PromptList::keep(llm::ChatAnswer answer) {
  std::vector<llm::ChatAnswer> others = std::exchange(answer.others, {});
  // Each prompt's choices have their places, whether or not the target gave as many.
  others.resize(static_cast<std::size_t>(answers_each_) - 1);
  add(usage_, answer.usage, next_ == 1);
  if (next_ == 1) {
    answer_ = std::move(answer);
  } else {
    answer_.others.push_back(std::move(answer));
  }
  for (llm::ChatAnswer& other : others)
    answer_.others.push_back(std::move(other));
}

upstream::CallSummary PromptList::summed(const upstream::CallSummary& of_call) {
  cost_ += of_call.cost;
  estimated_ = estimated_ || of_call.estimated;
  upstream::CallSummary sum = of_call;
  sum.cost = cost_;
  sum.estimated = estimated_;
  return sum;
}

void PromptList::on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                           const upstream::CallSummary& summary) {
  if (over_) return;
  const upstream::CallSummary sum = summed(summary);
  const bool whole = delivery_ == upstream::Delivery::whole;
  // It grows no more: no answer waits behind it, this list's next one among them.
  if (!memory_.empty()) memory_.back()->settle(whole ? upstream::answer_size(*answer) : 0);
  if (whole) keep(*answer);
  if (!is_last()) return;
  over_ = true;
  answer_.usage = usage_;
  if (!memory_.empty()) {
    memory_.back()->settle(upstream::answer_size(answer_));
    client_->on_memory(std::move(memory_.back()));
    memory_.clear();
  }
  client_->on_answer(std::make_shared<const llm::ChatAnswer>(std::move(answer_)), origin, sum);
}

void PromptList::on_refusal(const upstream::CallRefusal& why,
                            const upstream::CallSummary& summary) {
  if (std::exchange(over_, true)) return;
  client_->on_refusal(why, summed(summary));
}

void PromptList::on_end() {
  call_.reset();
  if (over_) {
    client_->on_end();
    return;
  }
  // Not from within the telling of the call before it.
  boost::asio::post(shard_, [self = shared_from_this()] { self->next(); });
}

void PromptList::next() {
  if (over_) return;
  const Result<void> started = start_next();
  if (started) return;
  over_ = true;
  const llm::ChatFailure failure = request_failure(started.error());
  client_->on_refusal({.status = failure.status, .failure = failure}, summed({}));
  client_->on_end();
}

}  // namespace redoubt::services
