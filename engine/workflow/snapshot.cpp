// The state of a run as bytes, little-endian, and back:
//   "RDBTSNAP", u32 version, the definition's SHA-256, u64 seq and link of the last event, then the
//   values (canonical JSON, each once) and the fields in the order below, where a value is its
//   number.
// One list of fields serves both directions, so that they cannot come apart.
#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/bytes.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::string_view kMagic = "RDBTSNAP";
constexpr std::uint32_t kVersion = 5;
/// Read, too: its state was weighed otherwise.
constexpr std::uint32_t kVersionOfOtherWeights = 4;
/// Read, too: what it had cost is not known.
constexpr std::uint32_t kVersionWithoutMeter = 3;
constexpr std::size_t kTextBytesMax = 1 << 20;
constexpr std::size_t kWritesMax = 1 << 20;
constexpr int kDepthMax = 64;
/// Of all values of a state: what came in last may be over the run's own bound.
constexpr std::uint64_t kValuesBytesMax = 2 * (kStateBytesMax + kUndoStateBytesMax);

class Writer {
 public:
  void number(std::uint64_t v) {
    // Seven bits a byte: most numbers are small.
    for (; v >= 0x80; v >>= 7)
      bytes_.u8(static_cast<std::uint8_t>(v | 0x80));
    bytes_.u8(static_cast<std::uint8_t>(v));
  }
  template <class T>
  void integer(T& v) {
    number(static_cast<std::uint64_t>(v));
  }
  void place(std::uint32_t& v) { number((static_cast<std::uint64_t>(v) + 1) & 0xffffffffu); }
  void text(std::string& v) {
    number(v.size());
    for (const char c : v)
      bytes_.u8(static_cast<std::uint8_t>(c));
  }
  void value(Value& v) {
    if (!v) return number(0);
    const auto [entry, added] = known_.emplace(canonical(*v), known_.size() + 1);
    if (added) values_.push_back(&entry->first);
    number(entry->second);
  }
  template <class List>
  std::size_t size(List& list, std::size_t) {
    number(list.size());
    return list.size();
  }
  bool failed() const { return false; }
  bool metered() const { return true; }

  std::string take() {
    Writer head;
    head.number(values_.size());
    for (const std::string* v : values_)
      head.bytes_.text(*v);
    return head.bytes_.take() + bytes_.take();
  }

 private:
  ByteWriter bytes_;
  std::map<std::string, std::size_t> known_;
  std::vector<const std::string*> values_;
};

class Reader {
 public:
  Reader(std::string_view bytes, bool metered) : bytes_(bytes), metered_(metered) {
    const std::uint64_t count = number();
    std::uint64_t left = kValuesBytesMax;
    for (std::uint64_t v = 0; v < count && !failed(); ++v) {
      // A value that was put together may be larger than any payload.
      auto parsed = parse_json(bytes_.text(kStateBytesMax),
                               {kStateBytesMax, kDepthMax, static_cast<std::size_t>(left)});
      bad_ = bad_ || !parsed;
      if (!parsed) return;
      left -= std::min(left, weight_of(*parsed));
      values_.push_back(std::make_shared<const Json>(std::move(*parsed)));
    }
  }

  std::uint64_t number() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = bytes_.u8();
      v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    bad_ = true;
    return 0;
  }
  template <class T>
  void integer(T& v) {
    v = static_cast<T>(number());
  }
  void place(std::uint32_t& v) { v = static_cast<std::uint32_t>(number()) - 1; }
  void text(std::string& v) {
    const std::uint64_t length = number();
    bad_ = bad_ || length > kTextBytesMax || length > bytes_.remaining();
    v.clear();
    for (std::uint64_t c = 0; c < length && !failed(); ++c)
      v.push_back(static_cast<char>(bytes_.u8()));
  }
  void value(Value& v) {
    const std::uint64_t at = number();
    bad_ = bad_ || at > values_.size();
    if (at > 0 && !failed()) v = values_[static_cast<std::size_t>(at - 1)];
  }
  template <class List>
  std::size_t size(List& list, std::size_t most) {
    const std::uint64_t count = number();
    bad_ = bad_ || count > most || count > bytes_.remaining();
    list.clear();
    if (!failed()) list.resize(static_cast<std::size_t>(count));
    return list.size();
  }
  bool failed() const { return bad_ || bytes_.failed(); }
  bool at_end() const { return bytes_.remaining() == 0; }
  bool metered() const { return metered_; }

 private:
  ByteReader bytes_;
  std::vector<Value> values_;
  bool metered_;
  bool bad_ = false;
};

