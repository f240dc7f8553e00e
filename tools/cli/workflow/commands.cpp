// redoubt workflow check, run, replay, show.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/definition_file.hpp"
#include "tools/cli/workflow/host.hpp"
#include "tools/cli/workflow/timeline.hpp"

namespace redoubt::cli {

namespace {

using workflow::DefinitionPtr;
using workflow::Run;
using workflow::RunStatus;

Result<std::vector<NamedAnswer>> named(const std::vector<std::string>& given, const char* option) {
  std::vector<NamedAnswer> out;
  for (const std::string& one : given) {
    const std::size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0 || !parse_json(one.substr(equals + 1)))
      return make_error("bad_use", {option, " needs NAME=JSON, got ", one}, {}, {}, {});
    out.push_back({one.substr(0, equals), one.substr(equals + 1)});
  }
  return out;
}

Result<HostOptions> host_options(const WorkflowRunOptions& o) {
  HostOptions host;
  host.commands = o.commands;
  host.file = o.file;
  host.journal = o.journal;
  host.quiet = o.json;
  auto answers = named(o.answers, "--answer");
  if (!answers) return answers.error();
  host.answers = std::move(*answers);
  auto signals = named(o.signals, "--signal");
  if (!signals) return signals.error();
  host.signals = std::move(*signals);
  auto memory = MemoryFile::open(o.memory);
  if (!memory) return memory.error();
  host.memory = std::move(*memory);
  if (o.model.empty()) return host;
  constexpr std::string_view kind = "script:";
  if (o.model.starts_with("http://") || o.model.starts_with("https://")) {
    std::error_code error;
    host.model_command = {std::filesystem::read_symlink("/proc/self/exe", error).string(),
                          "workflow", "ask", "--model", o.model};
    if (!o.model_name.empty())
      host.model_command.insert(host.model_command.end(), {"--model-name", o.model_name});
    return host;
  }
  if (!o.model.starts_with(kind))
    return make_error("bad_use",
                      {"--model needs script:FILE or a relay's URL such as http://localhost:8000, "
                       "got ",
                       o.model},
                      {}, {}, {});
  const auto text = read_input(o.model.substr(kind.size()), request_bytes_max);
  if (!text) return text.error();
  auto script = ModelScript::read(*text);
  if (!script) {
    Error fault = script.error();
    fault.message = o.model.substr(kind.size()) + ": " + fault.message;
    return fault;
  }
  host.model = std::move(*script);
  return host;
}

Result<std::string> input_of(const std::string& given) {
  std::string text = given;
  if (!given.empty() && given[0] == '@') {
    auto file = read_input(given.substr(1), request_bytes_max);
    if (!file) return file.error();
    text = std::move(*file);
  }
  auto json = parse_json(text.empty() ? "{}" : std::string_view(text));
  if (!json) {
    Error fault = json.error();
    fault.message = joined({"--input: ", fault.message});
    return fault;
  }
  return canonical(*json);
}

std::string random_id() {
  std::random_device device;
  std::string id = "run-";
  for (int word = 0; word < 4; ++word) {
    const std::uint32_t bits = device();
    for (int digit = 0; digit < 8; ++digit)
      id.push_back("0123456789abcdef"[(bits >> (4 * digit)) & 15]);
  }
  return id;
}

// What a run began with: its id, its input.
Result<Json> beginning_of(std::string_view history) {
  auto reader = workflow::HistoryReader::open(history);
  if (!reader) return reader.error();
  workflow::Event event;
  const auto more = reader->next(event);
  if (!more) return more.error();
  return workflow::read_payload(event.payload);
}

int print_end(const Run& run, bool json) {
  const bool done = run.status() == RunStatus::done;
  const auto outcome = parse_json(run.outcome(), {workflow::kPayloadBytesMax});
  const Json value = outcome ? *outcome : Json();
  if (json) {
    const Json line = {{"id", run.id()},
                       {"status", workflow::name_of(run.status())},
                       {"events", run.head().seq},
                       {"outcome", value},
                       {"result_hash", std::to_string(run.result_hash())}};
    std::printf("%s\n", visible_lines(canonical(line)).c_str());
  } else if (done) {
    const std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace);
    std::printf("%s\n", visible_lines(text).c_str());
  } else if (run.status() == RunStatus::parked) {
    std::fprintf(stderr, "redoubt: the run was moved away: it goes on where it was imported\n");
  } else {
    std::fprintf(stderr, "redoubt: the run is %s: %s\n", workflow::name_of(run.status()),
                 visible_lines(run.outcome()).c_str());
  }
  return done ? exit_ok : exit_no;
}

}  // namespace

int workflow_check(const WorkflowFileOptions& o) {
  int code = exit_ok;
  std::vector<Error> notes;
  const DefinitionPtr definition = load_file(o.file, o.json, code, notes);
  print_notes(o.file, notes, o.json);
  if (!definition) return code;
  const auto hash = hex64(definition->hash);
  const auto& all = definition->steps;
  const auto steps = std::count_if(all.begin(), all.end(), [](const workflow::Step& step) {
    return step.inner == workflow::Inner::none;
  });
  if (o.json) {
    const Json line = {{"name", definition->name},
                       {"description", definition->description},
                       {"steps", steps},
                       {"models", definition->models.size()},
                       {"tools", definition->tools.size()},
                       {"agents", definition->agents.size()},
                       {"sha256", hash}};
    std::printf("%s\n", canonical(line).c_str());
    return exit_ok;
  }
  const auto counts = [](std::size_t number, const char* one) {
    return counted(static_cast<std::int64_t>(number), one);
  };
  std::printf("%s: %s\n%s, %s, %s, %s, %s\nsha256 %s\n", definition->name.c_str(),
              definition->description.c_str(), counted(steps, "step").c_str(),
              counts(definition->models.size(), "model").c_str(),
              counts(definition->tools.size(), "tool").c_str(),
              counts(definition->agents.size(), "agent").c_str(),
              counts(definition->channels.size(), "channel").c_str(), hash.c_str());
  return exit_ok;
}

