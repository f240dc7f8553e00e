// Runs the literate scripts beside this file: a comment that says why a case exists, a command,
// `----`, and all that the fleet then wants done and tells, in its order. REDOUBT_REWRITE=1 writes
// what does come out into the scripts; the diff is then the review.
//
//   new                        a new fleet, an empty store, 1000 ms
//   bounds NAME=NUMBER...      of the fleets from here on; `store_retry=never`
//   workflow                   one as JSON follows; it joins those that can be called by their
//   names forget NAME                it can be called no more call NAME child ID EFFECT  how the
//   run is called here for which the effect of that run stands;
//                              `call NAME successor ID`
//   start RUN NAME [INPUT]     RUN is OWNER/ID
//   signal RUN NAME [JSON]     `answer RUN NAME JSON`, `cancel RUN WHO`
//   done RUN EFFECT [JSON]     what came of an effect; `fail RUN EFFECT JSON`
//   look RUN, wake RUN, remove RUN, export RUN
//   import OWNER [OFFSET]      the bundle that was told last, by a host whose clock is so far
//                              ahead ("30s", "-30s")
//   advance DURATION           lets time pass, in steps as the fleet wishes to be woken
//   store CODE [RUN]           refuses everything, or all of a run, with this error; `store works`
//   crash                      forgets the fleet; another one wakes what is not over
//   spoil RUN                  its snapshot is one of another version; `damage RUN` its history
//   hold, go                   nothing is done between them
//   events on|off              whether stored events are shown
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "engine/base/document.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/kin.hpp"
#include "engine/workflow/loader.hpp"
#include "scripted_host.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr const char* kFolder = "tests/engine/workflow/host";

class Script {
 public:
  Script() { renew(); }
  std::string run(const std::string& line, const std::string& body);

 private:
  void renew();
  std::string define(const std::string& body);
  std::string call(std::istream& words);
  RunKey key_of(const std::string& text) const;
  std::string with_names(std::string trace) const;
  void bound(const std::string& word);
  void start(std::istream& words, const RunKey& key);
  void import(std::istream& words);
  void advance(std::int64_t ms);
  void crash();
  /// Commands that name a run; false where there is no such command.
  bool of_run(const std::string& command, const RunKey& key, std::istream& words);

  ScriptedStore store_;
  std::map<std::string, DefinitionPtr> workflows_;
  FleetBounds bounds_;
  std::unique_ptr<ScriptedHost> host_;
  std::map<std::string, std::string> names_;  ///< and the ids that they stand for
  Call calls_ = 0;
  std::string bundle_;
  bool holds_ = false;
};

