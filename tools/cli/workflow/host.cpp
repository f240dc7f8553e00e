#include "tools/cli/workflow/host.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflow/kin.hpp"
#include "engine/workflow/loader.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/definition_file.hpp"

namespace redoubt::cli {
namespace {

using workflow::Effect;
using workflow::InputKind;
using workflow::RunStatus;
using workflow::StepKind;

constexpr std::int64_t wait_ms_max = 60'000;
/// There is one owner here.
constexpr const char* owner = "";
constexpr std::uint64_t memory_bytes_max = std::uint64_t{1} << 30;
/// What whoever called this program asked for: what is wrong with it ends the program.
constexpr workflow::Call from_user = 1;

std::int64_t wall_now_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

Error refused(const char* code, const Effect& effect, std::string_view why) {
  return make_error(code, {effect.id, ": ", why}, {}, {}, {});
}

std::string_view step_of(std::string_view effect) {
  return effect.substr(0, effect.find_first_of("[~#"));
}

const Json* settings_of(const workflow::Definition& definition, std::string_view tool) {
  for (const workflow::Declared& one : definition.tools)
    if (one.name == tool && one.settings) return one.settings.get();
  return nullptr;
}

std::vector<std::string> command_of(const Json* settings) {
  std::vector<std::string> words;
  if (!settings || !settings->is_object() || settings->value("_type", Json()) != "command")
    return words;
  const auto command = settings->find("command");
  if (command == settings->end() || !command->is_array()) return words;
  for (const Json& word : *command)
    if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

// What a person types is JSON, or else a text.
std::string as_json(const std::string& typed) {
  if (parse_json(typed)) return typed;
  std::string out;
  write_canonical_text(typed, out);
  return out;
}

std::size_t times_signalled(std::string_view history, const std::string& name) {
  std::size_t times = 0;
  auto reader = workflow::HistoryReader::open(history);
  workflow::Event event;
  while (reader) {
    const auto more = reader->next(event);
    if (!more || !*more) break;
    if (event.kind != workflow::EventKind::signalled) continue;
    const auto payload = parse_json(event.payload, {workflow::kPayloadBytesMax});
    if (payload && payload->is_object() && payload->value("name", Json()) == name) ++times;
  }
  return times;
}

}  // namespace

Host::Host(HostOptions options)
    : options_(std::move(options)),
      fleet_(fleet_options()),
      terminal_(::isatty(STDIN_FILENO) != 0) {}

Host::~Host() {
  for (Working& tool : tools_)
    kill_tool(tool.process);
}

workflow::FleetOptions Host::fleet_options() {
  workflow::FleetOptions fleet;
  // Whoever calls this program has the machine to themselves, and runs in it stay to the end.
  fleet.bounds.owner_runs_max = fleet.bounds.idle_max = fleet.bounds.runs_max;
  fleet.bounds.memory_bytes_max = fleet.bounds.owner_memory_bytes_max = memory_bytes_max;
  fleet.bounds.loads_max = fleet.bounds.runs_max;
  fleet.bounds.snapshot_events = UINT64_MAX;  // a journal has no place for one
  fleet.builtins = play::builtins();
  fleet.find = [this](std::string_view name) { return find_workflow(name); };
  return fleet;
}

workflow::DefinitionPtr Host::find_workflow(std::string_view name) {
  const auto [at, is_new] = called_.try_emplace(std::string(name));
  if (!is_new) return at->second;
  int code = 0;
  std::vector<Error> notes;
  at->second = load_file(called_file(options_.file, at->first), options_.quiet, code, notes);
  return at->second;
}

void Host::start(std::string id, workflow::DefinitionPtr definition, std::string input,
                 std::uint64_t seed, std::unique_ptr<Journal> journal) {
  first_ = head_ = {owner, std::move(id)};
  journals_[head_] = std::move(journal);
  fleet_.start({head_, std::move(definition), std::move(input), seed}, from_user, wall_now_ms());
  give_signals({});
}

void Host::resume(std::string id, std::unique_ptr<Journal> journal) {
  first_ = head_ = {owner, std::move(id)};
  const std::string history = journal->history();
  journals_[head_] = std::move(journal);
  fleet_.wake(head_, from_user, wall_now_ms());
  give_signals(history);
}

/// A signal that the journal holds was given by an earlier call.
void Host::give_signals(std::string_view history) {
  std::map<std::string, std::size_t> before;
  for (const NamedAnswer& signal : options_.signals)
    if (before[signal.name]++ >= times_signalled(history, signal.name))
      fleet_.give(head_, {InputKind::signal, signal.name, signal.value}, 0, wall_now_ms());
}

Result<void> Host::carry_out() {
  for (;;) {
    if (auto settled = settle(); !settled) return settled;
    if (is_over()) return {};
    if (auto waited = wait(); !waited) return waited;
  }
}

bool Host::is_over() const {
  const workflow::Run* run = fleet_.find(head_);
  return run && run->status() != RunStatus::running && run->status() != RunStatus::continued;
}

Result<void> Host::settle() {
  for (bool more = true; more;) {
    more = fleet_.work(1, wall_now_ms());
    for (workflow::Action& one : fleet_.take()) {
      more = true;
      auto done = std::visit([this](auto& action) { return carry_out(action); }, one);
      if (!done) return done;
    }
  }
  return {};
}

// --- journals ---

std::string Host::journal_of(const RunKey& run) const {
  constexpr std::size_t id_digits = 8;
  if (run == first_) return options_.journal;
  return options_.journal.empty() ? "" : options_.journal + "." + run.id.substr(0, id_digits);
}

/// Null where runs live in memory alone.
Result<Journal*> Host::open_journal(const RunKey& run, const workflow::Definition& definition) {
  const auto [at, is_new] = journals_.try_emplace(run);
  if (is_new && !options_.journal.empty()) {
    auto journal = Journal::open(journal_of(run), definition);
    if (!journal) return journal.error();
    at->second = std::make_unique<Journal>(std::move(*journal));
  }
  return at->second.get();
}

Result<void> Host::carry_out(action::Store& order) {
  auto journal = open_journal(order.run.key, *fleet_.find(order.run.key)->definition());
  if (!journal) return journal.error();
  if (*journal && !order.frames.empty())
    if (auto stored = (*journal)->append(order.frames); !stored) return stored;
  fleet_.stored(order.run, {}, wall_now_ms());
  return {};
}

Result<void> Host::carry_out(action::Load& order) {
  const RunKey& key = order.run.key;
  const std::string path = journal_of(key);
  std::error_code none;
  std::optional<workflow::LoadedRun> found;
  if (!path.empty() && std::filesystem::exists(path, none)) {
    int code = 0;
    const auto definition = load_beside(path, options_.quiet, code);
    if (!definition) return make_error("bad_file", {path, " cannot be read"}, {path}, {}, {});
    auto journal = open_journal(key, *definition);
    if (!journal) return journal.error();
    if (*journal && !(*journal)->history().empty())
      found = {.record = {.workflow = definition->name, .definition = definition->bytes},
               .history = (*journal)->history()};
  }
  fleet_.loaded(order.run, std::move(found), wall_now_ms());
  return {};
}

// --- effects ---

Result<void> Host::carry_out(action::Begin& order) {
  switch (order.effect.kind) {
    case StepKind::builtin:
      begin_builtin(order);
      break;
    case StepKind::model:
      begin_model(order);
      break;
    case StepKind::tool:
      begin_tool(order);
      break;
    case StepKind::ask:
      begin_ask(order);
      break;
    default:
      fail(order, refused("not_here", order.effect, "this host does not carry out such a step"));
  }
  return {};
}

void Host::begin_builtin(const action::Begin& order) {
  const Effect& effect = order.effect;
  const bool is_child = fleet_.record(order.run.key)->depth > 0;
  MemoryFile& memory = is_child ? memories_[order.run.key] : options_.memory;
  const auto answer = agents::is_memory_call(effect.target)
                          ? memory.carry_out(effect, wall_now_ms())
                          : play::call(effect.target, effect.request);
  if (!answer) return fail(order, answer.error());
  finish(order.run, effect.id, false, *answer, 0);
}

// By a program of its own: one waits for many, and any can be cancelled.
void Host::ask_model(const action::Begin& order) {
  if (tools_.size() >= tools_at_once_max) {
    models_waiting_.push_back(order);
    return;
  }
  auto started = start_tool(order.effect, options_.model_command);
  if (!started) return fail(order, started.error());
  started->model = true;
  tools_.push_back({order.run, std::move(*started)});
}

void Host::begin_model(const action::Begin& order) {
  if (!options_.model_command.empty()) return ask_model(order);
  if (!options_.model && !options_.quiet && !std::exchange(told_no_model_, true))
    std::fprintf(stderr,
                 "redoubt: no model was given: each model step fails, and its fallback answers "
                 "where it has one; --model http://localhost:8000 asks a relay's, --model "
                 "script:FILE answers from a file\n");
  const auto scripted = options_.model ? options_.model->answer(order.effect) : std::nullopt;
  if (!scripted)
    return fail(
        order, refused("no_model", order.effect,
                       options_.model ? "the model's script has no answer" : "no model was given"));
  finish(order.run, order.effect.id, scripted->failed, scripted->value, scripted->delay_ms);
}

void Host::begin_tool(const action::Begin& order) {
  const workflow::Definition& definition = *fleet_.find(order.run.key)->definition();
  const auto command = command_of(settings_of(definition, order.effect.target));
  const char* why = command.empty()      ? "only tools of _type command are carried out here"
                    : !options_.commands ? "commands are not allowed (--commands)"
                    : tools_.size() >= tools_at_once_max ? "too many commands at once"
                                                         : nullptr;
  if (why) return fail(order, refused("no_tool", order.effect, why));
  auto started = start_tool(order.effect, command);
  if (!started) return fail(order, started.error());
  tools_.push_back({order.run, std::move(*started)});
}

void Host::begin_ask(const action::Begin& order) {
  const Effect& effect = order.effect;
  questions_.push_back({order.run.key, effect});
  for (const NamedAnswer& given : options_.answers)
    if (given.name == effect.id || given.name == step_of(effect.id))
      return answer(questions_.size() - 1, given.value);
  if (terminal_)
    std::fprintf(stderr, "%s asks: %s\n", effect.id.c_str(), visible_lines(effect.request).c_str());
}

void Host::answer(std::size_t question, std::string value) {
  const Question asked = std::move(questions_[question]);
  questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(question));
  fleet_.give(asked.run, {InputKind::answer, asked.effect.id, std::move(value)}, from_user,
              wall_now_ms());
}

void Host::finish(const RunRef& run, const std::string& effect, bool failed, std::string value,
                  std::int64_t delay_ms) {
  if (delay_ms == 0) return fleet_.done(run, effect, failed, std::move(value), wall_now_ms());
  pending_.push_back({wall_now_ms() + delay_ms, run, effect, failed, std::move(value)});
}

void Host::fail(const action::Begin& order, const Error& error) {
  finish(order.run, order.effect.id, true, workflow::failure_value(error), 0);
}

Result<void> Host::carry_out(action::Withdraw& order) {
  const auto is_it = [&](const RunKey& run, const std::string& effect) {
    return run == order.run.key && effect == order.effect;
  };
  std::erase_if(pending_, [&](const Pending& one) { return is_it(one.run.key, one.effect); });
  std::erase_if(questions_, [&](const Question& one) { return is_it(one.run, one.effect.id); });
  std::erase_if(models_waiting_,
                [&](const action::Begin& one) { return is_it(one.run.key, one.effect.id); });
  std::erase_if(tools_, [&](Working& one) {
    if (!is_it(one.run.key, one.process.effect)) return false;
    kill_tool(one.process);
    return true;
  });
  return {};
}

// --- what is told ---

Result<void> Host::carry_out(action::Show& shown) {
  const workflow::RunRecord* record = fleet_.record(shown.run);
  if (!options_.quiet && record && record->depth == 0)
    std::fprintf(stderr, "%s %s\n", shown.progress.name.c_str(),
                 visible_lines(shown.progress.value).c_str());
  return {};
}

Result<void> Host::carry_out(action::Tell& answer) {
  if (answer.said) return {};
  return answer.said.error();
}

Result<void> Host::carry_out(action::Changed& changed) {
  const workflow::Run* run = fleet_.find(changed.run);
  if (changed.run != head_ || !run || run->status() != RunStatus::continued) return {};
  head_.id = workflow::successor_id(head_.id);
  give_signals({});
  return {};
}

Result<void> Host::carry_out(action::Fault& fault) {
  // Of the run that hands over, where the one that goes on cannot be begun.
  if (head_.id == workflow::successor_id(fault.run.id)) return fault.error;
  return {};
}

Result<void> Host::carry_out(action::Wake& wake) {
  wake_ms_ = wake.at_ms;
  return {};
}

// --- waiting ---

// One thing that is due: what follows from it is stored before the next is looked at.
void Host::give_due() {
  const std::int64_t now = wall_now_ms();
  const auto first =
      std::min_element(pending_.begin(), pending_.end(),
                       [](const Pending& a, const Pending& b) { return a.due_ms < b.due_ms; });
  if (first != pending_.end() && first->due_ms <= now) {
    const Pending one = std::move(*first);
    pending_.erase(first);
    fleet_.done(one.run, one.effect, one.failed, one.value, now);
  } else if (wake_ms_ > 0 && wake_ms_ <= now) {
    wake_ms_ = 0;
    fleet_.tick(now);
  }
}

Result<void> Host::wait() {
  std::int64_t due = wake_ms_ > 0 ? wake_ms_ : INT64_MAX;
  for (const Pending& one : pending_)
    due = std::min(due, one.due_ms);
  if (due == INT64_MAX && tools_.empty() && !terminal_) {
    const std::string what = questions_.empty()
                                 ? std::string("a signal (--signal NAME=JSON)")
                                 : joined({"an answer (--answer '", questions_[0].effect.id,
                                           "=JSON') to: ", questions_[0].effect.request});
    return make_error("waiting", {"the run waits for ", what}, {}, {}, {});
  }
  const std::int64_t left = std::clamp<std::int64_t>(due - wall_now_ms(), 0, wait_ms_max);
  std::vector<pollfd> watched;
  for (const Working& tool : tools_) {
    watched.push_back({tool.process.output_fd, POLLIN, 0});
    watched.push_back({tool.process.error_fd, POLLIN, 0});  // a negative one is passed over
  }
  if (terminal_) watched.push_back({STDIN_FILENO, POLLIN, 0});
  const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left));
  if (ready > 0 && terminal_ && watched.back().revents != 0) read_terminal();
  if (ready > 0) read_tools();
  give_due();
  return {};
}

