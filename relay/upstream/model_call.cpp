#include "relay/upstream/model_call.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;
constexpr int no_answer_status = 504;

// What a client is told of a failed attempt. Our own keys and accounts are not their fault.
int client_status(const Failure& failure) {
  using llm::FailureClass;
  switch (failure.failure_class) {
    case FailureClass::bad_request:
    case FailureClass::filtered:
      return failure.status >= 400 ? failure.status : 400;
    case FailureClass::too_large:  // in bytes, or a text of it
      return failure.status == 400 ? 400 : 413;
    case FailureClass::rate_limited:
      return 429;
    case FailureClass::overloaded:
      return 503;
    case FailureClass::timeout:
      return 504;
    case FailureClass::unauthorized:
    case FailureClass::no_quota:
    case FailureClass::not_found:
    case FailureClass::server_error:
    case FailureClass::malformed:
    case FailureClass::cut:
      break;
  }
  return 502;
}

void keep_soonest(std::int64_t& soonest_ms, std::int64_t ms) {
  if (ms >= 0 && (soonest_ms < 0 || ms < soonest_ms)) soonest_ms = ms;
}

}  // namespace

ModelCallOptions game_call_options() {
  return {.delivery = Delivery::whole,
          .game = true,
          .deadline_ms = 20'000,
          .first_token_ms = 15'000,
          .progress_ms = 10'000};
}

ModelCallOptions v1_call_options(Delivery delivery) {
  return {.delivery = delivery};
}

const char* call_state_name(CallState state) {
  constexpr std::array<const char*, 6> names{"idle",      "acquiring",   "waiting",
                                             "streaming", "backing_off", "ended"};
  return names[static_cast<std::size_t>(state)];
}

ModelCall::ModelCall(ModelCallOptions options, std::vector<PlannedTarget> targets, bool engine,
                     Rng rng)
    : options_(options), targets_(std::move(targets)), engine_(engine), rng_(rng) {}

std::int64_t ModelCall::next_wake_ns() const {
  if (state_ == CallState::idle || state_ == CallState::ended) return 0;
  std::int64_t wake_ns = deadline_ns_;
  if (answer_by_ns_ > 0) wake_ns = std::min(wake_ns, answer_by_ns_);
  if (state_ == CallState::backing_off) wake_ns = std::min(wake_ns, retry_at_ns_);
  if (state_ == CallState::waiting || state_ == CallState::streaming)
    wake_ns = std::min(wake_ns, progress_by_ns_);
  return wake_ns;
}

void ModelCall::step(const Input& input, std::int64_t now_ns, std::vector<Action>& out) {
  waits_for_room_ = input.waits_for_room;
  unread_bytes_ = input.unread_bytes;
  const bool current = input.attempt == attempt_;
  const bool open = state_ == CallState::waiting || state_ == CallState::streaming;
  switch (input.kind) {
    case InputKind::start:
      if (state_ == CallState::idle) start(now_ns, out);
      return;
    case InputKind::acquired:
      return acquired(input, now_ns, out);
    case InputKind::denied:
      if (state_ == CallState::acquiring && current) denied(input.denial, out);
      return;
    case InputKind::answer_began:
      if (open && current) answer_began_ = true;
      return;
    case InputKind::token:
      if (open && current) token(input, now_ns, out);
      return;
    case InputKind::usage:
      if (open && current) {
        usage_ = input.usage;
        usage_covers_pieces_ = true;
      }
      return;
    case InputKind::heartbeat:
      return;
    case InputKind::finished:
      if (open && current) finished(input, now_ns, out);
      return;
    case InputKind::failed:
      if (open && current) attempt_failed(input, now_ns, out);
      return;
    case InputKind::time:
      if (state_ != CallState::idle && state_ != CallState::ended) time(now_ns, out);
      return;
    case InputKind::client_gone:
      if (state_ != CallState::idle && state_ != CallState::ended) client_gone(now_ns, out);
      return;
  }
}

void ModelCall::start(std::int64_t now_ns, std::vector<Action>& out) {
  started_ns_ = now_ns;
  deadline_ns_ = now_ns + options_.deadline_ms * millisecond_ns;
  if (options_.game) answer_by_ns_ = now_ns + options_.answer_by_ms * millisecond_ns;
  if (targets_.empty()) return give_up(Reason::no_model, no_answer_status, out);
  acquire(false, out);
}

void ModelCall::acquire(bool is_retry, std::vector<Action>& out) {
  state_ = CallState::acquiring;
  retry_ = is_retry;
  ++attempt_;
  on_target_ = is_retry ? on_target_ + 1 : 1;
  out.push_back(
      {.kind = ActionKind::acquire, .attempt = attempt_, .place = place_, .is_retry = is_retry});
}

void ModelCall::acquired(const Input& input, std::int64_t now_ns, std::vector<Action>& out) {
  if (state_ != CallState::acquiring || input.attempt != attempt_) {
    out.push_back({.kind = ActionKind::abandon, .attempt = input.attempt});
    return;
  }
  state_ = CallState::waiting;
  opened_ns_ = now_ns;
  progress_by_ns_ = now_ns + options_.first_token_ms * millisecond_ns;
  first_token_ns_ = 0;
  answer_began_ = false;
  complete_ = false;
  ++opened_;
  bytes_ = 0;
  usage_ = {};
  usage_covers_pieces_ = false;
  bound_ = input.bound;
  const std::int64_t left_ms = (deadline_ns_ - now_ns) / millisecond_ns;
  hurries_ = left_ms < options_.connect_ms;
  out.push_back({.kind = ActionKind::open,
                 .attempt = attempt_,
                 .place = place_,
                 .is_retry = retry_,
                 .connect_ms = std::min(options_.connect_ms, std::max<std::int64_t>(1, left_ms)),
                 .total_ms = std::max<std::int64_t>(1, left_ms)});
}

void ModelCall::denied(const CallDenial& denial, std::vector<Action>& out) {
  Refusal refusal{.kind = denial.passes ? RefusalKind::passing : RefusalKind::operators,
                  .reason = Reason::unavailable,
                  // A route that ends in the engine has nothing else to say outside the game.
                  .status = engine_ ? no_answer_status : 503};
  if (denial.by_limit) {
    refusal.kind = RefusalKind::limit;
    refusal.reason = Reason::limit;
    refusal.status = denial.status;
    refusal.retry_after_ms = denial.retry_after_ms;
  }
  note_refusal(refusal);
  if (denial.by_limit) return give_up(out, true);
  keep_soonest(soonest_retry_ms_, denial.retry_after_ms);
  if (place_ + 1 < targets_.size()) {
    ++place_;
    return acquire(false, out);
  }
  give_up(out);
}

void ModelCall::token(const Input& input, std::int64_t now_ns, std::vector<Action>& out) {
  answer_began_ = true;
  bytes_ += input.bytes;
  usage_covers_pieces_ = false;
  if (first_token_ns_ == 0) first_token_ns_ = now_ns;
  progress_by_ns_ = now_ns + options_.progress_ms * millisecond_ns;
  if (options_.delivery == Delivery::whole) return;
  state_ = CallState::streaming;
  out.push_back({.kind = ActionKind::emit, .attempt = attempt_});
}

void ModelCall::finished(const Input& input, std::int64_t now_ns, std::vector<Action>& out) {
  if (input.usage.reported) usage_ = input.usage;
  answer_began_ = true;
  complete_ = true;
  if (!input.good) {
    Input bad = input;
    // The provider did its work; asking it the same again would most likely give the same.
    bad.failure = {.stage = Stage::stream,
                   .failure_class = llm::FailureClass::malformed,
                   .should_retry = false};
    return attempt_failed(bad, now_ns, out);
  }
  release(std::nullopt, now_ns, out);
  conclude({.kind = ActionKind::deliver, .attempt = attempt_}, out);
}

void ModelCall::release(std::optional<Failure> failure, std::int64_t now_ns,
                        std::vector<Action>& out) {
  const std::int64_t until_ns = first_token_ns_ > 0 ? first_token_ns_ : now_ns;
  Action action{.kind = ActionKind::release,
                .attempt = attempt_,
                .place = place_,
                .first_token_ms = (until_ns - opened_ns_) / millisecond_ns};
  action.charge = charge(failure);
  action.failure = std::move(failure);
  out.push_back(std::move(action));
}

Stage ModelCall::stage() const {
  return answer_began_ ? Stage::stream : Stage::sent;
}

Charge ModelCall::charge(const std::optional<Failure>& failure) const {
  return charge_of({.failure = failure,
                    .complete = complete_,
                    .streamed = options_.delivery == Delivery::stream,
                    .stops_on_disconnect = targets_[place_].stops_on_disconnect,
                    .bytes = bytes_,
                    .unread_bytes = unread_bytes_,
                    .was_held_up = waits_for_room_,
                    .usage = usage_,
                    .usage_covers_pieces = usage_covers_pieces_,
                    .bound = bound_});
}

void ModelCall::attempt_failed(const Input& input, std::int64_t now_ns, std::vector<Action>& out) {
  const bool reached_client = state_ == CallState::streaming;
  // What the client has begun to read ends as it ended, whatever was before.
  if (reached_client) refusal_to_report_.reset();
  note_failure(input.failure);
  release(input.failure, now_ns, out);
  // The call's deadline was near: a target that takes as long to connect may be well.
  const bool no_time = input.failure.stage == Stage::connect &&
                       input.failure.failure_class == llm::FailureClass::timeout && hurries_;
  if (no_time) out.back().inconclusive = true;
  if (reached_client) return give_up(out);
  const AttemptCount count{.on_target = on_target_,
                           .total = opened_,
                           .another_target = place_ + 1 < targets_.size(),
                           .another_key = input.another_key,
                           .key_back_ms = input.key_back_ms,
                           .left_ms = (deadline_ns_ - now_ns) / millisecond_ns};
  const Decision decision = after_failure(options_.retry, input.failure, count, rng_);
  switch (decision.follow) {
    case Follow::give_up:
      return give_up(out);
    case Follow::next_target:
      ++place_;
      return acquire(false, out);
    case Follow::same_target:
      if (decision.wait_ms == 0) return acquire(true, out);
      state_ = CallState::backing_off;
      retry_at_ns_ = now_ns + decision.wait_ms * millisecond_ns;
      return;
  }
}

// Another attempt's answer would want as much.
void ModelCall::no_room(std::int64_t now_ns, std::vector<Action>& out) {
  if (state_ == CallState::streaming) refusal_to_report_.reset();
  out.push_back({.kind = ActionKind::cancel, .attempt = attempt_});
  const Failure failure{.stage = stage(), .failure_class = llm::FailureClass::overloaded};
  note_failure(failure);
  release(failure, now_ns, out);
  out.back().inconclusive = true;
  give_up(out);
}

// An attempt that this side ends: its connection is closed before it is let go.
void ModelCall::cut_attempt(llm::FailureClass failure_class, std::int64_t now_ns,
                            std::vector<Action>& out) {
  out.push_back({.kind = ActionKind::cancel, .attempt = attempt_});
  const Input input{.kind = InputKind::failed,
                    .attempt = attempt_,
                    .failure = {.stage = stage(), .failure_class = failure_class}};
  attempt_failed(input, now_ns, out);
}

void ModelCall::time(std::int64_t now_ns, std::vector<Action>& out) {
  const bool is_open = state_ == CallState::waiting || state_ == CallState::streaming;
  // It is not the target that is slow.
  if (is_open && waits_for_room_ && now_ns >= std::min(deadline_ns_, progress_by_ns_))
    return no_room(now_ns, out);
  if (now_ns >= deadline_ns_) return deadline(now_ns, out);
  if (answer_by_ns_ > 0 && now_ns >= answer_by_ns_) {
    answer_by_ns_ = 0;
    client_answered_ = true;
    out.push_back({.kind = ActionKind::engine, .reason = Reason::answer_by});
  }
  if (state_ == CallState::backing_off && now_ns >= retry_at_ns_) return acquire(true, out);
  const bool open = state_ == CallState::waiting || state_ == CallState::streaming;
  if (open && now_ns >= progress_by_ns_) cut_attempt(llm::FailureClass::timeout, now_ns, out);
}

void ModelCall::deadline(std::int64_t now_ns, std::vector<Action>& out) {
  if (state_ == CallState::waiting || state_ == CallState::streaming) {
    out.push_back({.kind = ActionKind::cancel, .attempt = attempt_});
    release(Failure{.stage = stage(), .failure_class = llm::FailureClass::timeout}, now_ns, out);
  }
  give_up(Reason::deadline, no_answer_status, out);
}

void ModelCall::client_gone(std::int64_t now_ns, std::vector<Action>& out) {
  if (state_ == CallState::waiting || state_ == CallState::streaming) {
    out.push_back({.kind = ActionKind::cancel, .attempt = attempt_});
    release(Failure{.stage = stage(), .failure_class = llm::FailureClass::cut}, now_ns, out);
    out.back().inconclusive = true;
  }
  state_ = CallState::ended;
  answer_by_ns_ = 0;
  out.push_back({.kind = ActionKind::ended});
}

void ModelCall::note_failure(const Failure& failure) {
  keep_soonest(soonest_retry_ms_, failure.retry_after_ms.value_or(-1));
  note_refusal({.kind = refusal_kind(failure.failure_class),
                .reason = Reason::failed,
                .status = client_status(failure)});
}

void ModelCall::note_refusal(const Refusal& refusal) {
  Refusal next = refusal;
  next.place = place_;
  next.attempt = attempt_;
  if (!refusal_to_report_ || takes_precedence(next, *refusal_to_report_)) refusal_to_report_ = next;
}

// REQUIRES: something was refused
void ModelCall::give_up(std::vector<Action>& out, bool by_limit) {
  const bool own = refusal_to_report_->kind == RefusalKind::limit;
  conclude({.kind = ActionKind::fail,
            .reason = refusal_to_report_->reason,
            .status = refusal_to_report_->status,
            .retry_after_ms = own ? refusal_to_report_->retry_after_ms : soonest_retry_ms_,
            .refused_attempt = refusal_to_report_->attempt,
            .by_limit = by_limit},
           out);
}

void ModelCall::give_up(Reason reason, int status, std::vector<Action>& out) {
  conclude({.kind = ActionKind::fail,
            .reason = reason,
            .status = status,
            .retry_after_ms = soonest_retry_ms_},
           out);
}

// The one place where a call ends on its own.
void ModelCall::conclude(Action outcome, std::vector<Action>& out) {
  assert(state_ != CallState::ended);
  state_ = CallState::ended;
  answer_by_ns_ = 0;
  const bool failed = outcome.kind == ActionKind::fail;
  if (!client_answered_) {
    if (failed && options_.game) outcome.kind = ActionKind::engine;
    client_answered_ = true;
    out.push_back(std::move(outcome));
  } else if (!failed) {
    outcome.kind = ActionKind::deliver_late;
    out.push_back(std::move(outcome));
  }
  out.push_back({.kind = ActionKind::ended});
}

}  // namespace redoubt::upstream
