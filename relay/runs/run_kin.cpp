// Runs that a run leads to: children, for which one of its steps waits, and successors, in which it
// goes on. They belong to its owner, and are charged and bounded as it is.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/kin.hpp"
#include "relay/runs/run_host.hpp"

namespace redoubt::runs {
namespace {

using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;

constexpr std::int64_t follow_retry_ms = 30'000;

// Children's chance follows from their ids, as their ids from their parents'.
std::uint64_t seed_of(const std::string& id) {
  return std::strtoull(id.substr(0, 8).c_str(), nullptr, 16);
}

}  // namespace

bool is_passing(std::string_view code) {
  constexpr std::array<std::string_view, 4> passing{"store_busy", "bad_store", "too_many_runs",
                                                    "owner_full"};
  return std::find(passing.begin(), passing.end(), code) != passing.end();
}

Owner RunHost::owner_of(const Open& open) {
  return {.identity = open.stored.key.owner, .limits = open.stored.limits};
}

void RunHost::begin_child(Open& open, const workflow::Effect& effect) {
  if (open.stored.depth >= workflow::kChildDepthMax)
    return fail(
        open, effect.id,
        {.code = "too_deep",
         .message = joined({"children of children go no deeper than ", workflow::kChildDepthMax})});
  const std::string id = workflow::child_id(effect.key);
  open.children[effect.id] = id;
  start_or_join({.owner = owner_of(open),
                 .id = id,
                 .workflow = effect.target,
                 .input = effect.request,
                 .root = open.stored.root,
                 .depth = open.stored.depth + 1},
                Waiter{open.stored.key.id, effect.id}, {});
}

void RunHost::start_or_join(Kin kin, std::optional<Waiter> waiter, JsonCallback stored) {
  const RunKey key{kin.owner.identity, kin.id};
  with(key, [this, key, kin = std::move(kin), waiter, stored](Result<Open*> found) {
    if (found) return join(**found, waiter, stored);
    if (found.error().code == "unknown_run") return start_kin(kin, waiter, stored);
    if (waiter) tell_parent(kin.owner.identity, *waiter, true, failure_of(&key, found.error()));
    if (stored) stored(found.error());
  });
}

void RunHost::start_kin(const Kin& kin, const std::optional<Waiter>& waiter,
                        const JsonCallback& stored) {
  // Another step may have begun it meanwhile.
  const RunKey key{kin.owner.identity, kin.id};
  if (Open* open = find(key)) return join(*open, waiter, stored);
  const auto failed = [&](const Error& error) {
    if (waiter) tell_parent(kin.owner.identity, *waiter, true, failure_of(&key, error));
    if (stored) stored(error);
  };
  const auto definition = kin.pinned ? kin.pinned : around_.catalogue.current()->find(kin.workflow);
  if (!definition)
    return failed(Error{.code = "unknown_workflow",
                        .message = joined({"no workflow is called ", kin.workflow})});
  if (auto full = no_room(kin.owner)) return failed(*full);
  auto run = Run::start(definition, kin.input,
                        {.id = kin.id,
                         .seed = seed_of(kin.id),
                         .now_ms = around_.wall_now_ms(),
                         .generation = kin.generation,
                         .work = kin.work});
  if (!run) return failed(run.error());
  join(hold_new(kin.owner, std::move(*run), kin.root, kin.depth), waiter, stored);
}

void RunHost::join(Open& open, const std::optional<Waiter>& waiter, const JsonCallback& stored) {
  if (waiter) {
    Open* parent = find(RunKey{open.stored.key.owner, waiter->run});
    const bool waits = parent && parent->children.count(waiter->effect) > 0;
    if (waits) parent->children[waiter->effect] = open.stored.key.id;
    if (std::find(open.waiters.begin(), open.waiters.end(), *waiter) == open.waiters.end())
      open.waiters.push_back(*waiter);
    // The step was withdrawn while this run was being looked for.
    if (!waits) cancel_child(open.stored.key, *waiter);
  }
  if (stored) open.viewers.push_back({copying(stored)});
  schedule(open.stored.key);
}

/// The effect's end, told from outside the parent's own turn.
void RunHost::tell_parent(const auth::Identity& owner, const Waiter& waiter, bool failed,
                          std::string value) {
  post([this, key = RunKey{owner, waiter.run}, effect = waiter.effect, failed,
        value = std::move(value)]() mutable {
    Open* parent = find(key);
    if (!parent || parent->children.erase(effect) == 0) return;
    finish(*parent, effect, failed, std::move(value));
    schedule(key);
  });
}

/// Told once the run's end is stored, or that it is parked: then it ends elsewhere, if at all.
void RunHost::tell_waiters(Open& open) {
  const RunStatus status = open.run.status();
  const bool done = status == RunStatus::done;
  std::string outcome = open.run.outcome();
  if (status == RunStatus::cancelled)
    outcome = workflow::failure_value(
        Error{.code = "child_cancelled", .message = "the run was cancelled"});
  if (status == RunStatus::parked)
    outcome = workflow::failure_value(
        Error{.code = "child_parked", .message = "the run was exported, and goes on elsewhere"});
  for (const Waiter& waiter : std::exchange(open.waiters, {}))
    tell_parent(open.stored.key.owner, waiter, !done, outcome);
}

// Ended in a handoff: the run that goes on is begun, and whoever waits for this one waits for it.
void RunHost::follow(Open& open) {
  const auto next = workflow::read_payload(open.run.outcome());
  const Json outcome = next ? *next : Json::object();
  Kin kin{.owner = owner_of(open),
          .id = workflow::successor_id(open.stored.key.id),
          .workflow = outcome.value("workflow", std::string()),
          .input = canonical(outcome.value("input", Json())),
          .root = open.stored.root,
          .depth = open.stored.depth,
          .generation = open.run.generation() + 1,
          .work = open.run.work_units()};
  if (kin.workflow == open.run.definition()->name) kin.pinned = open.run.definition();
  std::vector<Waiter> waiters = std::exchange(open.waiters, {});
  if (open.stored.ended_ms == 0 && !std::exchange(open.following, true))
    start_or_join(kin, std::nullopt, [this, ref = open.ref()](const Result<std::string>& begun) {
      Open* again = find(ref);
      if (!again) return;
      if (!begun) complain("run_follow", &ref.key, begun.error());
      if (begun || !is_passing(begun.error().code)) return end_followed(ref);
      again->timer.expires_after(std::chrono::milliseconds(follow_retry_ms));
      again->timer.async_wait([this, ref](const boost::system::error_code& error) {
        Open* waiting = find(ref);
        if (error || stopping_ || !waiting) return;
        waiting->following = false;
        schedule(ref.key);
      });
    });
  for (const Waiter& waiter : waiters)
    start_or_join(kin, waiter, {});
}

// Its successor is stored, or can never be: only now is nothing left to do for it after a start.
void RunHost::end_followed(const Ref& ref) {
  Open* open = find(ref);
  if (!open || open->stored.ended_ms > 0) return;
  open->stored.ended_ms = around_.wall_now_ms();
  open->following = false;
  open->view.clear();
  ended_.add();
  store_.append({.key = ref.key,
                 .number = open->stored.pieces++,
                 .status = open->stored.status,
                 .ended_ms = open->stored.ended_ms,
                 .rests = true},
                on_thread<OwnerUse>([this, ref](const Result<OwnerUse>& kept) {
                  if (!kept) complain("run_store", &ref.key, kept.error());
                }));
}

void RunHost::cancel_child(const RunKey& child, const Waiter& waiter) {
  post([this, child, waiter] {
    with(child, [this, waiter](Result<Open*> found) {
      if (!found) return;
      Open& open = **found;
      // Another attempt of the step may wait for it again.
      const Open* parent = find(RunKey{open.stored.key.owner, waiter.run});
      if (parent && parent->children.count(waiter.effect) > 0) return;
      std::erase(open.waiters, waiter);
      if (!open.waiters.empty() || open.run.status() != RunStatus::running) return;
      open.inputs.push_back({InputKind::cancel, "the step that began it", {}, {}});
      schedule(open.stored.key);
    });
  });
}

}  // namespace redoubt::runs