template <class Archive>
void fields(Archive& a, Failure& failure) {
  a.text(failure.code);
  a.text(failure.message);
  a.place(failure.step);
  a.integer(failure.retry_after_ms);
}

template <class Archive>
void fields(Archive& a, std::vector<RoundMark>& rounds) {
  a.size(rounds, kInstancesMax);
  for (RoundMark& mark : rounds) {
    a.place(mark.step);
    a.integer(mark.round);
    a.value(mark.items);
  }
}

template <class Archive>
void fields(Archive& a, agents::Conversation& talk) {
  a.integer(talk.agent);
  a.integer(talk.turn);
  a.integer(talk.calls);
  a.integer(talk.repairs);
  a.integer(talk.handoffs);
  a.integer(talk.bytes);
  a.place(talk.next);
  a.integer(talk.input_tokens);
  a.integer(talk.output_tokens);
  a.integer(talk.cost_microusd);
  a.integer(talk.prompt_size);
  a.text(talk.memories);
  a.size(talk.messages, agents::kMessagesMax);
  for (Value& message : talk.messages)
    a.value(message);
  a.size(talk.open, 2 * agents::kCallsPerTurnMax);
  for (agents::ToolCall& call : talk.open) {
    a.text(call.id);
    a.text(call.name);
    a.place(call.tool);
    a.integer(call.number);
    a.value(call.arguments);
    a.value(call.result);
    a.integer(call.failed);
  }
}

template <class Archive>
void fields(Archive& a, std::unique_ptr<AgentTalk>& talk) {
  bool there = talk != nullptr;
  a.integer(there);
  if (!there || a.failed()) return;
  if (!talk) talk = std::make_unique<AgentTalk>();
  fields(a, talk->talk);
  a.integer(talk->stage);
  a.integer(talk->guards_open);
  a.value(talk->prompt);
  a.value(talk->held);
}

template <class Archive>
void fields(Archive& a, Instance& i) {
  a.place(i.step);
  a.integer(i.serial);
  a.place(i.parent);
  a.integer(i.scope);
  a.integer(i.phase);
  a.integer(i.role);
  a.integer(i.after);
  a.integer(i.detached);
  a.integer(i.round);
  a.integer(i.attempt);
  a.integer(i.calls);
  a.integer(i.turn);
  a.integer(i.next);
  a.integer(i.settled);
  a.integer(i.stalled);
  a.integer(i.entered_ms);
  a.integer(i.attempt_ms);
  a.integer(i.before);
  a.text(i.suffix);
  a.value(i.items);
  a.value(i.output);
  a.value(i.request);
  fields(a, i.failure);
  a.size(i.branches, kRoundsMax);
  for (Branch& branch : i.branches) {
    a.integer(branch.phase);
    a.value(branch.output);
    fields(a, branch.failure);
    a.place(branch.scope);
  }
  fields(a, i.rounds);
  fields(a, i.talk);
}

template <class Archive>
void fields(Archive& a, Scope& scope) {
  a.integer(scope.users);
  a.integer(scope.split);
  a.size(scope.channels, kStepsMax);
  for (Cell& cell : scope.channels)
    a.value(cell.value);
  a.size(scope.outputs, kStepsMax);
  for (Value& output : scope.outputs)
    a.value(output);
  a.size(scope.writes, kWritesMax);
  for (ScopeWrite& write : scope.writes) {
    a.integer(write.channel);
    a.value(write.value);
  }
}

template <class Archive>
void slots(Archive& a, std::vector<std::uint32_t>& list) {
  a.size(list, kInstancesMax * 4);
  for (std::uint32_t& slot : list)
    a.integer(slot);
}

template <class Archive>
void waiting(Archive& a, State& s) {
  a.size(s.timers, kInstancesMax * 2);
  for (Timer& timer : s.timers) {
    a.integer(timer.due_ms);
    a.integer(timer.serial);
    a.integer(timer.slot);
    a.integer(timer.kind);
  }
  a.size(s.undos, kRoundsMax);
  for (Undo& undo : s.undos) {
    a.place(undo.step);
    a.integer(undo.owner);
    a.integer(undo.scope);
    a.text(undo.suffix);
    fields(a, undo.rounds);
  }
  a.size(s.signals, kSignalsMax);
  for (Signal& signal : s.signals) {
    a.text(signal.name);
    a.value(signal.value);
  }
}

