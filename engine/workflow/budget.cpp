#include "engine/workflow/budget.hpp"

#include <unordered_map>
#include <unordered_set>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::uint64_t kFrameBytes = 33;

constexpr std::uint64_t kEventUnits = 10;
constexpr std::uint64_t kPayloadBytesAUnit = 16;  ///< written, hashed, and read again one day
/// The state is weighed when so much was made since the last time,
constexpr std::uint64_t kWeighBytes = kStateBytesMax / 8;
/// and when so much was, where that may be what a step lacks.
constexpr std::uint64_t kWeighNearBytes = kStateBytesMax / 32;
constexpr std::uint64_t kNearBytes = kStateBytesMax / 2;
/// A value's own block, beside what is in it.
constexpr std::uint64_t kValueBytes = 48;
constexpr std::uint64_t kWeighUnitsAValue = 2;
/// What a host is told of the state is at most so much more than it is, and a quarter.
constexpr std::uint64_t kUnlookedBytes = 64u << 10;

// Everything in the state that is a value, each as often as it is held.
template <class See>
void each_value(Instance& i, const See& see) {
  see(i.items);
  see(i.output);
  see(i.request);
  for (Branch& branch : i.branches)
    see(branch.output);
  for (RoundMark& mark : i.rounds)
    see(mark.items);
  if (!i.talk) return;
  see(i.talk->prompt);
  see(i.talk->held);
  for (Value& message : i.talk->talk.messages)
    see(message);
  for (agents::ToolCall& call : i.talk->talk.open) {
    see(call.arguments);
    see(call.result);
  }
}

template <class See>
void each_value(State& s, const See& see) {
  see(s.input);
  see(s.outcome);
  for (Instance& i : s.instances)
    if (i.live) each_value(i, see);
  for (Scope& scope : s.scopes) {
    for (Cell& cell : scope.channels)
      see(cell.value);
    for (Value& output : scope.outputs)
      see(output);
    for (ScopeWrite& write : scope.writes)
      see(write.value);
  }
  for (Undo& undo : s.undos)
    for (RoundMark& mark : undo.rounds)
      see(mark.items);
  for (Signal& signal : s.signals)
    see(signal.value);
}

// What holds the values: steps, branches, scopes, compensations.
std::uint64_t frame_bytes(const State& s) {
  std::uint64_t bytes = s.instances.size() * kInstanceBytes + s.undos.size() * kUndoBytes;
  for (const Instance& i : s.instances) {
    bytes += i.suffix.size() + i.failure.message.size() + i.branches.size() * kBranchBytes +
             i.rounds.size() * kSlotBytes;
    for (const Branch& branch : i.branches)
      bytes += branch.failure.message.size();
    if (i.talk) bytes += i.talk->talk.memories.size();
  }
  for (const Scope& scope : s.scopes)
    bytes += kScopeBytes + scope.channels.size() * kCellBytes + scope.outputs.size() * kSlotBytes +
             scope.writes.size() * kWriteBytes;
  return bytes;
}

// What each value takes that the state held when it was looked at last. A value that is gone is
// forgotten, and not held by that.
Weighed& weighed(State& s, const Value& value) {
  Weighed& known = s.weighed[value.get()];
  if (known.value.expired()) known = {value, 0, kValueBytes + weight_of(*value)};
  return known;
}

void forget_gone(State& s) {
  std::erase_if(s.weighed, [](const auto& known) { return known.second.value.expired(); });
}

// Open requests count once more each, however many are equal: a text of each is with the host.
std::uint64_t handed_bytes(State& s) {
  std::uint64_t bytes = 0;
  for (const Slot slot : s.calling)
    if (const Value& request = s.instances[slot].request) bytes += weighed(s, request).bytes;
  return bytes;
}

// The value that stands for all that are equal to it.
class Shared {
 public:
  explicit Shared(State& s) : s_(s) {}

  void share(Value& value) {
    if (!value) return;
    Weighed& known = weighed(s_, value);
    if (known.hash == 0) known.hash = canonical_hash(*value);
    const auto [from, to] = first_.equal_range(known.hash);
    for (auto at = from; at != to; ++at) {
      if (at->second == value) return;
      if (*at->second != *value) continue;
      if (value == s_.shown) s_.shown = at->second;
      value = at->second;
      return;
    }
    first_.emplace(known.hash, value);
    bytes += known.bytes;
  }

  std::uint64_t bytes = 0;

 private:
  State& s_;
  std::unordered_multimap<std::uint64_t, Value> first_;
};

void weigh(State& s) {
  Shared shared(s);
  std::uint64_t seen = 0;
  each_value(s, [&](Value& value) {
    ++seen;
    shared.share(value);
  });
  s.meter.kept_bytes = frame_bytes(s) + shared.bytes + handed_bytes(s);
  s.meter.made_bytes = 0;
  s.meter.spend(kWeighUnitsAValue * seen + 1);
  forget_gone(s);
}

