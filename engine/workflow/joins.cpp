// Branches: copies of the state, when they are joined, and how what they wrote is merged.
#include <cstring>
#include <unordered_map>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {

std::uint32_t copy_scope(State& s, std::uint32_t from, bool split) {
  std::uint32_t to = 0;
  if (s.free_scopes.empty()) {
    to = static_cast<std::uint32_t>(s.scopes.size());
    s.scopes.emplace_back();
  } else {
    to = s.free_scopes.back();
    s.free_scopes.pop_back();
  }
  const Scope& original = s.scopes[from];
  spend_bytes(s, (original.channels.size() + original.outputs.size()) * kSlotBytes);
  Scope& scope = s.scopes[to];
  scope.users = 0;
  scope.channels = original.channels;
  scope.outputs = original.outputs;
  scope.split = split;
  return to;
}

void hold_scope(State& s, std::uint32_t scope) {
  ++s.scopes[scope].users;
}

void drop_scope(State& s, std::uint32_t scope) {
  if (--s.scopes[scope].users > 0) return;
  s.scopes[scope] = Scope{};
  s.free_scopes.push_back(scope);
}

void drop_branches(State& s, Instance& i) {
  for (const Branch& branch : i.branches)
    if (branch.scope != kNone) drop_scope(s, branch.scope);
  i.branches.clear();
}

std::uint64_t channels_hash(const Scope& scope) {
  Hash64 hash;
  for (const Cell& cell : scope.channels) {
    if (cell.hash == 0) cell.hash = canonical_hash(*cell.value);
    hash.add(cell.hash);
  }
  return hash.value();
}

namespace {

// What is equal has the same hash: a number that of its double, whichever way it is held.
void add_equal(Hash64& hash, const Json& value) {
  if (value.is_number()) {
    const double number = value == 0 ? 0.0 : value.get<double>();
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof(bits));
    return hash.add(bits);
  }
  hash.add(static_cast<std::uint64_t>(value.type()) + 1);
  if (value.is_string()) hash.add_bytes(*value.get_ptr<const std::string*>());
  if (value.is_boolean()) hash.add(*value.get_ptr<const bool*>());
  if (!value.is_structured()) return;
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (value.is_object()) hash.add_bytes(item.key());
    add_equal(hash, *item);
  }
}

// The items of a list, each once: only those of one hash are compared.
class Distinct {
 public:
  explicit Distinct(Json& list) : list_(list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      places_.emplace(hash_of(list[i]), i);
  }

  void add(const Json& value) {
    const std::uint64_t hash = hash_of(value);
    const auto [from, to] = places_.equal_range(hash);
    for (auto at = from; at != to; ++at)
      if (list_[at->second] == value) return;
    places_.emplace(hash, list_.size());
    list_.push_back(value);
  }

 private:
  static std::uint64_t hash_of(const Json& value) {
    Hash64 hash;
    add_equal(hash, value);
    return hash.value();
  }

  Json& list_;
  std::unordered_multimap<std::uint64_t, std::size_t> places_;
};

// A list's items one by one, anything else as one item.
void append(Json& list, const Json& value) {
  if (!value.is_array()) return list.push_back(value);
  for (const Json& item : value)
    list.push_back(item);
}

void unite(Json& list, const Json& value) {
  Distinct distinct(list);
  if (!value.is_array()) return distinct.add(value);
  for (const Json& item : value)
    distinct.add(item);
}

bool add(Json& sum, const Json& value) {
  if (!sum.is_number() || !value.is_number()) return false;
  if (sum.is_number_integer() && value.is_number_integer()) {
    std::int64_t total = 0;
    if (!__builtin_add_overflow(sum.get<std::int64_t>(), value.get<std::int64_t>(), &total)) {
      sum = total;
      return true;
    }
  }
  sum = sum.get<double>() + value.get<double>();
  return true;
}

bool reduce(Reducer reducer, Json& into, const Json& value) {
  switch (reducer) {
    case Reducer::single:
    case Reducer::replace:
      into = value;
      return true;
    case Reducer::append:
    case Reducer::unite:
      if (into.is_null()) into = Json::array();
      if (!into.is_array()) return false;
      if (reducer == Reducer::append) {
        append(into, value);
      } else {
        unite(into, value);
      }
      return true;
    case Reducer::add:
      return add(into, value);
    case Reducer::merge:
      if (!into.is_object() || !value.is_object()) return false;
      for (auto item = value.begin(); item != value.end(); ++item)
        into[item.key()] = *item;
      return true;
    case Reducer::min:
    case Reducer::max:
      if (!value.is_number() || !(into.is_null() || into.is_number())) return false;
      if (into.is_null() || (reducer == Reducer::min ? value < into : into < value)) into = value;
      return true;
  }
  return false;
}

}  // namespace

