// Runs that a run leads to: children, for which one of its steps waits, and successors, in which it
// goes on. They belong to its owner.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"
#include "engine/workflow/kin.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::size_t seed_digits = 8;

/// Their chance follows from their ids, as their ids from the run's.
std::uint64_t seed_of(const std::string& id) {
  return std::strtoull(id.substr(0, seed_digits).c_str(), nullptr, 16);
}

}  // namespace

bool Fleet::Parts::is_passing(const Error& error) const {
  const auto& codes = options.passing_codes;
  return error.code == "too_many_runs" ||
         std::find(codes.begin(), codes.end(), error.code) != codes.end();
}

/// As those that waited for the run are told.
std::string Fleet::Parts::failure_of(const RunKey& key, const Error& error) const {
  return failure_value(options.for_history ? options.for_history(key, error) : error);
}

void Fleet::Parts::begin_child(Open& open, const Effect& effect) {
  if (open.record.depth >= kChildDepthMax)
    return finish(open, effect.id, true,
                  failure_value({.code = "too_deep",
                                 .message = joined({"children of children go no deeper than ",
                                                    kChildDepthMax})}));
  const std::string id = child_id(effect.key);
  open.children[effect.id] = id;
  start_or_join({.key = {open.ref.key.owner, id},
                 .workflow = effect.target,
                 .input = effect.request,
                 .context = open.record.context,
                 .root = open.record.root,
                 .depth = open.record.depth + 1},
                Waiter{open.ref.key.id, effect.id}, {});
}

/// `follower` is the run that goes on in it: over once this one is stored.
void Fleet::Parts::start_or_join(Kin kin, std::optional<Waiter> waiter, Follower follower) {
  const RunKey key = kin.key;
  with(key, [this, kin = std::move(kin), waiter, follower](Result<Open*> found) {
    if (found) return join(**found, waiter, follower);
    if (found.error().code == "unknown_run") return start_kin(kin, waiter, follower);
    not_begun(kin.key, waiter, follower, found.error());
  });
}

void Fleet::Parts::start_kin(const Kin& kin, const std::optional<Waiter>& waiter,
                             const Follower& follower) {
  // Another step may have begun it meanwhile.
  if (Open* open = find(kin.key)) return join(*open, waiter, follower);
  const std::string& owner = kin.key.owner;
  const auto found = kin.pinned ? Result<DefinitionPtr>(kin.pinned) : options.find(kin.workflow);
  if (!found) return not_begun(kin.key, waiter, follower, found.error());
  const DefinitionPtr& definition = *found;
  if (!definition)
    return not_begun(
        kin.key, waiter, follower,
        {.code = "unknown_workflow", .message = joined({"no workflow is called ", kin.workflow})});
  if (auto full = no_room(owner)) return not_begun(kin.key, waiter, follower, *full);
  auto run = Run::start(definition, kin.input,
                        {.id = kin.key.id,
                         .seed = seed_of(kin.key.id),
                         .now_ms = now_ms,
                         .generation = kin.generation,
                         .work = kin.work,
                         .turn_work_max = bounds().turn_work_max});
  if (!run) return not_begun(kin.key, waiter, follower, run.error());
  RunRecord record;
  record.context = kin.context;
  record.root = kin.root;
  record.depth = kin.depth;
  join(hold_new(kin.key, std::move(*run), std::move(record)), waiter, follower);
}

void Fleet::Parts::not_begun(const RunKey& key, const std::optional<Waiter>& waiter,
                             const Follower& follower, const Error& error) {
  if (waiter) tell_parent(key.owner, *waiter, true, failure_of(key, error));
  if (follower) end_followed(*follower, error);
}

