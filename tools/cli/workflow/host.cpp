#include "tools/cli/workflow/host.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflow/kin.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/definition_file.hpp"

namespace redoubt::cli {
namespace {

using workflow::Effect;
using workflow::InputKind;
using workflow::RunStatus;
using workflow::StepKind;

constexpr std::int64_t wait_ms_max = 60'000;

Error none(const char* code, const Effect& effect, std::string_view why) {
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

std::size_t times_signalled(const workflow::Definition& definition, std::string_view history,
                            const std::string& name) {
  std::size_t times = 0;
  auto reader = workflow::HistoryReader::open(history);
  workflow::Event event;
  while (reader && definition.hash == reader->definition()) {
    const auto more = reader->next(event);
    if (!more || !*more) break;
    if (event.kind != workflow::EventKind::signalled) continue;
    const auto payload = parse_json(event.payload, {workflow::kPayloadBytesMax});
    if (payload && payload->is_object() && payload->value("name", Json()) == name) ++times;
  }
  return times;
}

}  // namespace

Host::Host(workflow::Run run, Journal* journal, HostOptions options)
    : run_(std::move(run)),
      journal_(journal),
      options_(std::move(options)),
      terminal_(::isatty(STDIN_FILENO) != 0) {}

Host::~Host() {
  for (ToolProcess& tool : tools_)
    kill_tool(tool);
}

std::int64_t Host::now_ms() const {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  return std::max<std::int64_t>(now, run_.now_ms());
}

Result<void> Host::resume(std::string_view history) {
  // A signal that the journal holds was given by an earlier call.
  std::vector<NamedAnswer> left;
  for (const NamedAnswer& signal : options_.signals) {
    std::size_t before = 0;
    for (const NamedAnswer& other : options_.signals) {
      if (&other == &signal) break;
      if (other.name == signal.name) ++before;
    }
    if (before >= times_signalled(*run_.definition(), history, signal.name)) left.push_back(signal);
  }
  options_.signals = std::move(left);
  if (run_.status() != RunStatus::running) return {};
  return give(InputKind::resumed, "", "");
}

Result<void> Host::carry_out() {
  if (auto stored = store_and_begin(); !stored) return stored;
  for (const NamedAnswer& signal : options_.signals) {
    if (run_.status() != RunStatus::running) break;
    if (auto given = give(InputKind::signal, signal.name, signal.value); !given) return given;
    if (auto stored = store_and_begin(); !stored) return stored;
  }
  while (run_.status() == RunStatus::running) {
    if (auto waited = wait(); !waited) return waited;
    if (auto stored = store_and_begin(); !stored) return stored;
  }
  return {};
}

// What a long turn has decided so far is stored before the next one.
Result<void> Host::store_and_begin() {
  for (; run_.busy(); run_.go_on())
    if (auto stored = store_turn(); !stored) return stored;
  return store_turn();
}

Result<void> Host::store_turn() {
  const workflow::Taken taken = run_.take();
  if (journal_ && !taken.events.empty()) {
    if (auto stored = journal_->append(unstored_ + taken.events); !stored) return stored;
    unstored_.clear();
  }
  for (const std::string& id : taken.withdrawn)
    drop(id);
  if (!options_.quiet)
    for (const workflow::Progress& shown : taken.progress)
      std::fprintf(stderr, "%s %s\n", shown.name.c_str(), visible_lines(shown.value).c_str());
  for (const Effect& effect : taken.effects)
    if (auto begun = begin(effect); !begun) return begun;
  return {};
}

Result<void> Host::begin(const Effect& effect) {
  switch (effect.kind) {
    case StepKind::builtin: {
      const auto answer = agents::is_memory_call(effect.target)
                              ? options_.memory.carry_out(effect, now_ms())
                              : play::call(effect.target, effect.request);
      finish(effect.id, !answer, answer ? *answer : workflow::failure_value(answer.error()), 0);
      return {};
    }
    case StepKind::model:
      return begin_model(effect);
    case StepKind::tool:
      return begin_tool(effect);
    case StepKind::child:
      return begin_child(effect);
    case StepKind::ask:
      begin_ask(effect);
      return {};
    default:
      finish(effect.id, true,
             workflow::failure_value(
                 none("not_here", effect, "this host does not carry out such a step")),
             0);
      return {};
  }
}

// By a program of its own, as a child run is: one waits for many, and any can be cancelled.
void Host::ask_model(const Effect& effect) {
  if (tools_.size() >= tools_at_once_max) {
    models_waiting_.push_back(effect);
    return;
  }
  auto started = start_tool(effect, options_.model_command);
  if (!started) return finish(effect.id, true, workflow::failure_value(started.error()), 0);
  started->child = true;
  started->model = true;
  tools_.push_back(std::move(*started));
}

Result<void> Host::begin_model(const Effect& effect) {
  if (!options_.model_command.empty()) {
    ask_model(effect);
    return {};
  }
  if (!options_.model && !options_.quiet && !std::exchange(told_no_model_, true))
    std::fprintf(stderr,
                 "redoubt: no model was given: each model step fails, and its fallback answers "
                 "where it has one; --model http://localhost:8000 asks a relay's, --model "
                 "script:FILE answers from a file\n");
  const auto scripted = options_.model ? options_.model->answer(effect) : std::nullopt;
  if (scripted) {
    finish(effect.id, scripted->failed, scripted->value, scripted->delay_ms);
  } else {
    finish(effect.id, true,
           workflow::failure_value(
               none("no_model", effect,
                    options_.model ? "the model's script has no answer" : "no model was given")),
           0);
  }
  return {};
}

Result<void> Host::begin_tool(const Effect& effect) {
  const auto command = command_of(settings_of(*run_.definition(), effect.target));
  const char* why = command.empty()      ? "only tools of _type command are carried out here"
                    : !options_.commands ? "commands are not allowed (--commands)"
                    : tools_.size() >= tools_at_once_max ? "too many commands at once"
                                                         : nullptr;
  if (why) {
    finish(effect.id, true, workflow::failure_value(none("no_tool", effect, why)), 0);
    return {};
  }
  auto started = start_tool(effect, command);
  if (!started) {
    finish(effect.id, true, workflow::failure_value(started.error()), 0);
    return {};
  }
  tools_.push_back(std::move(*started));
  return {};
}

Result<void> Host::begin_child(const Effect& effect) {
  const char* depth_text = std::getenv("REDOUBT_CHILD_DEPTH");
  const int depth = depth_text ? std::atoi(depth_text) : 0;
  if (depth >= workflow::kChildDepthMax || tools_.size() >= tools_at_once_max) {
    finish(effect.id, true,
           workflow::failure_value(none("too_deep", effect, "there are too many runs within runs")),
           0);
    return {};
  }
  const std::string id = workflow::child_id(effect.key);
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::vector<std::string> command{"env",        joined({"REDOUBT_CHILD_DEPTH=", depth + 1}),
                                   program,      "workflow",
                                   "run",        called_file(options_.children.file, effect.target),
                                   "--json",     "--id",
                                   id,           "--input",
                                   "@/dev/stdin"};
  if (!options_.children.journal.empty())
    for (const std::string& word :
         {std::string("--journal"), options_.children.journal + "." + id.substr(0, 8)})
      command.push_back(word);
  command.insert(command.end(), options_.children.flags.begin(), options_.children.flags.end());
  auto started = start_tool(effect, command);
  if (!started) {
    finish(effect.id, true, workflow::failure_value(started.error()), 0);
    return {};
  }
  started->child = true;
  tools_.push_back(std::move(*started));
  return {};
}

void Host::begin_ask(const Effect& effect) {
  questions_.push_back(effect);
  for (const NamedAnswer& answer : options_.answers)
    if (answer.name == effect.id || answer.name == step_of(effect.id)) {
      finish(effect.id, false, answer.value, 0);
      return;
    }
  if (terminal_)
    std::fprintf(stderr, "%s asks: %s\n", effect.id.c_str(), visible_lines(effect.request).c_str());
}

void Host::finish(const std::string& effect, bool failed, std::string value,
                  std::int64_t delay_ms) {
  pending_.push_back({now_ms() + delay_ms, effect, failed, std::move(value)});
}

void Host::drop(const std::string& effect) {
  std::erase_if(pending_, [&](const Pending& one) { return one.effect == effect; });
  std::erase_if(questions_, [&](const Effect& one) { return one.id == effect; });
  std::erase_if(models_waiting_, [&](const Effect& one) { return one.id == effect; });
  for (std::size_t t = tools_.size(); t-- > 0;)
    if (tools_[t].effect == effect) {
      kill_tool(tools_[t]);
      tools_.erase(tools_.begin() + static_cast<std::ptrdiff_t>(t));
    }
}

Result<void> Host::give(InputKind kind, std::string_view name, std::string_view value) {
  const auto given = run_.give({kind, now_ms(), name, value});
  if (!given) return given.error();
  return {};
}

// One thing that is due: stored before the next is looked at.
Result<void> Host::give_due() {
  const std::int64_t now = now_ms();
  std::size_t first = pending_.size();
  for (std::size_t p = 0; p < pending_.size(); ++p)
    if (pending_[p].due_ms <= now &&
        (first == pending_.size() || pending_[p].due_ms < pending_[first].due_ms))
      first = p;
  if (first == pending_.size()) {
    if (run_.next_timer_ms() > 0 && run_.next_timer_ms() <= now)
      return give(InputKind::tick, "", "");
    return {};
  }
  const Pending one = std::move(pending_[first]);
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t q = 0; q < questions_.size(); ++q)
    if (questions_[q].id == one.effect) {
      questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(q));
      return give(InputKind::answer, one.effect, one.value);
    }
  return give(one.failed ? InputKind::failed : InputKind::completed, one.effect, one.value);
}

