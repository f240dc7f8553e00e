#include "scripted_host.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/history.hpp"

namespace redoubt::workflow {
namespace {

constexpr int kTurnsMax = 100'000;

FleetOptions options_of(const std::map<std::string, DefinitionPtr>& workflows,
                        const FleetBounds& bounds) {
  FleetOptions options;
  options.bounds = bounds;
  options.builtins = {"math.double"};
  options.passing_codes = {"store_busy"};
  options.key = {"k", "every host of the tests has it"};
  options.find = [&workflows](std::string_view name) {
    const auto found = workflows.find(std::string(name));
    return found == workflows.end() ? nullptr : found->second;
  };
  return options;
}

}  // namespace

std::string name_of(const RunKey& key) {
  return key.owner + "/" + key.id;
}

std::vector<RunKey> ScriptedStore::unfinished() const {
  std::vector<RunKey> keys;
  for (const auto& [key, kept] : runs)
    if (kept.record.ended_ms == 0 && kept.record.status != RunStatus::parked) keys.push_back(key);
  return keys;
}

ScriptedHost::ScriptedHost(ScriptedStore& store, std::map<std::string, DefinitionPtr> workflows,
                           FleetBounds bounds, std::int64_t now)
    : fleet(options_of(workflows_, bounds)),
      now_ms(now),
      store_(store),
      workflows_(std::move(workflows)) {}

bool ScriptedHost::settle(std::size_t actions_max) {
  for (int turns = 0;; ++turns) {
    REQUIRE(turns < kTurnsMax);
    for (Action& one : fleet.take())
      due_.push_back(std::move(one));
    if (due_.empty()) {
      if (!fleet.work(1, now_ms)) {
        for (Action& one : fleet.take())
          due_.push_back(std::move(one));
        if (due_.empty()) return true;
      }
      continue;
    }
    if (actions_max-- == 0) return false;
    ++actions;
    Action next = std::move(due_.front());
    due_.pop_front();
    std::visit([this](auto& one) { carry_out(one); }, next);
  }
}

void ScriptedHost::tick() {
  now_ms = std::max(now_ms, std::exchange(wake_ms, 0));
  fleet.tick(now_ms);
}

std::string ScriptedHost::trace() {
  return std::exchange(trace_, {});
}

void ScriptedHost::line(std::initializer_list<std::string_view> words) {
  bool first = true;
  for (const std::string_view word : words) {
    if (word.empty()) continue;
    if (!std::exchange(first, false)) trace_ += " ";
    trace_ += word;
  }
  trace_ += "\n";
}

void ScriptedHost::show_events(const RunKey& key, std::size_t from) {
  if (!shows_events) return;
  const ScriptedStore::Kept& kept = store_.runs[key];
  auto reader = HistoryReader::open(kept.history);
  REQUIRE(reader);
  Event event;
  while (true) {
    const auto more = reader->next(event);
    REQUIRE(more);
    if (!*more) return;
    if (reader->position() > from) line({" ", describe(event, "")});
  }
}

void ScriptedHost::carry_out(action::Store& one) {
  const RunKey& key = one.run.key;
  refs[key] = one.run;
  static constexpr const char* kHow[] = {"create", "replace", "append"};
  const char* how = kHow[static_cast<int>(one.how)];
  if (store_fails && (!fails_for || *fails_for == key)) {
    line({"store", how, name_of(key), "fails:", store_fails->code});
    return fleet.stored(one.run, *store_fails, now_ms);
  }
  const bool is_known = store_.runs.count(key) > 0;
  const bool is_over_on_arrival = one.epoch && one.record.ended_ms > 0;
  CHECK(is_known == (one.how != action::Store::How::create));
  ScriptedStore::Kept& kept = store_.runs[key];
  CHECK(one.record.definition.empty() == (one.how == action::Store::How::append));
  if (one.how == action::Store::How::append) one.record.definition = kept.record.definition;
  if (one.how == action::Store::How::replace) kept = {};
  CHECK(one.record.stores == kept.record.stores);
  CHECK(one.ends == (one.record.ended_ms > 0 && kept.record.ended_ms == 0 && !is_over_on_arrival));
  const std::size_t from = kept.history.size();
  kept.record = one.record;
  ++kept.record.stores;
  if (one.epoch) store_.epochs[key].push_back(*one.epoch);
  kept.history += one.frames;
  if (!one.snapshot.empty()) {
    kept.snapshot = one.snapshot;
    kept.snapshot_seq = one.snapshot_seq;
    kept.snapshot_at = kept.history.size();
  }
  line({"store", how, name_of(key), name_of(one.record.status), one.record.ended_ms ? "ended" : "",
        one.record.only_waits ? "waits" : "", one.rests ? "" : "busy",
        one.snapshot.empty() ? std::string() : joined({"snapshot=", one.snapshot_seq})});
  show_events(key, from);
  fleet.stored(one.run, {}, now_ms);
}

void ScriptedHost::carry_out(action::Load& one) {
  line({"load", name_of(one.run.key), one.whole ? "whole" : ""});
  const auto found = store_.runs.find(one.run.key);
  if (found == store_.runs.end()) return fleet.loaded(one.run, std::optional<LoadedRun>(), now_ms);
  const ScriptedStore::Kept& kept = found->second;
  LoadedRun run{.record = kept.record};
  run.text_bytes = kept.record.definition.size() + kept.history.size();
  run.unread =
      memory_needed(kept.record) > one.memory_bytes_max || run.text_bytes > one.text_bytes_max;
  if (run.unread) {
    line({"  no room"});
    return fleet.loaded(one.run, std::optional<LoadedRun>(std::move(run)), now_ms);
  }
  run.history = kept.history;
  if (!one.whole && !kept.snapshot.empty()) {
    run.snapshot = kept.snapshot;
    run.snapshot_seq = kept.snapshot_seq;
    run.history = kept.history.substr(kept.snapshot_at);
  }
  fleet.loaded(one.run, std::optional<LoadedRun>(std::move(run)), now_ms);
}

void ScriptedHost::carry_out(action::Release& one) {
  line({"release", name_of(one.run)});
}

void ScriptedHost::carry_out(action::Erase& one) {
  line({"erase", name_of(one.run)});
  if (store_fails) return fleet.erased(one.run, *store_fails, now_ms);
  fleet.erased(one.run, store_.runs.erase(one.run) > 0, now_ms);
}

void ScriptedHost::carry_out(action::ReadHistory& one) {
  line({"read", name_of(one.run.key)});
  fleet.history_read(one.run, store_.runs[one.run.key].history, now_ms);
}

void ScriptedHost::carry_out(action::ReadEpochs& one) {
  line({"read epochs", name_of(one.run.key)});
  fleet.epochs_read(one.run, store_.epochs[one.run.key], now_ms);
}

void ScriptedHost::carry_out(action::Begin& one) {
  const Effect& effect = one.effect;
  refs[one.run.key] = one.run;
  line({"begin", name_of(one.run.key), name_of(effect.kind), effect.id, effect.target,
        effect.request});
  // Store before do: the event by which the effect was asked for is in the store.
  const std::string& history = store_.runs[one.run.key].history;
  CHECK(history.find("\"id\":\"" + effect.id + "\"") != std::string::npos);
  const std::string key = name_of(one.run.key) + " " + effect.id;
  if (effect.effect_class == EffectClass::once && effect.kind == StepKind::tool)
    CHECK_MESSAGE(store_.begun_once.insert(key).second, key, " was begun twice");
  if (effect.kind != StepKind::ask) effects_open[key] = one.run;
}

void ScriptedHost::carry_out(action::Withdraw& one) {
  line({"withdraw", name_of(one.run.key), one.effect});
  effects_open.erase(name_of(one.run.key) + " " + one.effect);
}

void ScriptedHost::carry_out(action::Show& one) {
  line({"show", name_of(one.run), one.progress.name, one.progress.value});
}

void ScriptedHost::carry_out(action::Tell& one) {
  said.insert_or_assign(one.call, one.said);
  if (!one.said)
    return line({"tell", "error", one.said.error().code + ":", one.said.error().message});
  const std::string& said_text = **one.said;
  if (said_text.empty()) return line({"tell", "ok"});
  if (said_text.substr(0, 8) == "RDBTBNDL") return line({"tell", "a bundle"});
  const auto view = parse_json(said_text, {kPayloadBytesMax});
  REQUIRE(view);
  line({"tell", (*view)["id"].get<std::string>(), (*view)["status"].get<std::string>(),
        (*view)["outcome"].is_null() ? "" : (*view)["outcome"].dump(),
        (*view)["questions"].empty() ? "" : (*view)["questions"].dump()});
}

void ScriptedHost::carry_out(action::Changed& one) {
  line({"changed", name_of(one.run), one.fault ? one.fault->code : ""});
}

void ScriptedHost::carry_out(action::Left& one) {
  line({"left", name_of(one.run.key), one.wake_ms ? std::to_string(one.wake_ms) : "",
        one.why ? one.why->code : ""});
}

void ScriptedHost::carry_out(action::Fault& one) {
  line({"fault", name_of(one.run), one.error.code});
}

void ScriptedHost::carry_out(action::Wake& one) {
  wake_ms = one.at_ms;
  line({"wake", std::to_string(one.at_ms)});
}

}  // namespace redoubt::workflow
