// ModelCall: one call of a model from its start to its end, as values in and values out.
//
//   idle        --(start)-->                        acquiring   [acquire]
//   acquiring   --(acquired)-->                     waiting     [open]
//   acquiring   --(denied by the target, another)-> acquiring   [acquire]
//   acquiring   --(denied by the target, none)-->   ended       [fail or engine]
//   acquiring   --(denied by a limit)-->            ended       [fail or engine]; refusal.hpp says
//                                                               which of all refusals is told
//   waiting     --(first token, stream)-->          streaming   [emit]
//   waiting     --(token, whole)-->                 waiting
//   waiting     --(failed, again here)-->           backing_off [release]
//   waiting     --(failed, next target)-->          acquiring   [release, acquire]
//   waiting     --(failed, give up)-->              ended       [release, fail or engine]
//   waiting     --(no first token in time)-->       as failed   [cancel ...]
//   waiting     --(finished, good)-->               ended       [release, deliver]
//   waiting     --(finished, bad)-->                as failed   [release ...]
//   backing_off --(its time)-->                     acquiring   [acquire]
//   streaming   --(token)-->                        streaming   [emit]
//   streaming   --(finished)-->                     ended       [release, deliver]
//   streaming   --(failed)-->                       ended       [release, fail]
//   streaming   --(no progress in time)-->          ended       [cancel, release, fail]
//   waiting     --(no room to read on, in time)-->  ended       [cancel, release, fail or engine]
//   streaming   --(no room to read on, in time)-->  ended       [cancel, release, fail]
//   any         --(client gone)-->                  ended       [cancel, release]
//   any         --(the call's deadline)-->          ended       [cancel, release, fail or nothing]
//   game: any   --(answer_by)-->                    same        [engine]; what comes later is late
//   ended       --(acquired, too late)-->           ended       [abandon]
//
// Laws:
// 1. The client gets one outcome: deliver, fail or engine (or none: it left). After it nothing but
//    `deliver_late`, once, on game calls.
// 2. `emit` only for stream delivery; once the first was made no other attempt is opened.
// 3. Every acquired attempt is released once, with what it is to be charged, or abandoned.
// 4. One attempt is open at a time. Inputs of an attempt that has ended change nothing.
// 5. A heartbeat is no progress. What an attempt is charged stands in charging.hpp.
// 6. `ended` comes once, last of all, and no wake is wanted after it.
// 7. No time is waited past the deadline: next_wake_ns() is the only timer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/llm/chat.hpp"
#include "relay/upstream/charging.hpp"
#include "relay/upstream/refusal.hpp"
#include "relay/upstream/retry.hpp"

namespace redoubt::upstream {

enum class Delivery : std::uint8_t {
  stream,  ///< tokens go to the client as they come
  whole,   ///< the answer is collected and checked first, so a bad one can still fall back
};

struct ModelCallOptions {
  Delivery delivery = Delivery::stream;
  bool game = false;                  ///< the engine answers when no model does, or not in time
  std::int64_t answer_by_ms = 2'500;  ///< game only
  std::int64_t deadline_ms = 600'000;
  std::int64_t connect_ms = 3'000;
  std::int64_t first_token_ms = 60'000;
  std::int64_t progress_ms = 60'000;  ///< between two tokens
  RetryOptions retry;
};
ModelCallOptions game_call_options();
ModelCallOptions v1_call_options(Delivery delivery);

/// A target of the call's route.
struct PlannedTarget {
  std::uint32_t target = 0;
  bool stops_on_disconnect = false;  ///< llm::Dialect
};

enum class InputKind : std::uint8_t {
  start,
  acquired,      ///< attempt, bound
  denied,        ///< attempt, denial
  answer_began,  ///< a 2xx head came
  token,         ///< bytes: text, reasoning or a tool call's piece
  usage,         ///< usage: replaces what was told before
  heartbeat,
  finished,  ///< good: the answer passes its check (always, for a stream)
  failed,    ///< failure
  time,      ///< next_wake_ns has come
  client_gone,
};

/// Why an attempt could not be acquired.
struct CallDenial {
  bool by_limit = false;  ///< the client's own limits: no other target is tried
  bool passes = true;     ///< else: by itself the target comes back for nobody
  int status = 503;       ///< 429, 402 or 503
  std::int64_t retry_after_ms = -1;
};

struct Input {
  InputKind kind = InputKind::time;
  int attempt = 0;
  std::int64_t bytes = 0;
  bool good = true;
  // time, client_gone: of the attempt under way
  bool waits_for_room = false;    ///< for want of memory the answer is not read
  std::int64_t unread_bytes = 0;  ///< that came and were not read
  llm::Usage usage;
  Failure failure;
  CallDenial denial;
  AttemptBound bound;
  // Known to whoever feeds a failure, see AttemptCount.
  bool another_key = false;
  std::int64_t key_back_ms = 0;
};

enum class ActionKind : std::uint8_t {
  acquire,       ///< attempt, place, is_retry: admit at the target, reserve limits, then answer
  open,          ///< attempt, place, connect_ms, total_ms
  cancel,        ///< attempt: close its connection
  release,       ///< attempt, result, first_token_ms, charge
  abandon,       ///< attempt: it was acquired after the end
  emit,          ///< pass the event that was just fed on to the client
  deliver,       ///< the client's answer is complete (stream: its last event)
  deliver_late,  ///< the engine has answered; this goes out as a directive and into the cache
  engine,        ///< answer from the engine now; reason
  fail,          ///< the client gets an error; status, retry_after_ms, reason
  ended,
};

struct Action {
  ActionKind kind = ActionKind::ended;
  int attempt = 0;
  std::uint32_t place = 0;  ///< in the planned targets
  bool is_retry = false;
  std::int64_t connect_ms = 0;
  std::int64_t total_ms = 0;
  std::optional<Failure> failure;  ///< release: how it ended
  /// release: of the target; the client left, room was missing, or it had no time to connect.
  bool inconclusive = false;
  std::int64_t first_token_ms = 0;
  Charge charge;
  Reason reason = Reason::none;
  int status = 0;
  std::int64_t retry_after_ms = -1;
  int refused_attempt = 0;  ///< fail, engine: the attempt whose refusal is told; 0: none
  bool by_limit = false;    ///< fail, engine: a limit of the client's was the end, whatever is told
};

enum class CallState : std::uint8_t {
  idle,
  acquiring,
  waiting,
  streaming,
  backing_off,
  ended,
};
const char* call_state_name(CallState state);

class ModelCall {
 public:
  /// `engine` is that the route ends in it: on a call that is not the game's it answers 504.
  ModelCall(ModelCallOptions options, std::vector<PlannedTarget> targets, bool engine, Rng rng);