Result<void> Host::wait() {
  std::int64_t due = run_.next_timer_ms() > 0 ? run_.next_timer_ms() : INT64_MAX;
  for (const Pending& one : pending_)
    due = std::min(due, one.due_ms);
  if (due == INT64_MAX && tools_.empty() && !terminal_) {
    const std::string what = questions_.empty() ? std::string("a signal (--signal NAME=JSON)")
                                                : joined({"an answer (--answer '", questions_[0].id,
                                                          "=JSON') to: ", questions_[0].request});
    return make_error("waiting", {"the run waits for ", what}, {}, {}, {});
  }
  const std::int64_t left = std::clamp<std::int64_t>(due - now_ms(), 0, wait_ms_max);
  std::vector<pollfd> watched;
  for (const ToolProcess& tool : tools_) {
    watched.push_back({tool.output_fd, POLLIN, 0});
    watched.push_back({tool.error_fd, POLLIN, 0});  // a negative one is passed over
  }
  if (terminal_) watched.push_back({STDIN_FILENO, POLLIN, 0});
  const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left));
  if (ready > 0 && terminal_ && watched.back().revents != 0)
    if (auto read = read_terminal(); !read) return read;
  if (ready > 0)
    if (auto read = read_tools(); !read) return read;
  return give_due();
}