// The bound that the run is over, in words; null where it is over none.
const char* bound_of(const State& s) {
  const Meter& m = s.meter;
  const bool undoing = m.spent == Spent::undoing;
  if (m.work > kWorkMax + (undoing ? kUndoWorkMax : 0)) return "units of work";
  if (s.head.seq > kEventsMax + (undoing ? kUndoEventsMax : 0)) return "events";
  if (m.history_bytes > kHistoryBytesMax + (undoing ? kUndoHistoryBytesMax : 0))
    return "bytes of history";
  if (m.kept_bytes > kStateBytesMax + (undoing ? kUndoStateBytesMax : 0)) return "bytes of state";
  if (s.undos.size() > kUndosMax * (undoing ? 2 : 1)) return "compensations that wait";
  return nullptr;
}

std::uint64_t most_of(const char* bound) {
  const std::string_view name = bound;
  if (name == "units of work") return kWorkMax;
  if (name == "events") return kEventsMax;
  if (name == "bytes of history") return kHistoryBytesMax;
  if (name == "bytes of state") return kStateBytesMax;
  return kUndosMax;
}

void forget_undos(State& s) {
  for (const Undo& undo : s.undos)
    drop_scope(s, undo.scope);
  s.undos.clear();
}

}  // namespace

Error no_room() {
  return make_error("too_much_work",
                    {"the value does not fit: a run keeps at most ", kStateBytesMax,
                     " bytes of state, with what it makes of it"},
                    {}, {}, {});
}

bool deeper_than(const Json& value, int most) {
  if (!value.is_structured()) return false;
  if (most == 0) return true;
  for (const Json& item : value)
    if (deeper_than(item, most - 1)) return true;
  return false;
}

void spend_event(State& s, std::size_t payload_bytes, std::size_t recorded_bytes) {
  s.meter.spend(kEventUnits + payload_bytes / kPayloadBytesAUnit);
  s.meter.history_bytes += kFrameBytes + recorded_bytes;
}

std::vector<std::string> faults_of(State& s, const OutputSchema& schema, const Json& value) {
  std::uint64_t units = 0;
  auto faults = schema.faults(value, units);
  s.meter.spend(units);
  return faults;
}

void spend_bytes(State& s, std::uint64_t bytes) {
  s.meter.spend(bytes / kBytesAUnit);
  s.meter.make(bytes);
}

std::uint64_t room_of(const State& s) {
  const std::uint64_t most = kStateBytesMax + (s.meter.spent == Spent::no ? 0 : kUndoStateBytesMax);
  const std::uint64_t taken = s.meter.kept_bytes + s.meter.made_bytes;
  return most > taken ? most - taken : 0;
}

bool has_room(const State& s, const Value& value) {
  return !value || weight_of(*value) <= room_of(s);
}

void weigh_soon(State& s) {
  s.meter.kept_bytes = 0;
  s.meter.made_bytes = kWeighBytes + 1;
}

std::uint64_t held_bytes(State& s) {
  Meter& m = s.meter;
  if (m.unlooked_bytes > kUnlookedBytes + m.held_bytes / 4) {
    std::unordered_set<const Json*> counted;
    m.held_bytes = frame_bytes(s) + handed_bytes(s);
    each_value(s, [&](const Value& value) {
      if (value && counted.insert(value.get()).second) m.held_bytes += weighed(s, value).bytes;
    });
    forget_gone(s);
    m.unlooked_bytes = 0;
  }
  return m.held_bytes + m.unlooked_bytes;
}

bool keep_within_bounds(State& s) {
  if (s.meter.spent == Spent::ended) return true;
  if (s.meter.made_bytes > kWeighBytes ||
      (s.meter.made_bytes > kWeighNearBytes && room_of(s) < kNearBytes))
    weigh(s);
  const char* bound = bound_of(s);
  if (!bound) return true;
  const bool first = s.meter.spent == Spent::no;
  s.meter.spent = first ? Spent::undoing : Spent::ended;
  withdraw_all(s);
  Instance& root = s.instances[0];
  if (root.phase >= Phase::done) {
    // Only losers of a join were left, which nobody waits for.
    end_run(s);
    return false;
  }
  root.failure = {
      "too_much_work",
      joined({"the run is over what a run may cost: more than ", most_of(bound), " ", bound}), 0,
      0};
  if (!first) forget_undos(s);
  if (unwind(s, 0, After::fail)) return false;
  s.meter.spent = Spent::ended;
  go_on(s, 0, After::fail);
  return false;
}

}  // namespace redoubt::workflow
