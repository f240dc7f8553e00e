// What the fleet wants done: the store's part, effects, and what is told.
#include <utility>

#include "engine/agents/memory_call.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "relay/contract/store_fault.hpp"
#include "relay/services/runs/run_host.hpp"

namespace redoubt::runs {
namespace {

using workflow::LoadedRun;
using workflow::RunRecord;
using workflow::StepKind;

/// A run that is kept as a whole: the limits are the fleet's context of it.
Result<StoredRun> stored_run(action::Store& order) {
  auto limits = limits_of(order.record.context);
  if (!limits) return limits.error();
  StoredRun run;
  run.key = own_key(order.run.key);
  run.limits = std::move(*limits);
  run.workflow = std::move(order.record.workflow);
  run.definition = std::move(order.record.definition);
  run.status = workflow::name_of(order.record.status);
  run.started_ms = order.record.started_ms;
  run.ended_ms = order.record.ended_ms;
  run.root = std::move(order.record.root);
  run.depth = order.record.depth;
  run.history = std::move(order.frames);
  run.waits = order.record.only_waits;
  run.wake_ms = order.record.wake_ms;
  run.memory_bytes = order.record.memory_bytes;
  run.snapshot = std::move(order.snapshot);
  run.snapshot_seq = order.snapshot_seq;
  return run;
}

RunPiece piece_of(action::Store& order) {
  return {.key = own_key(order.run.key),
          .number = static_cast<std::int64_t>(order.record.stores),
          .frames = std::move(order.frames),
          .status = workflow::name_of(order.record.status),
          .ended_ms = order.record.ended_ms,
          .waits = order.record.only_waits,
          .wake_ms = order.record.wake_ms,
          .memory_bytes = order.record.memory_bytes,
          .rests = order.rests,
          .snapshot = std::move(order.snapshot),
          .snapshot_seq = order.snapshot_seq};
}

LoadedRun loaded_run(StoredRun run) {
  LoadedRun loaded;
  RunRecord& record = loaded.record;
  record.workflow = std::move(run.workflow);
  record.definition = std::move(run.definition);
  record.context = limits_text(run.limits);
  record.started_ms = run.started_ms;
  record.ended_ms = run.ended_ms;
  record.root = std::move(run.root);
  record.depth = run.depth;
  record.only_waits = run.waits;
  record.wake_ms = run.wake_ms;
  record.memory_bytes = run.memory_bytes;
  record.stores = static_cast<std::uint64_t>(run.pieces);
  loaded.text_bytes = run.text_bytes;
  loaded.unread = run.unread;
  loaded.snapshot = std::move(run.snapshot);
  loaded.snapshot_seq = run.snapshot_seq;
  loaded.history = std::move(run.history);
  return loaded;
}

}  // namespace

// --- the store ---

void RunHost::carry_out(action::Store& order) {
  Callback<OwnerUse> callback = on_thread<OwnerUse>(
      [this, run = order.run](const Result<OwnerUse>& kept) { stored(run, kept); });
  if (order.how == action::Store::How::append)
    return store_.append(piece_of(order), std::move(callback));
  const std::int64_t epoch = order.epoch ? static_cast<std::int64_t>(*order.epoch) : -1;
  auto whole = stored_run(order);
  if (!whole) return callback(whole.error());
  store_.put(std::move(*whole), epoch, std::move(callback));
}

void RunHost::stored(const RunRef& run, const Result<OwnerUse>& result) {
  const action::Store* order = fleet_.storing(run);
  if (!order) return;
  const RunKey key = own_key(run.key);
  if (!result) {
    store_faults_.add();
    complain("run_store", &key, result.error());
    fleet_.stored(run, result.error(), now_ms());
    return settle();
  }
  if (order->how != action::Store::How::append) started_.add();
  if (order->ends) ended_.add();
  if (Watchers* watchers = watchers_of(key); watchers && !order->frames.empty()) {
    watchers->stored(order->frames, static_cast<std::int64_t>(order->record.stores));
    schedule_watchers(key);
  }
  // It cannot be refused any more.
  if (const std::int64_t most = store_.bounds().bytes_max; result->bytes > most)
    fleet_.cancel(run.key,
                  joined({"its owner's runs take more than ", most >> 20,
                          " MiB here: remove some that are over"}),
                  now_ms());
  fleet_.stored(run, {}, now_ms());
  settle();
}

void RunHost::carry_out(action::Load& order) {
  const ReadRoom room{order.memory_bytes_max, order.text_bytes_max, order.whole};
  store_.take(own_key(order.run.key), room,
              on_thread<std::optional<StoredRun>>(
                  [this, run = order.run](Result<std::optional<StoredRun>> stored) {
                    Result<std::optional<LoadedRun>> found = std::optional<LoadedRun>();
                    if (!stored)
                      found = stored.error();
                    else if (*stored && (*stored)->set_aside)
                      found = set_aside_error(run.key.id);
                    else if (*stored)
                      found = std::optional<LoadedRun>(loaded_run(std::move(**stored)));
                    fleet_.loaded(run, std::move(found), now_ms());
                    settle();
                  }));
}

void RunHost::carry_out(action::Release& order) {
  store_.release(own_key(order.run), order.memory_bytes, {});
}

void RunHost::carry_out(action::Erase& order) {
  store_.remove(own_key(order.run),
                on_thread<bool>([this, key = order.run](const Result<bool>& erased) {
                  if (erased) end_watchers(own_key(key));
                  fleet_.erased(key, erased, now_ms());
                  settle();
                }));
}

void RunHost::carry_out(action::ReadHistory& order) {
  store_.history(own_key(order.run.key),
                 on_thread<std::string>([this, run = order.run](Result<std::string> history) {
                   fleet_.history_read(run, std::move(history), now_ms());
                   settle();
                 }));
}

void RunHost::carry_out(action::ReadEpochs& order) {
  store_.epochs(own_key(order.run.key),
                on_thread<std::vector<std::uint32_t>>(
                    [this, run = order.run](Result<std::vector<std::uint32_t>> epochs) {
                      fleet_.epochs_read(run, std::move(epochs), now_ms());
                      settle();
                    }));
}

// --- effects ---

void RunHost::carry_out(action::Begin& order) {
  switch (order.effect.kind) {
    case StepKind::builtin:
      return begin_builtin(order);
    case StepKind::model:
      return begin_model(order);
    case StepKind::ask:
      return;  // its owner answers
    case StepKind::tool:
      return fail(order, {.code = "no_tool", .message = "the relay has no tools of its own"});
    default:
      return fail(order,
                  {.code = "not_here", .message = "the relay does not carry out such a step"});
  }
}

void RunHost::begin_builtin(const action::Begin& order) {
  const workflow::Effect& effect = order.effect;
  if (!agents::is_memory_call(effect.target)) {
    const auto answer = play::call(effect.target, effect.request);
    return finish(order.run, effect.id, !answer,
                  answer ? *answer : workflow::failure_value(answer.error()));
  }
  const RunKey key = own_key(order.run.key);
  memories_.call(
      {.owner = key.owner,
       .name = effect.target,
       .request = effect.request,
       .key = effect.key,
       .now_ms = now_ms()},
      [this, key, run = order.run, id = effect.id](const Result<std::string>& answer) {
        finish_later(run, id, !answer,
                     answer ? *answer : workflow::failure_value(for_history(key, answer.error())));
      });
}

void RunHost::begin_model(const action::Begin& order) {
  if (!dependencies_.gateway)
    return fail(order, {.code = "no_model", .message = "the relay has no models"});
  const RunRecord* record = fleet_.record(order.run.key);
  if (!record) return;  // it has left meanwhile
  const RunKey key = own_key(order.run.key);
  const auto limits = limits_of(record->context);
  if (!limits) return fail(order, limits.error());
  auto callback = [weak = weak_from_this(), run = order.run, id = order.effect.id](
                      bool failed, std::string value) {
    if (const auto self = weak.lock()) self->finish_later(run, id, failed, std::move(value));
  };
  auto step = begin_model_step(
      *dependencies_.gateway, io_.get_executor(),
      {.effect = order.effect, .identity = key.owner, .limits = *limits, .request_id = key.id},
      watch_step(order.run, order.effect.id), std::move(callback));
  if (!step) return fail(order, for_history(key, step.error()));
  models_[{order.run.serial, order.effect.id}] = std::move(*step);
}

void RunHost::finish(const RunRef& run, const std::string& effect, bool failed, std::string value) {
  models_.erase({run.serial, effect});
  forget_text(run, effect);
  fleet_.done(run, effect, failed, std::move(value), now_ms());
  settle();
}

/// Any thread.
void RunHost::finish_later(const RunRef& run, const std::string& effect, bool failed,
                           std::string value) {
  post([this, run, effect, failed, value = std::move(value)]() mutable {
    finish(run, effect, failed, std::move(value));
  });
}

void RunHost::fail(const action::Begin& order, const Error& error) {
  finish(order.run, order.effect.id, true, workflow::failure_value(error));
}

void RunHost::carry_out(action::Withdraw& order) {
  const auto found = models_.find({order.run.serial, order.effect});
  if (found == models_.end()) return;
  found->second->leave();
  models_.erase(found);
  forget_text(order.run, order.effect);
}

/// What the store says goes to the log: a history is its owner's to read.
Error RunHost::for_history(const RunKey& key, const Error& error) {
  if (contract::is_store_fault(error)) complain("store_fault", &key, error);
  return contract::for_caller(error);
}

// --- what is told ---

void RunHost::carry_out(action::Tell& answer) {
  auto waiting = callbacks_.extract(answer.call);
  if (waiting) waiting.mapped()(std::move(answer.said));
}

void RunHost::carry_out(action::Changed& changed) {
  const RunKey key = own_key(changed.run);
  Watchers* watchers = watchers_of(key);
  const workflow::Run* run = fleet_.find(changed.run);
  if (!watchers || !run || !workflow::is_over(run->status()) || !fleet_.is_stored(changed.run))
    return;
  watchers->finish();
  schedule_watchers(key);
}

void RunHost::carry_out(action::Left& left) {
  if (left.why) end_watchers(own_key(left.run.key));
  wake_at(left.wake_ms);
}

void RunHost::carry_out(action::Fault& fault) {
  const RunKey key = own_key(fault.run);
  complain("run_follow", &key, fault.error);
}

void RunHost::carry_out(action::Wake& wake) {
  if (wake.at_ms == 0) {
    fleet_timer_.cancel();
    return;
  }
  call_at(fleet_timer_, wake.at_ms, [this] {
    fleet_.tick(now_ms());
    settle();
  });
}

}  // namespace redoubt::runs