void Host::read_tools() {
  for (std::size_t t = tools_.size(); t-- > 0;) {
    ToolProcess& process = tools_[t].process;
    if (!read_tool(process)) continue;
    const auto output = process.model ? end_model(process) : end_tool(process);
    // A fallback may hide it from the result.
    if (process.model && !output && !options_.quiet)
      std::fprintf(stderr, "redoubt: %s: the model did not answer: %s\n", process.effect.c_str(),
                   visible(output.error().message).c_str());
    finish(tools_[t].run, process.effect, !output,
           output ? *output : workflow::failure_value(output.error()), 0);
    tools_.erase(tools_.begin() + static_cast<std::ptrdiff_t>(t));
  }
  for (const action::Begin& order : std::exchange(models_waiting_, {}))
    ask_model(order);
}

// NAME=VALUE answers the question of that name, else it is a signal; a line without a name answers
// the only question there is.
void Host::read_terminal() {
  std::array<char, 4096> piece{};
  const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
  if (got <= 0) {
    terminal_ = false;
    return;
  }
  typed_.append(piece.data(), static_cast<std::size_t>(got));
  const std::size_t end = typed_.find('\n');
  if (end == std::string::npos) return;
  const std::string line = typed_.substr(0, end);
  typed_.erase(0, end + 1);
  const std::size_t equals = line.find('=');
  const std::string name = line.substr(0, equals == std::string::npos ? 0 : equals);
  for (std::size_t q = 0; q < questions_.size(); ++q)
    if (name == questions_[q].effect.id || name == step_of(questions_[q].effect.id))
      return answer(q, as_json(line.substr(equals + 1)));
  if (!name.empty() && parse_json(line.substr(equals + 1)))
    fleet_.give(head_, {InputKind::signal, name, line.substr(equals + 1)}, from_user,
                wall_now_ms());
  else if (questions_.size() == 1)
    answer(0, as_json(line));
  else
    std::fprintf(stderr, "write NAME=VALUE\n");
}

}  // namespace redoubt::cli