Wrote write_channel(State& s, Slot at, std::uint32_t scope, std::uint32_t channel,
                    const Value& value) {
  Scope& to = s.scopes[scope];
  const Channel& declared = s.definition->channels[channel];
  Cell& cell = to.channels[channel];
  if (declared.reducer == Reducer::single || declared.reducer == Reducer::replace) {
    cell.value = value;
    cell.bytes = 0;
  } else {
    // The old value is copied, and looked through for what is in it already.
    if (cell.bytes == 0) cell.bytes = weight_of(*cell.value);
    s.meter.spend(2 * cell.bytes / kBytesAUnit);
    const std::uint64_t grown = json_weights::item + cell.bytes + weight_of(*value);
    if (grown > room_of(s)) return Wrote::no_room;
    auto next = std::make_shared<Json>(*cell.value);
    if (!reduce(declared.reducer, *next, *value)) return Wrote::unfit;
    if (deeper_than(*next, kValueDepthMax)) return Wrote::unfit;
    const bool grows = declared.reducer == Reducer::append && cell.value->is_array();
    cell.bytes = !grows              ? weight_of(*next)
                 : value->is_array() ? grown - json_weights::item - json_weights::container
                                     : grown;
    cell.value = std::move(next);
    s.meter.make(cell.bytes);
  }
  cell.hash = 0;
  if (to.split) to.writes.push_back({channel, value});
  std::string payload = "{\"channel\":";
  write_canonical_text(declared.name, payload);
  payload += ",\"value\":";
  write_canonical(*value, payload);
  payload.push_back('}');
  record(s, EventKind::written, &s.instances[at], payload);
  return Wrote::done;
}

bool succeeded(const Branch& branch) {
  return branch.phase == Phase::done || branch.phase == Phase::skipped;
}

namespace {

std::string branch_name(const State& s, const Step& parallel, std::uint32_t branch) {
  const std::string_view name =
      s.definition->step_name(s.definition->children[parallel.children.begin + branch]);
  const std::size_t dot = name.rfind('.');
  return std::string(dot == std::string_view::npos ? name : name.substr(dot + 1));
}

Json settled_json(const State& s, const Branch& branch) {
  Json json;
  switch (branch.phase) {
    case Phase::failed:
    case Phase::cancelled:
      json["status"] = "failed";
      json["error"] = failure_json(s, branch.failure);
      return json;
    case Phase::skipped:
      json["status"] = "skipped";
      return json;
    default:
      json["status"] = "done";
      json["output"] = branch.output ? *branch.output : Json();
      return json;
  }
}

std::uint64_t outputs_bytes(const Instance& i) {
  std::uint64_t bytes = i.branches.size() * json_weights::member;
  for (const Branch& branch : i.branches)
    if (branch.output) bytes += weight_of(*branch.output);
  return bytes;
}

// What the join gives: by branch for parallel, a list for for_each, the winner for any and first.
Value joined_output(const State& s, const Instance& i) {
  const Step& step = s.step(i);
  const bool each = step.kind == StepKind::for_each;
  Json output = each ? Json::array() : Json::object();
  for (std::uint32_t b = 0; b < i.branches.size(); ++b) {
    const Branch& branch = i.branches[b];
    const bool wanted = step.join == Join::all_settled || succeeded(branch);
    if (!wanted || branch.phase < Phase::done) continue;
    Json value = step.join == Join::all_settled ? settled_json(s, branch)
                 : branch.output                ? *branch.output
                                                : Json();
    if (step.join == Join::any || step.join == Join::first) {
      Json winner = each ? Json(b) : Json(branch_name(s, step, b));
      return std::make_shared<const Json>(
          Json{{"winner", std::move(winner)}, {"output", std::move(value)}});
    }
    if (each) {
      output.push_back(std::move(value));
    } else {
      output[branch_name(s, step, b)] = std::move(value);
    }
  }
  return std::make_shared<const Json>(std::move(output));
}

// Writes in the order of the branches, then the outputs of the steps within.
Wrote merge(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  for (std::uint32_t b = 0; b < i.branches.size(); ++b) {
    const Branch& branch = i.branches[b];
    if (branch.scope == kNone || branch.phase != Phase::done) continue;
    const auto writes = s.scopes[branch.scope].writes;
    spend_bytes(s, writes.size() * kSlotBytes);
    for (const ScopeWrite& write : writes)
      if (const Wrote wrote = write_channel(s, slot, i.scope, write.channel, write.value);
          wrote != Wrote::done)
        return wrote;
    if (step.kind != StepKind::parallel) continue;
    const StepId child = s.definition->children[step.children.begin + b];
    for (StepId below = child; below < s.definition->steps[child].end; ++below)
      s.scopes[i.scope].outputs[below] = s.scopes[branch.scope].outputs[below];
  }
  return Wrote::done;
}

// Losers are cancelled, or go on with nobody waiting for them.
void dismiss_losers(State& s, Slot slot) {
  if (!s.step(s.instances[slot]).losers_run) return cancel_below(s, slot);
  s.meter.spend(s.instances.size() / kScannedAUnit);
  for (Instance& other : s.instances) {
    // One that has just ended, too: the branches that it would report to are gone.
    if (!other.live || other.parent != slot) continue;
    other.rounds = rounds_of(s, other);
    other.detached = true;
    other.parent = 0;
    --s.instances[slot].below;
    ++s.instances[0].below;
  }
}

void finish_join(State& s, Slot slot) {
  dismiss_losers(s, slot);
  Instance& i = s.instances[slot];
  const Wrote merged = merge(s, slot);
  if (merged == Wrote::unfit)
    return fail(s, slot, {"bad_write", "what the branches wrote cannot be merged", i.step, 0});
  if (merged == Wrote::no_room || outputs_bytes(i) > room_of(s))
    return fail(s, slot, failure_of(no_room(), i.step));
  i.output = joined_output(s, i);
  drop_branches(s, i);
  if (!unwind(s, slot, After::complete)) complete(s, slot, i.output);
}

void begin_branch_of(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  const std::uint32_t branch = i.next++;
  const std::uint32_t scope = step.in_scope_of_own ? copy_scope(s, i.scope, true) : i.scope;
  const std::uint32_t child = step.kind == StepKind::for_each ? 0 : branch;
  spawn(s, s.definition->children[step.children.begin + child], slot, branch, scope, Role::body);
}

bool read_items(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  ScopeNames names(s, slot);
  auto items = evaluate(s, step.value, names);
  if (!items) {
    fail(s, slot, failure_of(items.error(), i.step));
    return false;
  }
  if (!(*items)->is_array() || (*items)->size() > step.bound) {
    fail(s, slot,
         {"bad_items",
          joined({"for_each needs a list of at most ", step.bound, " items, not ",
                  redoubt::describe(**items)}),
          i.step, 0});
    return false;
  }
  i.items = std::move(*items);
  return true;
}

}  // namespace