void Fleet::Parts::join(Open& open, const std::optional<Waiter>& waiter, const Follower& follower) {
  const std::string& owner = open.ref.key.owner;
  if (waiter) {
    Open* parent = find(RunKey{owner, waiter->run});
    const bool waits = parent && parent->children.count(waiter->effect) > 0;
    if (waits) {
      parent->children[waiter->effect] = open.ref.key.id;
      open.record.depth = std::max(open.record.depth, parent->record.depth + 1);
    }
    if (std::find(open.waiters.begin(), open.waiters.end(), *waiter) == open.waiters.end())
      open.waiters.push_back(*waiter);
    // The step was withdrawn while this run was being looked for.
    if (!waits) cancel_child(open.ref.key, *waiter);
  }
  if (follower) open.followers.push_back(*follower);
  schedule(open.ref.key);
}

void Fleet::Parts::tell_parent(const std::string& owner, const Waiter& waiter, bool failed,
                               std::string value) {
  Open* parent = find(RunKey{owner, waiter.run});
  if (!parent || parent->children.erase(waiter.effect) == 0) return;
  finish(*parent, waiter.effect, failed, std::move(value));
  schedule(parent->ref.key);
}

/// Told once the run's end is stored, or that it is parked: then it ends elsewhere, if at all.
void Fleet::Parts::tell_waiters(Open& open) {
  if (open.waiters.empty()) return;
  const RunStatus status = open.run.status();
  std::string outcome = open.run.outcome();
  if (status == RunStatus::cancelled)
    outcome = failure_value({.code = "child_cancelled", .message = "the run was cancelled"});
  if (status == RunStatus::parked)
    outcome = failure_value(
        {.code = "child_parked", .message = "the run was exported, and goes on elsewhere"});
  for (const Waiter& waiter : std::exchange(open.waiters, {}))
    tell_parent(open.ref.key.owner, waiter, status != RunStatus::done, outcome);
}

/// Ended in a handoff: the run that goes on is begun, and once it is stored whoever waits for this
/// one waits for it.
void Fleet::Parts::follow(Open& open) {
  const bool is_stored = open.record.ended_ms > 0;
  if (!is_stored && std::exchange(open.following, true)) return;
  const Json outcome = payload_json(open.run.outcome());
  Kin kin{.key = {open.ref.key.owner, successor_id(open.ref.key.id)},
          .workflow = outcome.value("workflow", std::string()),
          .pinned = nullptr,
          .input = canonical(outcome.value("input", Json())),
          .context = open.record.context,
          .root = open.record.root,
          .depth = open.record.depth,
          .generation = open.run.generation() + 1,
          .work = open.run.work_units()};
  if (kin.workflow == open.run.definition()->name) kin.pinned = open.run.definition();
  if (!is_stored) return start_or_join(std::move(kin), std::nullopt, open.ref);
  for (const Waiter& waiter : std::exchange(open.waiters, {}))
    start_or_join(kin, waiter, std::nullopt);
}

/// Its successor is stored, or can never be: only now is nothing left to do for it after a start.
void Fleet::Parts::end_followed(const RunRef& ref, const Result<void>& begun) {
  if (!begun) actions.push_back(action::Fault{ref.key, begun.error()});
  Open* open = find(ref);
  if (!open || open->record.ended_ms > 0) return;
  if (!begun && is_passing(begun.error()))
    return set_timer(*open, now_ms + bounds().follow_retry_ms);
  open->following = false;
  open->record.ended_ms = now_ms;
  open->view = nullptr;
  open->changed = true;
  store(*open, {});
}

void Fleet::Parts::tell_followers(Open& open, const Result<void>& begun) {
  for (const RunRef& ref : std::exchange(open.followers, {}))
    end_followed(ref, begun);
}

void Fleet::Parts::cancel_child(const RunKey& child, const Waiter& waiter) {
  with(child, [this, waiter](Result<Open*> found) {
    if (!found) return;
    Open& open = **found;
    // Another attempt of the step may wait for it again.
    const Open* parent = find(RunKey{open.ref.key.owner, waiter.run});
    if (parent && parent->children.count(waiter.effect) > 0) return;
    std::erase(open.waiters, waiter);
    if (!open.waiters.empty() || open.run.status() != RunStatus::running) return;
    open.inputs.push_back(
        {.kind = InputKind::cancel, .name = "the step that began it", .value = {}});
    schedule(open.ref.key);
  });
}

}  // namespace redoubt::workflow