template <class Archive>
void fields(Archive& a, State& s) {
  a.text(s.id);
  a.integer(s.seed);
  a.value(s.input);
  a.integer(s.status);
  a.integer(s.now_ms);
  a.integer(s.epoch);
  a.integer(s.clock_ms);
  slots(a, s.denied);
  a.value(s.outcome);
  fields(a, s.failure);
  a.integer(s.next_serial);
  a.integer(s.ignored);
  a.size(s.instances, kInstancesMax + 1);
  for (Instance& i : s.instances) {
    a.integer(i.live);
    if (i.live && !a.failed()) fields(a, i);
  }
  a.size(s.scopes, kInstancesMax * 4);
  for (Scope& scope : s.scopes)
    if (!a.failed()) fields(a, scope);
  slots(a, s.free_slots);
  slots(a, s.free_scopes);
  slots(a, s.calling);
  waiting(a, s);
  if (!a.metered()) return;
  a.integer(s.meter.work);
  a.integer(s.meter.history_bytes);
  a.integer(s.meter.made_bytes);
  a.integer(s.meter.kept_bytes);
  a.integer(s.meter.generation);
  a.integer(s.meter.spent);
}

std::string body_of(const State& s) {
  Writer writer;
  // Writing changes nothing: the list of fields is shared with reading, which does.
  fields(writer, const_cast<State&>(s));
  return writer.take();
}

bool live_slot(const State& s, Slot slot) {
  return slot < s.instances.size() && s.instances[slot].live;
}

bool sound_scope(const State& s, std::uint32_t scope) {
  return scope < s.scopes.size() && s.scopes[scope].users > 0;
}

bool sound(const State& s, const Instance& i) {
  const std::size_t steps = s.definition->steps.size();
  if (i.step >= steps || !sound_scope(s, i.scope) || i.phase > Phase::cancelled ||
      i.role > Role::compensation || i.after > After::cancel)
    return false;
  if (i.parent != kNone && !live_slot(s, i.parent)) return false;
  for (const Branch& branch : i.branches)
    if (branch.phase > Phase::cancelled || (branch.scope != kNone && !sound_scope(s, branch.scope)))
      return false;
  for (const RoundMark& mark : i.rounds)
    if (mark.step >= steps) return false;
  return i.failure.step == kNone || i.failure.step < steps;
}

bool sound(const Definition& d, const AgentTalk& at) {
  const agents::Conversation& talk = at.talk;
  if (talk.agent >= d.agents.size() || at.stage > Stage::remembering || !at.prompt ||
      talk.prompt_size > talk.messages.size())
    return false;
  const agents::Agent& agent = d.agents[talk.agent];
  if (talk.next != agents::kNowhere && talk.next >= agent.handoffs.size()) return false;
  for (const Value& message : talk.messages)
    if (!message || !message->is_object()) return false;
  for (const agents::ToolCall& call : talk.open)
    if (!call.arguments || (call.tool == agents::kNowhere && !call.result) ||
        (call.tool != agents::kNowhere && call.tool >= agent.tools.size()))
      return false;
  // Only a turn's answer may still be missing.
  return at.held || at.stage < Stage::guarding_output;
}

// An agent's step has its conversation, and an inner step an agent's step above it that uses it.
bool sound_talk(const State& s, const Instance& i) {
  const Step& step = s.step(i);
  if (i.talk) {
    if (step.agent == kNone || step.inner != Inner::none || !sound(*s.definition, *i.talk))
      return false;
    bool used = false;
    for (const AgentParts& parts : s.definition->agent_uses[step.agent])
      used = used || parts.agent == i.talk->talk.agent;
    if (!used) return false;
  }
  if (step.inner == Inner::none) return true;
  if (i.parent == kNone) return false;
  const Instance& above = s.instances[i.parent];
  return above.talk && above.step == step.parent && i.role == Role::body;
}

// Whether the tree of steps is one: every step's parents end at the root.
bool rooted(const State& s) {
  for (Slot slot = 0; slot < s.instances.size(); ++slot) {
    if (!s.instances[slot].live) continue;
    std::size_t depth = 0;
    Slot at = slot;
    while (s.instances[at].parent != kNone && ++depth <= s.instances.size())
      at = s.instances[at].parent;
    if (at != 0) return false;
  }
  return true;
}

