#include "engine/workflow/budget.hpp"

#include <unordered_map>
#include <unordered_set>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {
namespace {

// What things weigh, whatever a platform takes for them: the sums must be the same on all.
constexpr std::uint64_t kJsonBytes = 16;
constexpr std::uint64_t kTextBytes = 16;
constexpr std::uint64_t kMemberBytes = 64;
constexpr std::uint64_t kFrameBytes = 33;

constexpr std::uint64_t kEventUnits = 10;
constexpr std::uint64_t kPayloadBytesAUnit = 16;  ///< written, hashed, and read again one day
constexpr std::uint64_t kMadeBytesAPayloadByte = 4;
/// The state is weighed when so much was made since the last time.
constexpr std::uint64_t kWeighBytes = kStateBytesMax / 8;

// Everything in the state that is a value, each as often as it is held.
template <class See>
void each_value(const Instance& i, const See& see) {
  see(i.items);
  see(i.output);
  see(i.request);
  for (const Branch& branch : i.branches)
    see(branch.output);
  for (const RoundMark& mark : i.rounds)
    see(mark.items);
  if (!i.talk) return;
  see(i.talk->prompt);
  see(i.talk->held);
  for (const Value& message : i.talk->talk.messages)
    see(message);
  for (const agents::ToolCall& call : i.talk->talk.open) {
    see(call.arguments);
    see(call.result);
  }
}

template <class See>
void each_value(const State& s, const See& see) {
  see(s.input);
  see(s.outcome);
  for (const Instance& i : s.instances)
    if (i.live) each_value(i, see);
  for (const Scope& scope : s.scopes) {
    for (const Cell& cell : scope.channels)
      see(cell.value);
    for (const Value& output : scope.outputs)
      see(output);
    for (const ScopeWrite& write : scope.writes)
      see(write.value);
  }
  for (const Undo& undo : s.undos)
    for (const RoundMark& mark : undo.rounds)
      see(mark.items);
  for (const Signal& signal : s.signals)
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
    bytes += (scope.channels.size() + scope.outputs.size() + 2 * scope.writes.size()) * kSlotBytes;
  return bytes;
}

// Equal values count once, whether or not they share their memory: a restored run shares more than
// one that went on.
void weigh(State& s) {
  std::unordered_map<const Json*, Weighed> known;
  std::unordered_set<std::uint64_t> counted;
  std::uint64_t bytes = frame_bytes(s), seen = 0;
  each_value(s, [&](const Value& value) {
    ++seen;
    if (!value || known.count(value.get()) > 0) return;
    const auto before = s.weighed.find(value.get());
    const Weighed weighed = before != s.weighed.end()
                                ? before->second
                                : Weighed{value, canonical_hash(*value), weight_of(*value)};
    known.emplace(value.get(), weighed);
    if (counted.insert(weighed.hash).second) bytes += weighed.bytes;
  });
  s.weighed = std::move(known);
  s.meter.kept_bytes = bytes;
  s.meter.made_bytes = 0;
  s.meter.spend(seen / 4 + 1);
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

std::uint64_t weight_of(const Json& value) {
  if (value.is_string())
    return kTextBytes + kJsonBytes + value.get_ptr<const std::string*>()->size();
  std::uint64_t bytes = kJsonBytes;
  if (value.is_array())
    for (const Json& item : value)
      bytes += weight_of(item);
  if (value.is_object())
    for (auto member = value.begin(); member != value.end(); ++member)
      bytes += kMemberBytes + member.key().size() + weight_of(*member);
  return bytes;
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
  s.meter.made_bytes += kMadeBytesAPayloadByte * payload_bytes;
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
  s.meter.made_bytes += bytes;
}

bool keep_within_bounds(State& s) {
  if (s.meter.spent == Spent::ended) return true;
  if (s.meter.made_bytes > kWeighBytes) weigh(s);
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