std::string rest_of(std::istream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

std::string Script::call(std::istream& words) {
  std::string name, kind, id, effect;
  words >> name >> kind >> id >> effect;
  if (const auto known = names_.find(id); known != names_.end()) id = known->second;
  names_[name] = kind == "child" ? child_id(id + "/" + effect) : successor_id(id);
  return "ok\n";
}

RunKey Script::key_of(const std::string& text) const {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {};
  const std::string id = text.substr(slash + 1);
  const auto named = names_.find(id);
  return {text.substr(0, slash), named == names_.end() ? id : named->second};
}

std::string Script::with_names(std::string trace) const {
  for (const auto& [name, id] : names_)
    for (std::size_t at = trace.find(id); at != std::string::npos; at = trace.find(id, at))
      trace.replace(at, id.size(), name);
  return trace;
}

void Script::renew() {
  store_ = {};
  host_ = std::make_unique<ScriptedHost>(store_, workflows_, bounds_, 1000);
}

std::string Script::define(const std::string& body) {
  const auto file = read_json_document(body);
  REQUIRE_MESSAGE(file, body);
  LoadContext context{{"math.double"}, {}};
  for (const auto& [name, definition] : workflows_)
    context.workflows.push_back({name, calls_of(*definition)});
  const Loaded loaded = load(*file, context);
  for (const Error& fault : loaded.faults)
    return fault.path + ": " + fault.message + "\n";
  workflows_[loaded.definition->name] = loaded.definition;
  const bool shows_events = host_->shows_events;
  renew();
  host_->shows_events = shows_events;
  return "ok\n";
}

void Script::bound(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const std::string digits = word.substr(equals + 1);
  const std::uint64_t number = digits == "never" ? 0 : std::stoull(digits);
  const auto count = static_cast<std::size_t>(number);
  if (name == "runs") bounds_.runs_max = count;
  if (name == "owner_runs") bounds_.owner_runs_max = count;
  if (name == "idle") bounds_.idle_max = count;
  if (name == "inputs") bounds_.inputs_max = count;
  if (name == "memory") bounds_.memory_bytes_max = number;
  if (name == "owner_memory") bounds_.owner_memory_bytes_max = number;
  if (name == "loads") bounds_.loads_max = count;
  if (name == "imports_waiting") bounds_.imports_waiting_max = count;
  if (name == "snapshot_events") bounds_.snapshot_events = number;
  if (name == "stores_failed") bounds_.stores_failed_max = static_cast<int>(number);
  if (name == "store_retry")
    bounds_.store_retry_ms = digits == "never" ? -1 : static_cast<std::int64_t>(number);
  if (name == "turn_work") bounds_.turn_work_max = number;
}

void Script::start(std::istream& words, const RunKey& key) {
  std::string name;
  words >> name;
  const auto found = workflows_.find(name);
  REQUIRE_MESSAGE(found != workflows_.end(), name);
  const std::string input = rest_of(words);
  host_->fleet.start({key, found->second, input.empty() ? "{}" : input, 1}, ++calls_,
                     host_->now_ms);
}

void Script::import(std::istream& words) {
  std::string owner, offset;
  words >> owner >> offset;
  for (const auto& [call, said] : host_->said)
    if (said && (*said)->substr(0, 8) == "RDBTBNDL") bundle_ = **said;
  ImportRun order{owner, bundle_};
  order.importer.may_author = order.importer.honour_approvals = true;
  order.importer.may_do = [](const void*, std::string_view, std::string_view) { return true; };
  if (!offset.empty()) {
    const bool is_behind = offset[0] == '-';
    const std::int64_t ms = *read_duration(std::string_view(offset).substr(is_behind ? 1 : 0));
    order.importer.clock_offset_ms = is_behind ? -ms : ms;
    host_->now_ms += order.importer.clock_offset_ms;
  }
  host_->fleet.import_run(std::move(order), ++calls_, host_->now_ms);
}

void Script::advance(std::int64_t ms) {
  const std::int64_t end = host_->now_ms + ms;
  while (host_->wake_ms > 0 && host_->wake_ms <= end) {
    host_->tick();
    host_->settle();
  }
  host_->now_ms = end;
}

void Script::crash() {
  const std::int64_t now = host_->now_ms;
  const bool shows_events = host_->shows_events;
  host_ = std::make_unique<ScriptedHost>(store_, workflows_, bounds_, now);
  host_->shows_events = shows_events;
  for (const RunKey& key : store_.unfinished())
    host_->fleet.wake(key, 0, now);
}

bool Script::of_run(const std::string& command, const RunKey& key, std::istream& words) {
  Fleet& fleet = host_->fleet;
  const std::int64_t now = host_->now_ms;
  if (command == "start") return start(words, key), true;
  if (command == "look") return fleet.look(key, ++calls_, now), true;
  if (command == "wake") return fleet.wake(key, ++calls_, now), true;
  if (command == "remove") return fleet.remove(key, ++calls_, now), true;
  if (command == "export") return fleet.export_run(key, ++calls_, now), true;
  if (command == "spoil") return store_.runs[key].snapshot[8] ^= 0x40, true;
  if (command == "damage") return store_.runs[key].history.back() ^= 0x40, true;
  std::string name;
  words >> name;
  const std::string value = rest_of(words);
  if (command == "done" || command == "fail") {
    host_->effects_open.erase(name_of(key) + " " + name);
    fleet.done(host_->refs[key], name, command == "fail", value.empty() ? "null" : value, now);
    return true;
  }
  const auto give = [&](InputKind kind) {
    fleet.give(key, {kind, name, value}, ++calls_, now);
    return true;
  };
  if (command == "signal") return give(InputKind::signal);
  if (command == "answer") return give(InputKind::answer);
  return command == "cancel" && give(InputKind::cancel);
}

std::string Script::run(const std::string& line, const std::string& body) {
  std::istringstream words(line);
  std::string command, name;
  words >> command;
  if (command == "workflow") return define(body);
  if (command == "call") return call(words);
  if (command == "forget") {
    words >> name;
    workflows_.erase(name);
    return renew(), "ok\n";
  }
  if (command == "new") return renew(), "ok\n";
  if (command == "bounds") {
    while (words >> name)
      bound(name);
    return renew(), "ok\n";
  }
  if (command == "hold" || command == "go") {
    holds_ = command == "hold";
  } else if (command == "crash") {
    crash();
  } else if (command == "import") {
    import(words);
  } else {
    words >> name;
    if (command == "events") {
      host_->shows_events = name == "on";
    } else if (command == "store") {
      std::string run;
      words >> run;
      host_->fails_for.reset();
      if (!run.empty()) host_->fails_for = key_of(run);
      host_->store_fails.reset();
      if (name != "works") host_->store_fails = Error{.code = name, .message = "the disk is full"};
    } else if (command == "advance") {
      advance(*read_duration(name));
    } else if (!of_run(command, key_of(name), words)) {
      return "unknown command\n";
    }
  }
  if (!holds_) host_->settle();
  return with_names(host_->trace());
}

// Walks one script; gives back how it would read if what came out were right.
std::string walk(const std::string& text) {
  Script script;
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    out += line + "\n";
    if (line.empty() || line[0] == '#') continue;
    const std::string command = line;
    std::string body, expected;
    while (std::getline(lines, line) && line != "----") {
      body += line + "\n";
      out += line + "\n";
    }
    out += "----\n";
    while (std::getline(lines, line) && !line.empty())
      expected += line + "\n";
    CAPTURE(command);
    const std::string got = script.run(command, body);
    if (!std::getenv("REDOUBT_REWRITE")) CHECK(got == expected);
    out += got + "\n";
  }
  // One blank line ends a case, none ends the file.
  while (out.size() > 1 && out.substr(out.size() - 2) == "\n\n")
    out.pop_back();
  return out;
}

}  // namespace

TEST_SUITE("workflow/host scripts") {
  TEST_CASE("every script of the fleet gives the trace that it tells") {
    std::vector<std::filesystem::path> scripts;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder))
      if (entry.path().extension() == ".txt") scripts.push_back(entry.path());
    std::sort(scripts.begin(), scripts.end());
    REQUIRE(scripts.size() >= 1);
    for (const auto& path : scripts) {
      CAPTURE(path.string());
      std::stringstream text;
      text << std::ifstream(path).rdbuf();
      const std::string walked = walk(text.str());
      if (std::getenv("REDOUBT_REWRITE"))
        std::ofstream(path) << walked;
      else
        CHECK(walked == text.str());
    }
  }
}