// Bytes from outside may hold anything; every number that is used as a place is checked here.
bool sound(const State& s) {
  const std::size_t steps = s.definition->steps.size();
  if (s.instances.empty() || s.scopes.empty() || s.status > RunStatus::parked) return false;
  const auto time = [](std::int64_t ms) { return ms >= -kTimeMaxMs && ms <= kTimeMaxMs; };
  if (!time(s.now_ms) || !time(s.clock_ms)) return false;
  if (s.meter.spent > Spent::ended || s.meter.generation > kGenerationsMax ||
      s.meter.work > 2 * (kWorkMax + kUndoWorkMax))
    return false;
  if (!s.instances[0].live || s.instances[0].parent != kNone || s.scopes[0].users == 0)
    return false;
  for (const Scope& scope : s.scopes) {
    if (scope.users == 0) continue;
    if (scope.channels.size() != s.definition->channels.size() || scope.outputs.size() != steps)
      return false;
    for (const Cell& cell : scope.channels)
      if (!cell.value) return false;
    for (const ScopeWrite& write : scope.writes)
      if (write.channel >= scope.channels.size() || !write.value) return false;
  }
  for (const Instance& i : s.instances)
    if (i.live && !sound(s, i)) return false;
  for (const Instance& i : s.instances)
    if (i.live && !sound_talk(s, i)) return false;
  if (!rooted(s)) return false;
  for (const Slot slot : s.free_slots)
    if (slot >= s.instances.size() || s.instances[slot].live) return false;
  for (const std::uint32_t scope : s.free_scopes)
    if (scope >= s.scopes.size() || s.scopes[scope].users > 0) return false;
  for (const Slot slot : s.calling)
    if (!live_slot(s, slot) || !s.instances[slot].request) return false;
  for (const Timer& timer : s.timers)
    if (!live_slot(s, timer.slot) || timer.kind > TimerKind::backoff || !time(timer.due_ms / 2))
      return false;
  for (const Undo& undo : s.undos) {
    if (undo.step >= steps || s.definition->steps[undo.step].compensate == kNone ||
        !live_slot(s, undo.owner) || !sound_scope(s, undo.scope))
      return false;
    for (const RoundMark& mark : undo.rounds)
      if (mark.step >= steps) return false;
  }
  for (const StepId step : s.denied)
    if (step >= steps) return false;
  for (const Signal& signal : s.signals)
    if (!signal.value) return false;
  return true;
}

}  // namespace

std::string write_snapshot(const State& s) {
  ByteWriter head;
  head.u32(kVersion);
  std::string bytes(kMagic);
  bytes += head.take();
  bytes.append(bytes_of(s.definition->hash));
  ByteWriter seq;
  seq.u64(s.head.seq);
  bytes += seq.take();
  bytes.append(bytes_of(s.head.link));
  return bytes + body_of(s);
}

Result<void> read_snapshot(std::string_view bytes, State& s) {
  constexpr std::size_t kHeadBytes = 8 + 4 + 32 + 8 + 32;
  const auto bad = [](const char* why) {
    return make_error("bad_snapshot", {"the snapshot ", why}, {}, {"a snapshot of a run"}, {});
  };
  if (bytes.size() < kHeadBytes || bytes.substr(0, 8) != kMagic) return bad("is none");
  ByteReader version(bytes.substr(8, 4));
  const std::uint32_t written = version.u32();
  if (written < kVersionWithoutMeter || written > kVersion) return bad("is of another version");
  if (bytes.substr(12, 32) != bytes_of(s.definition->hash))
    return make_error("other_definition", {"the snapshot is of another definition"}, {},
                      {hex64(s.definition->hash)}, {});
  ByteReader seq(bytes.substr(44, 8));
  s.head.seq = seq.u64();
  for (std::size_t b = 0; b < s.head.link.size(); ++b)
    s.head.link[b] = static_cast<std::uint8_t>(bytes[52 + b]);
  Reader reader(bytes.substr(kHeadBytes), written >= kVersionOfOtherWeights);
  if (!reader.failed()) fields(reader, s);
  if (written < kVersion) weigh_soon(s);
  s.meter.unlooked_bytes = kStateBytesMax;
  if (reader.failed() || !reader.at_end()) return bad("is cut or damaged");
  if (!sound(s)) return bad("does not hold together");
  derive_counts(s);
  return {};
}

void derive_counts(State& s) {
  for (const Instance& i : s.instances)
    if (i.live && i.parent != kNone) ++s.instances[i.parent].below;
  for (const Timer& timer : s.timers)
    ++s.instances[timer.slot].timers;
  for (Instance& i : s.instances)
    for (const Branch& branch : i.branches)
      i.good += succeeded(branch);
}

std::uint64_t state_hash_of(const State& s) {
  Hash64 hash;
  hash.add_bytes(body_of(s));
  return hash.value();
}

}  // namespace redoubt::workflow