  /// Appends what is to be done, in order.
  void step(const Input& input, std::int64_t now_ns, std::vector<Action>& out);

  /// When to feed `time` at the latest; 0 when ended or idle.
  std::int64_t next_wake_ns() const;
  CallState state() const { return state_; }
  int attempts() const { return opened_; }

 private:
  void start(std::int64_t now_ns, std::vector<Action>& out);
  void acquire(bool is_retry, std::vector<Action>& out);
  void acquired(const Input& input, std::int64_t now_ns, std::vector<Action>& out);
  void denied(const CallDenial& denial, std::vector<Action>& out);
  void token(const Input& input, std::int64_t now_ns, std::vector<Action>& out);
  void finished(const Input& input, std::int64_t now_ns, std::vector<Action>& out);
  void attempt_failed(const Input& input, std::int64_t now_ns, std::vector<Action>& out);
  void time(std::int64_t now_ns, std::vector<Action>& out);
  void deadline(std::int64_t now_ns, std::vector<Action>& out);
  void client_gone(std::int64_t now_ns, std::vector<Action>& out);
  void no_room(std::int64_t now_ns, std::vector<Action>& out);
  void cut_attempt(llm::FailureClass failure_class, std::int64_t now_ns, std::vector<Action>& out);
  void release(std::optional<Failure> failure, std::int64_t now_ns, std::vector<Action>& out);
  void conclude(Action outcome, std::vector<Action>& out);
  void give_up(std::vector<Action>& out, bool by_limit = false);
  void give_up(Reason reason, int status, std::vector<Action>& out);
  void note_failure(const Failure& failure);
  void note_refusal(const Refusal& refusal);
  Charge charge(const std::optional<Failure>& failure) const;
  Stage stage() const;

  ModelCallOptions options_;
  std::vector<PlannedTarget> targets_;
  bool engine_;
  Rng rng_;

  CallState state_ = CallState::idle;
  bool client_answered_ = false;
  std::int64_t started_ns_ = 0;
  std::int64_t deadline_ns_ = 0;
  std::int64_t answer_by_ns_ = 0;  // 0: not wanted, or done
  std::uint32_t place_ = 0;
  int attempt_ = 0;
  int opened_ = 0;  // of the acquired attempts; a denied one was never made
  int on_target_ = 0;
  bool retry_ = false;
  std::int64_t retry_at_ns_ = 0;

  // The open attempt.
  std::int64_t opened_ns_ = 0;
  std::int64_t progress_by_ns_ = 0;
  std::int64_t first_token_ns_ = 0;
  bool answer_began_ = false;
  bool complete_ = false;  // it finished, so that its usage is the whole
  std::int64_t bytes_ = 0;
  llm::Usage usage_;
  bool usage_covers_pieces_ = false;
  std::int64_t unread_bytes_ = 0;  // as it is cut
  bool waits_for_room_ = false;
  bool hurries_ = false;  // it has less time to connect than a target is given
  AttemptBound bound_;

  std::optional<Refusal> refusal_to_report_;  // of all that went wrong so far
  std::int64_t soonest_retry_ms_ = -1;
};

}  // namespace redoubt::upstream
