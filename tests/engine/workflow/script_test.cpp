// Runs the literate scripts beside this file, but for those of host/: a comment that says why a
// case exists, a command with its input, `----`, and the whole trace that must come out.
// REDOUBT_REWRITE=1 writes what does come out into the scripts; the diff is then the review.
// REDOUBT_KEEP=FILE writes the histories of all runs into a new file, to be kept
// (kept_histories_test.cpp).
//
//   define              a workflow as JSON follows; prints its steps or its faults
//   start [INPUT]       begins a run at 1000 ms with the seed 1
//   complete ID [JSON]  an effect's result; `fail ID JSON`, `answer ID JSON`, `signal NAME [JSON]`
//   advance DURATION    lets time pass and gives a tick; `cancel WHO`; `resume`
//   crash               forgets the run and replays its history; `restore` does so from a snapshot
//   park                ends the run here; `import OFFSET [DENIED...]` takes it over from a bundle
//   at
//                       a host whose clock is so far ahead ("0s", "30s", "-30s")
//   fork ID             goes on with what was parked as another run
//   show                status, outcome, state
//
// After every command the history is replayed from its beginning, and the run that comes out must
// be the same as the one at hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

const LoadContext& load_context() {
  static const LoadContext all{
      {"strategist.team_strategy", "math.double", "guard.words", "memory.search", "memory.store"},
      {{"greet", {}}, {"leads_back", {"other"}}, {"other", {"test"}}},
  };
  return all;
}

class Script {
 public:
  /// What one turn of the run may take.
  explicit Script(std::uint64_t turn_work_max) : turn_work_max_(turn_work_max) {}

  /// Writes the history of the run at hand, as far as it came.
  void keep(const std::string& name, ByteWriter& kept) const;
  std::string run(const std::string& command, const std::string& body);

 private:
  std::string define(const std::string& body);
  std::string start(const std::string& input);
  std::string give(InputKind kind, std::string_view name, const std::string& value);
  std::string taken();
  std::string show() const;
  std::string crash();
  std::string restore();
  std::string park();
  std::string import(std::istream& words);
  std::string fork(const std::string& id);
  void check_replay();

  Taken take_all();

  std::uint64_t turn_work_max_;
  DefinitionPtr definition_;
  std::optional<Run> run_;
  std::string history_;
  std::string snapshot_;
  std::size_t snapshot_at_ = 0;
  std::int64_t now_ms_ = 0;
  RunStatus shown_ = RunStatus::running;
};

void Script::keep(const std::string& name, ByteWriter& kept) const {
  if (!run_) return;
  kept.text(name);
  kept.text(definition_->bytes);
  kept.text(history_);
  kept.text(name_of(run_->status()));
  kept.text(hex64(run_->head().link));
  kept.u64(run_->result_hash());
}

std::string Script::define(const std::string& body) {
  run_.reset();
  definition_.reset();
  const auto file = read_json_document(body);
  if (!file) return "not JSON: " + file.error().message + "\n";
  const Loaded loaded = load(*file, load_context());
  std::string out;
  for (const Error& fault : loaded.faults) {
    out += joined({fault.line, ":", fault.column, " "}) + fault.path + ": " + fault.code + ": " +
           fault.message;
    if (!fault.expected.empty()) out += " (expected " + fault.expected + ")";
    out += "\n";
  }
  for (const Error& note : loaded.notes)
    out += joined({"note ", note.line, ":", note.column, " ", note.path, ": ", note.message, "\n"});
  definition_ = loaded.definition;
  if (!definition_) return out;
  // Its compiled form is the same workflow.
  const auto compiled = parse_json(definition_->bytes);
  REQUIRE(compiled);
  const Loaded again = load(Document(*compiled), load_context());
  REQUIRE(again.ok());
  CHECK(again.definition->hash == definition_->hash);
  CHECK(again.definition->bytes == definition_->bytes);
  return out + "ok " + std::to_string(definition_->steps.size()) + " steps\n";
}

std::string Script::start(const std::string& input) {
  if (!definition_) return "no definition\n";
  now_ms_ = 1000;
  shown_ = RunStatus::running;
  RunOptions options{"run", 1, now_ms_};
  options.turn_work_max = turn_work_max_;
  auto run = Run::start(definition_, input, options);
  if (!run) return "error " + run.error().code + ": " + run.error().message + "\n";
  run_.emplace(std::move(*run));
  history_ = history_header(definition_->hash);
  snapshot_.clear();
  return taken();
}

// Of all turns that the last input leads to.
Taken Script::take_all() {
  Taken all = run_->take();
  while (run_->busy()) {
    CHECK(run_->give({InputKind::signal, now_ms_, "any", {}}).error().code == "run_busy");
    CHECK(run_->park(now_ms_).error().code == "run_busy");
    CHECK(all.effects.empty());
    run_->go_on();
    Taken more = run_->take();
    if (all.count == 0) all.first_seq = more.first_seq;
    CHECK((more.count == 0 || more.first_seq == all.first_seq + all.count));
    all.events += more.events;
    all.count += more.count;
    all.effects = std::move(more.effects);
    all.withdrawn = std::move(more.withdrawn);
    for (Progress& shown : more.progress)
      all.progress.push_back(std::move(shown));
  }
  return all;
}