namespace {

Result<void> begin(Host& host, const WorkflowRunOptions& o, const DefinitionPtr& definition) {
  std::unique_ptr<Journal> journal;
  if (!o.journal.empty()) {
    auto opened = Journal::open(o.journal, *definition);
    if (!opened) return opened.error();
    journal = std::make_unique<Journal>(std::move(*opened));
    if (journal->bytes_cut() > 0)
      std::fprintf(stderr, "redoubt: %s: cut %s of an event that was not wholly written\n",
                   o.journal.c_str(),
                   counted(static_cast<std::int64_t>(journal->bytes_cut()), "byte").c_str());
  }
  const auto input = input_of(o.input);
  if (!input) return input.error();
  if (!journal || journal->history().empty()) {
    host.start(o.id.empty() ? random_id() : o.id, definition, *input, o.seed, std::move(journal));
    return {};
  }
  const auto before = beginning_of(journal->history());
  if (!before) return before.error();
  // An input given again must be the one that the run began with.
  if (!o.input.empty() && canonical((*before)["input"]) != *input)
    return make_error("other_input", {o.journal, " is of a run with another input"}, {o.journal},
                      {}, {});
  host.resume((*before)["id"].get<std::string>(), std::move(journal));
  return {};
}

}  // namespace

int workflow_run(const WorkflowRunOptions& o) {
  auto options = host_options(o);
  if (!options) return exit_of(options.error(), o.json);
  int code = exit_ok;
  std::vector<Error> notes;
  const DefinitionPtr definition = load_file(o.file, o.json, code, notes);
  if (!o.json) print_notes(o.file, notes, o.json);
  if (!definition) return code;
  Host host(std::move(*options));
  if (const auto begun = begin(host, o, definition); !begun) return exit_of(begun.error(), o.json);
  if (const auto carried = host.carry_out(); !carried) return exit_of(carried.error(), o.json);
  return print_end(host.run(), o.json);
}

int workflow_replay(const WorkflowFileOptions& o) {
  int code = exit_ok;
  std::vector<Error> notes;
  const DefinitionPtr definition = load_file(o.file, o.json, code, notes);
  if (!definition) return code;
  const auto stored = read_journal(o.journal);
  if (!stored) return exit_of(stored.error(), o.json);
  const auto header = workflow::HistoryReader::open(stored->bytes);
  if (!header) return exit_of(header.error(), o.json);
  if (header->definition() != definition->hash) {
    const auto before = definition_beside(o.journal);
    const std::string what = before ? difference(*before, definition->bytes) : std::string();
    std::fprintf(stderr, "redoubt: %s is of another definition: %s\n", o.journal.c_str(),
                 what.c_str());
    const auto moved = Run::migrate(definition, stored->bytes);
    if (!moved) return exit_of(moved.error(), o.json);
    std::fprintf(stderr, "redoubt: every decision comes out the same all the same\n");
    return exit_no;
  }
  const auto run = Run::replay(definition, stored->bytes);
  if (!run) return exit_of(run.error(), o.json);
  if (stored->bytes_torn > 0)
    std::fprintf(stderr, "redoubt: %s: ends with %s of a torn event\n", o.journal.c_str(),
                 counted(static_cast<std::int64_t>(stored->bytes_torn), "byte").c_str());
  const std::string hash = std::to_string(run->state_hash());
  if (o.json) {
    const Json line = {{"id", run->id()},
                       {"status", workflow::name_of(run->status())},
                       {"events", run->head().seq},
                       {"state_hash", hash}};
    std::printf("%s\n", canonical(line).c_str());
  } else {
    std::printf("%s: %s replayed, every decision the same, the run is %s, state hash %s\n",
                run->id().c_str(),
                counted(static_cast<std::int64_t>(run->head().seq), "event").c_str(),
                workflow::name_of(run->status()), hash.c_str());
  }
  return exit_ok;
}

int workflow_show(const WorkflowFileOptions& o) {
  int code = exit_ok;
  std::vector<Error> notes;
  const DefinitionPtr definition = o.file.empty() ? load_beside(o.journal, o.json, code)
                                                  : load_file(o.file, o.json, code, notes);
  if (!definition) return code;
  const auto stored = read_journal(o.journal);
  if (!stored) return exit_of(stored.error(), o.json);
  const auto timeline = timeline_of(*definition, stored->bytes);
  if (!timeline) return exit_of(timeline.error(), o.json);
  if (!o.svg.empty()) {
    if (const auto written = write_file(o.svg, svg_of(*timeline)); !written)
      return exit_of(written.error(), o.json);
  }
  std::fputs(visible_lines(text_of(*timeline)).c_str(), stdout);
  return exit_ok;
}

}  // namespace redoubt::cli