void begin_branches(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  const bool each = step.kind == StepKind::for_each;
  if (each && !read_items(s, slot)) return;
  const auto count = each ? static_cast<std::uint32_t>(i.items->size()) : step.children.count;
  drop_branches(s, i);
  i.branches.assign(count, Branch{});
  spend_bytes(s, count * kBranchBytes);
  i.good = 0;
  i.next = 0;
  i.settled = 0;
  const bool hopeless = count == 0 && (step.join == Join::any || step.join == Join::first);
  if (hopeless || (step.join == Join::quorum && count < step.quorum))
    return fail(s, slot, {"no_quorum", joined({"there are only ", count, " branches"}), i.step, 0});
  if (count == 0) return finish_join(s, slot);
  const std::uint32_t at_once = each && step.at_once < count ? step.at_once : count;
  while (i.next < at_once)
    begin_branch_of(s, slot);
}

void branch_ended(State& s, Slot parent, Slot child) {
  Instance& i = s.instances[parent];
  const Instance& below = s.instances[child];
  const Step& step = s.step(i);
  Branch& branch = i.branches[below.round];
  branch.phase = below.phase;
  branch.output = below.output;
  branch.failure = below.failure;
  if (step.in_scope_of_own) {
    branch.scope = below.scope;
    hold_scope(s, branch.scope);
  }
  ++i.settled;
  // It has ended: it is no loser that would have to be dismissed.
  release(s, child);
  const auto count = static_cast<std::uint32_t>(i.branches.size());
  i.good += succeeded(branch);
  const std::uint32_t good = i.good;
  const bool failed = !succeeded(branch);
  const std::uint32_t bad = i.settled - good;
  switch (step.join) {
    case Join::all:
      if (failed) return fail(s, parent, branch.failure);
      if (good == count) return finish_join(s, parent);
      break;
    case Join::all_settled:
      if (i.settled == count) return finish_join(s, parent);
      break;
    case Join::any:
      if (!failed) return finish_join(s, parent);
      if (bad == count) return fail(s, parent, branch.failure);
      break;
    case Join::first:
      if (failed) return fail(s, parent, branch.failure);
      return finish_join(s, parent);
    case Join::quorum:
      if (good == step.quorum) return finish_join(s, parent);
      if (bad > count - step.quorum)
        return fail(s, parent,
                    {"no_quorum",
                     joined({bad, " of ", count, " branches have failed, ", step.quorum,
                             " had to succeed"}),
                     i.step, 0});
      break;
  }
  if (i.next < count && step.kind == StepKind::for_each) begin_branch_of(s, parent);
}

}  // namespace redoubt::workflow