Result<void> Host::read_tools() {
  for (std::size_t t = tools_.size(); t-- > 0;) {
    if (!read_tool(tools_[t])) continue;
    const auto output = tools_[t].child ? end_child(tools_[t]) : end_tool(tools_[t]);
    // A fallback may hide it from the result.
    if (tools_[t].model && !output && !options_.quiet)
      std::fprintf(stderr, "redoubt: %s: the model did not answer: %s\n", tools_[t].effect.c_str(),
                   visible(output.error().message).c_str());
    finish(tools_[t].effect, !output, output ? *output : workflow::failure_value(output.error()),
           0);
    tools_.erase(tools_.begin() + static_cast<std::ptrdiff_t>(t));
  }
  for (const Effect& effect : std::exchange(models_waiting_, {}))
    ask_model(effect);
  return {};
}

// NAME=VALUE answers the question of that name, else it is a signal; a line without a name answers
// the only question there is.
Result<void> Host::read_terminal() {
  std::array<char, 4096> piece{};
  const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
  if (got <= 0) {
    terminal_ = false;
    return {};
  }
  typed_.append(piece.data(), static_cast<std::size_t>(got));
  const std::size_t end = typed_.find('\n');
  if (end == std::string::npos) return {};
  const std::string line = typed_.substr(0, end);
  typed_.erase(0, end + 1);
  const std::size_t equals = line.find('=');
  const std::string name = line.substr(0, equals == std::string::npos ? 0 : equals);
  for (const Effect& question : questions_)
    if (name == question.id || name == step_of(question.id)) {
      finish(question.id, false, as_json(line.substr(equals + 1)), 0);
      return {};
    }
  if (!name.empty() && parse_json(line.substr(equals + 1)))
    return give(InputKind::signal, name, line.substr(equals + 1));
  if (questions_.size() == 1)
    finish(questions_[0].id, false, as_json(line), 0);
  else
    std::fprintf(stderr, "write NAME=VALUE\n");
  return {};
}

}  // namespace redoubt::cli
