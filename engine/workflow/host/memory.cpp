// What the runs in memory take, and which of them give way.
#include <algorithm>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"

namespace redoubt::workflow {
namespace {

/// Who has less than this share of what all may take begins runs nevertheless: others' weight is
/// not theirs to bear.
constexpr std::uint64_t light_share = 16;
/// Runs that are looked at, whether they can be put out of memory, for one that grows.
constexpr std::size_t put_out_looked_max = 256;

}  // namespace

std::optional<Error> Fleet::Parts::no_room(const std::string& owner) {
  keep_within_memory(owner, nullptr);
  std::size_t own = 0;
  for (auto at = open_runs.lower_bound({owner, {}});
       at != open_runs.end() && at->first.owner == owner; ++at)
    own += !is_over(at->second->run.status());
  const FleetBounds& most = bounds();
  const std::uint64_t taken = weight_of(owner);
  if (taken > most.owner_memory_bytes_max ||
      (weight > most.memory_bytes_max && taken > most.memory_bytes_max / light_share))
    return make_error("too_many_runs", {"the runs under way take too much memory"}, {},
                      {joined({"at most ", most.owner_memory_bytes_max >> 20, " MiB of one owner, ",
                               most.memory_bytes_max >> 20, " MiB of all"})},
                      {});
  if (own < most.owner_runs_max && open_runs.size() < most.runs_max) return std::nullopt;
  return make_error("too_many_runs", {"too many runs are under way"}, {},
                    {joined({"at most ", most.owner_runs_max, " of one owner"})}, {});
}

std::optional<Error> Fleet::Parts::no_room_for(Open& open, const GiveRun& input) {
  const FleetBounds& most = bounds();
  const std::size_t bytes = input.value.size();
  if (open.inputs.size() >= most.inputs_max || open.inputs_bytes + bytes > most.inputs_bytes_max)
    return make_error("too_many_inputs",
                      {"too many inputs wait for run ", open.ref.key.id, ": at most ",
                       most.inputs_max, " and ", most.inputs_bytes_max >> 20, " MiB"},
                      {}, {}, {});
  if (input.kind == InputKind::cancel) return std::nullopt;
  const std::string& owner = open.ref.key.owner;
  keep_within_memory(owner, &open);
  const std::uint64_t own = weight_of(owner) + bytes;
  if (own > most.owner_memory_bytes_max)
    return make_error("too_many_inputs",
                      {"your runs take more than ", most.owner_memory_bytes_max >> 20,
                       " MiB of memory: have fewer under way"},
                      {}, {}, {});
  if (weight + bytes > most.memory_bytes_max && own > most.memory_bytes_max / light_share)
    return make_error("too_many_inputs",
                      {"the runs of all owners take more than ", most.memory_bytes_max >> 20,
                       " MiB of memory: try again later"},
                      {}, {}, {});
  return std::nullopt;
}

/// Something of the owner takes so much now, where it was counted otherwise.
void Fleet::Parts::count(const std::string& owner, std::uint64_t& counted, std::uint64_t now) {
  if (counted == now) return;
  weight += now - counted;
  std::uint64_t& own = weights[owner];
  own += now - counted;
  counted = now;
  if (own == 0) weights.erase(owner);
}

std::uint64_t Fleet::Parts::weight_of(const std::string& owner) const {
  const auto found = weights.find(owner);
  return found == weights.end() ? 0 : found->second;
}

/// What the run takes in memory, after whatever changed it; its texts only until they are stored.
void Fleet::Parts::weigh(Open& open) {
  const std::uint64_t memory =
      open.run.state_bytes() + open.inputs_bytes + open.run.definition()->memory_bytes;
  open.record.memory_bytes = std::max(open.record.memory_bytes, memory);
  std::uint64_t texts = 0;
  for (const auto* order : {&open.first, &open.storing})
    if (*order)
      texts +=
          (*order)->record.definition.size() + (*order)->frames.size() + (*order)->snapshot.size();
  count(open.ref.key.owner, open.weight, memory + texts);
}

/// Makes room for the owner's run, which is new or has grown, at the cost of those that rest, then
/// of imports, which can be sent again, then of those that grow: they cannot be refused any more.
void Fleet::Parts::keep_within_memory(const std::string& owner, Open* open) {
  const FleetBounds& most = bounds();
  make_room(owner, open, 0);
  if (weight > most.memory_bytes_max) cancel_heaviest();
  const auto is_over = [&] { return weight_of(owner) > most.owner_memory_bytes_max; };
  while (open && is_over() && end_heaviest_import(&owner)) {
  }
  if (open && is_over())
    cancel_for_room(*open,
                    joined({"its owner's runs take more than ", most.owner_memory_bytes_max >> 20,
                            " MiB of memory: have fewer of them under way"}));
}

/// Over half of the bounds runs that rest leave, and below that until so many bytes fit in.
void Fleet::Parts::make_room(const std::string& owner, const Open* open, std::uint64_t bytes) {
  put_out_while(idle_runs, owner, open, bytes);
  put_out_while(waiting_runs, owner, open, bytes);
}

void Fleet::Parts::put_out_while(std::deque<RunRef>& resting, const std::string& owner,
                                 const Open* open, std::uint64_t bytes) {
  const auto is_over = [bytes](std::uint64_t taken, std::uint64_t most) {
    return taken > most / 2 || taken + bytes > most;
  };
  const auto all_are_over = [&] { return is_over(weight, bounds().memory_bytes_max); };
  const auto owner_is_over = [&] {
    return is_over(weight_of(owner), bounds().owner_memory_bytes_max);
  };
  for (std::size_t left = std::min(resting.size(), put_out_looked_max);
       left > 0 && (all_are_over() || owner_is_over()); --left) {
    const RunRef next = std::move(resting.front());
    resting.pop_front();
    Open* other = find(next);
    if (!other) continue;
    const bool helps = all_are_over() || next.key.owner == owner;
    if (other == open || !helps) {
      resting.push_back(next);
      continue;
    }
    other->is_idle = other->is_waiting = false;
    if (!is_needed(*other)) put_out(*other);
  }
}

/// Whether somebody waits for the run here, or something that the store does not know.
bool Fleet::Parts::is_needed(const Open& open) const {
  // An import has noted of the run what it needs, or is to find that it was begun meanwhile.
  const auto import = coming.find(open.ref.key);
  if (import != coming.end() && !import->second.before) return true;
  if (open.run.status() == RunStatus::running) {
    const std::int64_t due = open.run.next_timer_ms();
    if (!open.record.only_waits || !open.run.only_waits() ||
        (due > 0 && due < now_ms + bounds().rest_ms_min))
      return true;
  }
  return open.first || open.storing || open.marked || open.resuming || open.erasing ||
         open.following || open.run.busy() || !open.inputs.empty() || !open.builtins.empty() ||
         !open.begun.empty() || !open.children.empty() || !open.waiters.empty() ||
         !open.followers.empty() || !open.viewers.empty() || !open.exports.empty();
}

void Fleet::Parts::put_out(Open& open) {
  const RunKey key = open.ref.key;
  const bool runs = open.run.status() == RunStatus::running;
  actions.push_back(action::Left{open.ref, runs ? open.run.next_timer_ms() : 0});
  let_go(key);
}

void Fleet::Parts::cancel_for_room(Open& open, std::string reason) {
  if (open.run.status() != RunStatus::running || std::exchange(open.cancelled, true)) return;
  open.inputs.push_front({.kind = InputKind::cancel, .name = std::move(reason), .value = {}});
  schedule(open.ref.key);
}

/// Runs that are being cancelled count as gone.
void Fleet::Parts::cancel_heaviest() {
  std::uint64_t going = 0;
  Open* heaviest = nullptr;
  for (const auto& [key, open] : open_runs) {
    if (open->cancelled) {
      going += open->weight;
    } else if (open->run.status() == RunStatus::running &&
               (!heaviest || open->weight > heaviest->weight)) {
      heaviest = open.get();
    }
  }
  const auto is_over = [&] { return weight - going > bounds().memory_bytes_max; };
  while (is_over() && end_heaviest_import(nullptr)) {
  }
  if (heaviest && is_over())
    cancel_for_room(*heaviest, joined({"the runs of all owners take more than ",
                                       bounds().memory_bytes_max >> 20,
                                       " MiB of memory, and this one the most: try again later"}));
}

/// Over the bound a run that may grow much takes its turns slowly, and never stands still.
bool Fleet::Parts::waits_for_room(Open& open) {
  const std::uint64_t most = bounds().memory_bytes_max;
  if (weight <= most || open.cancelled || open.weight <= most / light_share) return false;
  open.has_waited = !open.has_waited;
  if (!open.has_waited) return false;
  crowded.insert(open.ref.key);
  if (room_ms == 0) room_ms = now_ms + bounds().room_retry_ms;
  return true;
}

/// What is over or parked stays for a while, and is read again from the store after that.
void Fleet::Parts::keep_idle(Open& open) {
  if (std::exchange(open.is_idle, true)) return;
  idle_runs.push_back(open.ref);
  while (idle_runs.size() > bounds().idle_max) {
    const RunRef oldest = std::move(idle_runs.front());
    idle_runs.pop_front();
    Open* other = find(oldest);
    if (!other) continue;
    other->is_idle = false;
    if (other->run.status() != RunStatus::running && !is_needed(*other)) put_out(*other);
  }
}

void Fleet::Parts::keep_waiting(Open& open) {
  if (open.is_waiting || !open.run.only_waits()) return;
  open.is_waiting = true;
  waiting_runs.push_back(open.ref);
}

}  // namespace redoubt::workflow
