// redoubt workflow bundle export, import, inspect, fork.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/bundle.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/terminal.hpp"
#include "tools/cli/workflow/definition_file.hpp"
#include "tools/cli/workflow/journal.hpp"

namespace redoubt::cli {
namespace {

using workflow::Bundle;
using workflow::DefinitionPtr;
using workflow::Imported;
using workflow::Importer;
using workflow::Run;
using workflow::RunStatus;

std::int64_t now_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

int export_run(const WorkflowBundleOptions& o) {
  int code = exit_ok;
  const DefinitionPtr definition = load_beside(o.journal, o.json, code);
  if (!definition) return code;
  auto journal = Journal::open(o.journal, *definition);
  if (!journal) return exit_of(journal.error(), o.json);
  auto run = Run::replay(definition, journal->history());
  if (!run) return exit_of(run.error(), o.json);
  if (run->status() == RunStatus::running)
    if (const auto parked = run->park(now_ms()); !parked) return exit_of(parked.error(), o.json);
  // Stored before anybody can have the bundle: from then on the run is not here any more.
  const std::string events = run->take().events;
  if (const auto stored = journal->append(events); !stored) return exit_of(stored.error(), o.json);
  const auto bundle = workflow::export_run(*run, journal->history() + events, {});
  if (!bundle) return exit_of(bundle.error(), o.json);
  if (const auto written = write_file(o.bundle, workflow::write_bundle(*bundle)); !written)
    return exit_of(written.error(), o.json);
  std::fprintf(stderr, "redoubt: %s is %s at event %llu, epoch %u\n", run->id().c_str(),
               workflow::name_of(run->status()), static_cast<unsigned long long>(run->head().seq),
               run->epoch());
  return exit_ok;
}

bool may_do(const void* context, std::string_view step, std::string_view) {
  const auto& denied = *static_cast<const std::vector<std::string>*>(context);
  return std::find(denied.begin(), denied.end(), step) == denied.end();
}

Result<Importer> importer_of(const WorkflowBundleOptions& o) {
  Importer importer;
  importer.now_ms = now_ms();
  importer.may_author = true;
  importer.honour_approvals = o.honour_approvals;
  importer.may_do = may_do;
  importer.context = &o.deny;
  if (o.clock_offset.empty()) return importer;
  const bool behind = o.clock_offset[0] == '-';
  const auto offset = workflow::read_duration(std::string_view(o.clock_offset).substr(behind));
  if (!offset)
    return make_error("bad_use", {"--clock-offset needs 30s or -30s, got ", o.clock_offset}, {}, {},
                      {});
  importer.clock_offset_ms = behind ? -*offset : *offset;
  return importer;
}

// What a journal knows of the run that it holds.
Result<workflow::KnownRun> known_of(const Journal& journal, const Run& run) {
  workflow::KnownRun known;
  if (journal.history().empty()) return known;
  const auto here = Run::replay(run.definition(), journal.history());
  if (!here) return here.error();
  if (here->id() != run.id())
    return make_error("other_run", {"the journal holds the run ", here->id()}, {}, {run.id()},
                      {here->id()});
  known.under_way = here->status() != RunStatus::parked;
  known.left_at = here->head();
  // Each time that it came here is an epoch that cannot come again.
  if (here->epoch() > 0) known.epochs.push_back(here->epoch() - 1);
  return known;
}

Result<Imported> import_into(const Bundle& bundle, Importer importer, const std::string& path,
                             std::uint64_t& events) {
  auto imported = workflow::import_run(bundle, pinned_load_context(), importer);
  if (!imported) return imported;
  auto journal = Journal::open(path, *imported->run.definition());
  if (!journal) return journal.error();
  auto known = known_of(*journal, imported->run);
  if (!known) return known.error();
  importer.known = std::move(*known);
  imported = workflow::import_run(bundle, pinned_load_context(), importer);
  if (!imported) return imported;
  const workflow::Taken taken = imported->run.take();
  events = taken.count;
  // What the journal has already is how the bundle's history begins: left_at was passed.
  const std::string whole = imported->history + taken.events;
  const std::string_view more = std::string_view(whole).substr(journal->history().size());
  if (const auto stored = journal->append(more); !stored) return stored.error();
  return imported;
}

Json told(const Bundle& bundle, const Run& run) {
  Json points = Json::array();
  for (const workflow::Checkpoint& point : bundle.checkpoints)
    points.push_back({{"event", point.head.seq}, {"key", point.key_id}, {"epoch", point.epoch}});
  return {{"id", run.id()},
          {"workflow", run.definition()->name},
          {"sha256", hex64(run.definition()->hash)},
          {"status", workflow::name_of(run.status())},
          {"epoch", bundle.epoch},
          {"events", bundle.head.seq},
          {"link", hex64(bundle.head.link)},
          {"checkpoints", points}};
}

int print(const Json& what, bool json) {
  if (json) {
    std::printf("%s\n", canonical(what).c_str());
    return exit_ok;
  }
  for (const auto& member : what.items())
    std::printf("%-12s %s\n", member.key().c_str(),
                member.value().is_string() ? member.value().get<std::string>().c_str()
                                           : canonical(member.value()).c_str());
  return exit_ok;
}

Result<Bundle> read_file(const std::string& path) {
  const auto bytes = read_input(path, workflow::kBundleBytesMax);
  if (!bytes) return bytes.error();
  return workflow::read_bundle(*bytes);
}

int import_run(const WorkflowBundleOptions& o) {
  const auto importer = importer_of(o);
  if (!importer) return exit_of(importer.error(), o.json);
  const auto bundle = read_file(o.bundle);
  if (!bundle) return exit_of(bundle.error(), o.json);
  std::uint64_t events = 0;
  const auto imported = import_into(*bundle, *importer, o.journal, events);
  if (!imported) return exit_of(imported.error(), o.json);
  Json what = told(*bundle, imported->run);
  what["epoch"] = imported->run.epoch();
  what["events"] = bundle->head.seq + events;
  what["attested_from"] = imported->attested_from;
  what["denied"] = imported->denied;
  return print(what, o.json);
}

// Verified as an import is, but nothing is taken over.
int inspect(const WorkflowBundleOptions& o) {
  const auto bundle = read_file(o.bundle);
  if (!bundle) return exit_of(bundle.error(), o.json);
  Importer importer;
  importer.may_author = true;
  importer.honour_approvals = true;
  const auto imported = workflow::import_run(*bundle, pinned_load_context(), importer);
  if (!imported) return exit_of(imported.error(), o.json);
  Json what = told(*bundle, imported->run);
  if (imported->run.status() == RunStatus::running) what["status"] = "parked";
  return print(what, o.json);
}

int fork(const WorkflowBundleOptions& o) {
  int code = exit_ok;
  const DefinitionPtr definition = load_beside(o.journal, o.json, code);
  if (!definition) return code;
  const auto stored = read_journal(o.journal);
  if (!stored) return exit_of(stored.error(), o.json);
  const auto forked = workflow::fork_history(definition, stored->bytes, o.id);
  if (!forked) return exit_of(forked.error(), o.json);
  auto journal = Journal::open(o.to_journal, *definition);
  if (!journal) return exit_of(journal.error(), o.json);
  if (!journal->history().empty())
    return exit_of(make_error("bad_use", {o.to_journal, " holds a run already"}, {}, {}, {}),
                   o.json);
  if (const auto written = journal->append(*forked); !written)
    return exit_of(written.error(), o.json);
  return exit_ok;
}

}  // namespace

int workflow_bundle(const WorkflowBundleOptions& o) {
  switch (o.action) {
    case BundleAction::export_run:
      return export_run(o);
    case BundleAction::import_run:
      return import_run(o);
    case BundleAction::inspect:
      return inspect(o);
    case BundleAction::fork:
      return fork(o);
  }
  return exit_bad_use;
}

}  // namespace redoubt::cli