std::string Script::taken() {
  const Taken taken = take_all();
  const std::size_t from = history_.size();
  history_ += taken.events;
  std::string out;
  auto reader = HistoryReader::open(history_);
  REQUIRE(reader);
  Event event;
  std::uint32_t count = 0;
  while (true) {
    const auto more = reader->next(event);
    REQUIRE(more);
    if (!*more) break;
    if (reader->position() <= from) continue;
    CHECK(event.seq == taken.first_seq + count);
    ++count;
    out += describe(event, definition_->step_name(event.step)) + "\n";
  }
  CHECK(count == taken.count);
  for (const std::string& id : taken.withdrawn)
    out += "withdraw " + id + "\n";
  for (const Effect& effect : taken.effects) {
    out += "do " + std::string(name_of(effect.kind)) + " " + effect.id + " " +
           name_of(effect.effect_class) + " key=" + effect.key +
           (effect.target.empty() ? "" : " target=" + effect.target) +
           (effect.deadline_ms ? " by=" + std::to_string(effect.deadline_ms) : "") + " " +
           effect.request + "\n";
  }
  for (const Progress& progress : taken.progress)
    out += "show " + progress.step + " " + progress.name + " " + progress.value + "\n";
  if (run_->next_timer_ms() > 0) out += "timer " + std::to_string(run_->next_timer_ms()) + "\n";
  if (run_->status() != RunStatus::running && shown_ == RunStatus::running) out += show();
  shown_ = run_->status();
  check_replay();
  return out;
}

std::string Script::show() const {
  std::string out = std::string(name_of(run_->status())) + " " + run_->outcome();
  for (const Channel& channel : definition_->channels)
    out += " " + channel.name + "=" + run_->channel(channel.name);
  return out + "\n";
}

void Script::check_replay() {
  auto replayed = Run::replay(definition_, history_);
  REQUIRE_MESSAGE(replayed, replayed.error().message);
  CHECK(replayed->state_hash() == run_->state_hash());
  CHECK(replayed->head().link == run_->head().link);
  CHECK(replayed->take().count == 0);
  auto restored = Run::restore(definition_, run_->snapshot(), "");
  REQUIRE_MESSAGE(restored, restored.error().message);
  CHECK(restored->state_hash() == run_->state_hash());
  CHECK(restored->result_hash() == run_->result_hash());
  if (snapshot_.empty()) {
    snapshot_ = run_->snapshot();
    snapshot_at_ = history_.size();
  }
  auto onward =
      Run::restore(definition_, snapshot_, std::string_view(history_).substr(snapshot_at_));
  REQUIRE_MESSAGE(onward, onward.error().message);
  CHECK(onward->state_hash() == run_->state_hash());
}

std::string Script::give(InputKind kind, std::string_view name, const std::string& value) {
  const auto given = run_->give({kind, now_ms_, name, value});
  if (!given) return "error " + given.error().code + ": " + given.error().message + "\n";
  std::string out;
  if (*given == Given::ignored) out = "ignored\n";
  if (*given == Given::nothing) out = "nothing\n";
  return out + taken();
}

std::string Script::crash() {
  auto replay = Replay::begin(definition_, history_);
  if (replay) replay->set_turn_work(turn_work_max_);
  auto done = replay ? replay->go_on() : Result<bool>(replay.error());
  while (done && !*done)
    done = replay->go_on();
  if (!done) return "error " + done.error().code + ": " + done.error().message + "\n";
  run_.emplace(std::move(*replay).run());
  run_->set_turn_work(turn_work_max_);
  return taken();
}

std::string Script::restore() {
  auto restored = Run::restore(definition_, run_->snapshot(), "");
  if (!restored) return "error " + restored.error().code + ": " + restored.error().message + "\n";
  run_.emplace(std::move(*restored));
  run_->set_turn_work(turn_work_max_);
  return taken();
}

std::string Script::park() {
  const auto parked = run_->park(now_ms_);
  if (!parked) return "error " + parked.error().code + ": " + parked.error().message + "\n";
  return taken();
}

std::string Script::import(std::istream& words) {
  std::string offset, name;
  words >> offset;
  const bool behind = offset[0] == '-';
  const auto ms = read_duration(std::string_view(offset).substr(behind ? 1 : 0));
  std::vector<std::string> denied;
  while (words >> name)
    denied.push_back(name);
  const auto exported = export_run(*run_, history_, {});
  if (!exported) return "error " + exported.error().code + ": " + exported.error().message + "\n";
  const auto bundle = read_bundle(write_bundle(*exported));
  REQUIRE_MESSAGE(bundle, bundle.error().message);
  Importer importer;
  importer.may_author = importer.honour_approvals = true;
  importer.clock_offset_ms = offset == "0s" ? 0 : (behind ? -*ms : *ms);
  now_ms_ += importer.clock_offset_ms;
  importer.now_ms = now_ms_;
  importer.context = &denied;
  importer.may_do = [](const void* context, std::string_view step, std::string_view) {
    const auto& no = *static_cast<const std::vector<std::string>*>(context);
    return std::find(no.begin(), no.end(), step) == no.end();
  };
  auto import = Import::begin(*bundle, load_context(), importer);
  if (import) import->set_turn_work(turn_work_max_);
  auto done = import ? import->go_on() : Result<bool>(import.error());
  while (done && !*done)
    done = import->go_on();
  auto imported = done ? std::move(*import).imported() : Result<Imported>(done.error());
  if (!imported) return "error " + imported.error().code + ": " + imported.error().message + "\n";
  run_.emplace(std::move(imported->run));
  return taken();
}

