#include "engine/workflow/host/fleet.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"

namespace redoubt::workflow {

bool is_over(RunStatus status) {
  return status != RunStatus::running && status != RunStatus::parked;
}

std::uint64_t memory_needed(const RunRecord& record) {
  return record.memory_bytes > 0 ? record.memory_bytes : kStateBytesMax;
}

Error unknown_run(const std::string& id) {
  return make_error("unknown_run", {"there is no run ", id}, {"id"}, {}, {id});
}

void Fleet::Parts::tell(Call call, Result<Text> said) {
  if (call != 0) actions.push_back(action::Tell{call, std::move(said)});
}

void Fleet::Parts::schedule(const RunKey& key) {
  queue.push(key.owner, key);
}

/// In place of the one that was set; 0: none.
void Fleet::Parts::set_timer(Open& open, std::int64_t at_ms) {
  if (open.timer_ms == at_ms) return;
  if (open.timer_ms != 0) timers.erase({open.timer_ms, open.ref.key});
  open.timer_ms = at_ms;
  if (at_ms != 0) timers.insert({at_ms, open.ref.key});
}

std::int64_t Fleet::Parts::next_wake_ms() const {
  const std::int64_t first = timers.empty() ? 0 : timers.begin()->first;
  return first == 0 || (room_ms > 0 && room_ms < first) ? room_ms : first;
}

/// What a run's timer stands for follows from where the run stands.
void Fleet::Parts::fire(Open& open) {
  if (open.storing) {
    actions.push_back(*open.storing);
    return;
  }
  open.following = false;
  if (open.run.status() == RunStatus::running)
    open.inputs.push_back({.kind = InputKind::tick, .name = {}, .value = {}});
  schedule(open.ref.key);
}

Fleet::Fleet(FleetOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Fleet::Fleet(Fleet&&) noexcept = default;
Fleet::~Fleet() = default;

// --- commands ---

void Fleet::start(StartRun order, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  const RunKey& key = order.key;
  if (p.find(key) || p.loading.count(key) > 0 || p.coming.count(key) > 0 ||
      p.erasing.count(key) > 0)
    return p.tell(call, make_error("run_here", {"there is a run ", key.id, " already"}, {"id"}, {},
                                   {key.id}));
  if (auto full = p.no_room(key.owner)) return p.tell(call, *full);
  auto run = Run::start(p.shared(std::move(order.definition)), order.input,
                        {.id = key.id,
                         .seed = order.seed,
                         .now_ms = now_ms,
                         .turn_work_max = p.bounds().turn_work_max});
  if (!run) return p.tell(call, run.error());
  Parts::Open& open = p.hold_new(key, std::move(*run), {.context = std::move(order.context)});
  p.add_viewer(open, call);
  p.schedule(key);
}

void Fleet::give(const RunKey& key, GiveRun input, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.with(key, [&p, key, call, input = std::move(input)](Result<Parts::Open*> found) {
    if (!found) return p.tell(call, found.error());
    Parts::Open& open = **found;
    if (open.erasing) return p.tell(call, unknown_run(key.id));
    if (auto full = p.no_room_for(open, input)) return p.tell(call, *full);
    Parts::Waiting waiting{input.kind, input.name, input.value, true, call};
    open.inputs_bytes += input.value.size();
    // Whoever cancels does not wait for what others have asked of it.
    if (input.kind == InputKind::cancel)
      open.inputs.push_front(std::move(waiting));
    else
      open.inputs.push_back(std::move(waiting));
    p.weigh(open);
    p.schedule(key);
  });
}

void Fleet::look(const RunKey& key, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.with(key, [&p, key, call](Result<Parts::Open*> found) {
    if (!found) return p.tell(call, found.error());
    p.add_viewer(**found, call);
    p.schedule(key);
  });
}

void Fleet::wake(const RunKey& key, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.with(key, [&p, key, call](Result<Parts::Open*> found) {
    if (!found) return p.tell(call, found.error());
    p.tell(call, std::make_shared<const std::string>());
  });
}

void Fleet::export_run(const RunKey& key, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.with(key, [&p, key, call](Result<Parts::Open*> found) {
    if (!found) return p.tell(call, found.error());
    (*found)->exports.push_back(call);
    p.schedule(key);
  });
}

void Fleet::import_run(ImportRun order, Call call, std::int64_t now_ms) {
  parts_->now_ms = now_ms;
  parts_->import(std::move(order), call);
}

void Fleet::remove(const RunKey& key, Call call, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  if (Parts::Open* open = p.find(key)) open->erasing = true;
  if (const auto found = p.coming.find(key); found != p.coming.end()) found->second.removed = true;
  std::vector<Call>& calls = p.erasing[key];
  calls.push_back(call);
  if (calls.size() == 1) p.actions.push_back(action::Erase{key});
}

void Fleet::cancel(const RunKey& key, std::string why, std::int64_t now_ms) {
  parts_->now_ms = now_ms;
  if (Parts::Open* open = parts_->find(key)) parts_->cancel_for_room(*open, std::move(why));
}

void Fleet::set_key(SigningKey key) {
  parts_->options.key = std::move(key);
}

void Fleet::count(const std::string& owner, std::uint64_t& counted, std::uint64_t bytes) {
  parts_->count(owner, counted, bytes);
}

// --- completions ---

void Fleet::loaded(const RunRef& run, Result<std::optional<LoadedRun>> found, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.asking = false;
  const auto at = p.loading.find(run.key);
  if (at == p.loading.end() || at->second.serial != run.serial) return p.load_next();
  if (!found)
    p.not_loaded(run.key, found.error());
  else if (!*found)
    p.not_loaded(run.key, unknown_run(run.key.id));
  else
    p.found(run.key, std::move(**found));
  p.load_next();
}

void Fleet::stored(const RunRef& run, const Result<void>& result, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  Parts::Open* open = p.find(run);
  if (!open || !open->storing) return;
  if (!result) return p.not_stored(*open, result.error());
  p.stored(*open);
}

void Fleet::erased(const RunKey& key, const Result<bool>& result, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  const auto found = p.erasing.find(key);
  if (found == p.erasing.end()) return;
  const std::vector<Call> calls = std::move(found->second);
  p.erasing.erase(found);
  Parts::Open* open = p.find(key);
  Result<Text> said = std::make_shared<const std::string>();
  if (!result) {
    if (open) open->erasing = false;
    p.schedule(key);
    said = result.error();
  } else {
    if (!open && !*result) said = unknown_run(key.id);
    p.leave(key, {.code = "removed", .message = "the run was removed by its owner"});
    p.not_loaded(key, unknown_run(key.id));
  }
  for (const Call call : calls)
    p.tell(call, said);
}

void Fleet::history_read(const RunRef& run, Result<std::string> history, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.history_read(run, std::move(history));
}

void Fleet::epochs_read(const RunRef& run, Result<std::vector<std::uint32_t>> epochs,
                        std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  if (!p.find_coming(run)) return;
  if (!epochs) return p.end_import(run.key, epochs.error());
  p.look_before_import(run, std::move(*epochs));
}

void Fleet::done(const RunRef& run, std::string_view effect, bool failed, std::string value,
                 std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  Parts::Open* open = p.find(run);
  std::string id(effect);
  if (!open || open->begun.erase(id) == 0) return;
  p.finish(*open, id, failed, std::move(value));
  p.schedule(run.key);
}

void Fleet::tick(std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  p.named_wake_ms = 0;
  while (!p.timers.empty() && p.timers.begin()->first <= now_ms) {
    Parts::Open& open = *p.find(p.timers.begin()->second);
    p.set_timer(open, 0);
    p.fire(open);
  }
  if (p.room_ms == 0 || p.room_ms > now_ms) return;
  p.room_ms = 0;
  for (const RunKey& key : std::exchange(p.crowded, {}))
    p.schedule(key);
  p.look_for_room();
}

// --- turns ---

bool Fleet::work(std::size_t turns_max, std::int64_t now_ms) {
  Parts& p = *parts_;
  p.now_ms = now_ms;
  for (; turns_max > 0; --turns_max) {
    const auto key = p.queue.pop();
    if (!key) return false;
    p.turn(*key);
  }
  return !p.queue.empty();
}

bool Fleet::busy() const {
  return !parts_->queue.empty();
}

std::vector<Action> Fleet::take() {
  Parts& p = *parts_;
  const std::int64_t first = p.next_wake_ms();
  if (std::exchange(p.named_wake_ms, first) != first) p.actions.push_back(action::Wake{first});
  return std::exchange(p.actions, {});
}

// --- what is there ---

const Run* Fleet::find(const RunKey& key) const {
  const Parts::Open* open = parts_->find(key);
  return open ? &open->run : nullptr;
}

const RunRecord* Fleet::record(const RunKey& key) const {
  const Parts::Open* open = parts_->find(key);
  return open ? &open->record : nullptr;
}

Text Fleet::view(const RunKey& key) {
  return parts_->view(*parts_->find(key));
}

bool Fleet::is_stored(const RunKey& key) const {
  const Parts::Open& open = *parts_->find(key);
  return !open.first && !open.storing && !open.run.busy();
}

const action::Store* Fleet::storing(const RunRef& run) const {
  const Parts::Open* open = parts_->find(run);
  return open && open->storing ? &*open->storing : nullptr;
}

std::size_t Fleet::size() const {
  return parts_->open_runs.size() + parts_->loading.size();
}

std::uint64_t Fleet::memory_bytes() const {
  return parts_->weight;
}

}  // namespace redoubt::workflow