std::string Script::fork(const std::string& id) {
  auto forked = fork_history(definition_, history_, id);
  if (!forked) return "error " + forked.error().code + ": " + forked.error().message + "\n";
  history_ = *forked;
  snapshot_.clear();
  return crash();
}

std::string Script::run(const std::string& line, const std::string& body) {
  std::istringstream words(line);
  std::string command, name;
  words >> command;
  if (command == "define") return define(body);
  const auto rest = [&] {
    std::string value;
    std::getline(words >> std::ws, value);
    return value;
  };
  if (command == "start") return start(rest());
  if (!run_) return "no run\n";
  if (command == "crash") return crash();
  if (command == "restore") return restore();
  if (command == "show") return show();
  if (command == "park") return park();
  if (command == "import") return import(words);
  if (command == "fork") return fork(rest());
  if (command == "resume") return give(InputKind::resumed, "", "");
  words >> name;
  if (command == "advance") {
    const auto duration = read_duration(name);
    if (!duration) return "error " + duration.error().message + "\n";
    now_ms_ += *duration;
    return give(InputKind::tick, "", "");
  }
  if (command == "cancel") return give(InputKind::cancel, name, "");
  if (command == "complete") return give(InputKind::completed, name, rest());
  if (command == "fail") return give(InputKind::failed, name, rest());
  if (command == "answer") return give(InputKind::answer, name, rest());
  if (command == "signal") return give(InputKind::signal, name, rest());
  return "unknown command\n";
}

// Walks one script; gives back how it would read if what came out were right.
std::string walk(const std::string& name, const std::string& text, ByteWriter& kept,
                 std::uint64_t turn_work_max) {
  Script script(turn_work_max);
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) {
    out += line + "\n";
    if (line.empty() || line[0] == '#') continue;
    const std::string command = line;
    std::string body;
    while (std::getline(lines, line) && line != "----") {
      body += line + "\n";
      out += line + "\n";
    }
    out += "----\n";
    std::string expected;
    while (std::getline(lines, line) && !line.empty())
      expected += line + "\n";
    if (command == "define" || command.substr(0, 5) == "start") script.keep(name, kept);
    const std::string got = script.run(command, body);
    CAPTURE(command);
    if (!std::getenv("REDOUBT_REWRITE")) CHECK(got == expected);
    out += got + "\n";
  }
  script.keep(name, kept);
  // One blank line ends a case, none ends the file.
  while (out.size() > 1 && out.substr(out.size() - 2) == "\n\n")
    out.pop_back();
  return out;
}

bool is_script(const std::filesystem::path& path) {
  return path.extension() == ".txt" && path.parent_path().filename() != "host";
}

}  // namespace

TEST_SUITE("workflow/scripts") {
  TEST_CASE("every script gives the same trace whatever a turn may take") {
    if (std::getenv("REDOUBT_REWRITE")) return;
    for (const std::uint64_t turn_work_max : {std::uint64_t{1}, std::uint64_t{50}, kUnboundedTurn})
      for (const auto& entry :
           std::filesystem::recursive_directory_iterator("tests/engine/workflow")) {
        if (!is_script(entry.path())) continue;
        CAPTURE(entry.path().string());
        CAPTURE(turn_work_max);
        std::stringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        ByteWriter kept;
        CHECK(walk("", text.str(), kept, turn_work_max) == text.str());
      }
  }

  TEST_CASE("every script gives the trace that it tells") {
    std::vector<std::filesystem::path> scripts;
    for (const auto& entry : std::filesystem::recursive_directory_iterator("tests/engine/workflow"))
      if (is_script(entry.path())) scripts.push_back(entry.path());
    std::sort(scripts.begin(), scripts.end());
    REQUIRE(scripts.size() >= 1);
    ByteWriter kept;
    for (const auto& path : scripts) {
      CAPTURE(path.string());
      std::stringstream text;
      text << std::ifstream(path).rdbuf();
      const std::string walked = walk(path.filename().string(), text.str(), kept, kTurnWorkMax);
      if (std::getenv("REDOUBT_REWRITE")) {
        std::ofstream(path) << walked;
      } else {
        CHECK(walked == text.str());
      }
    }
    if (const char* file = std::getenv("REDOUBT_KEEP")) {
      REQUIRE_FALSE(std::filesystem::exists(file));  // what is kept is kept for ever
      std::ofstream(file, std::ios::binary) << kept.take();
    }
  }
}
