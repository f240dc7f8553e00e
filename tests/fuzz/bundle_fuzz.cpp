// Any bytes are a bundle or an error: as they are, with a sum that fits, and as the history of a
// run. What is imported is a run whose history, with what the import adds, replays to the same
// state.
#include <cstdlib>

#include "engine/workflow/bundle.hpp"
#include "tests/fuzz/chained_history.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

Importer importer() {
  Importer importer;
  importer.owner = "owner";
  importer.now_ms = 70'000;
  importer.clock_offset_ms = -1'000;
  importer.may_author = true;
  importer.keys = {{"k", "key"}};
  importer.may_do = [](const void*, std::string_view step, std::string_view) {
    return step.size() % 2 == 0;
  };
  return importer;
}

void import(const Bundle& bundle) {
  auto imported = import_run(bundle, {}, importer());
  if (!imported) {
    if (imported.error().code.empty() || imported.error().message.empty()) std::abort();
    return;
  }
  const Taken taken = imported->run.take();
  if (bundle.form == BundleForm::tail) std::abort();  // nobody has signed its snapshot
  const std::string history = bundle.history + taken.events;
  const auto again = Run::replay(imported->run.definition(), history);
  if (!again || again->state_hash() != imported->run.state_hash()) std::abort();
}

void read(std::string_view bytes) {
  const auto bundle = read_bundle(bytes);
  if (!bundle) return;
  if (write_bundle(*bundle) != bytes) std::abort();
  import(*bundle);
}

// As the history of a run that was parked.
void import_history(std::string_view bytes) {
  Bundle bundle;
  bundle.definition = fuzz::definition()->bytes;
  bundle.history = fuzz::chained(bytes);
  auto run = Run::replay(fuzz::definition(), bundle.history);
  if (!run || run->take().count > 0) return;
  bundle.head = run->head();
  bundle.run_id = run->id();
  bundle.epoch = run->epoch();
  import(bundle);
  if (!run->park(1 << 20)) return;
  bundle.history += run->take().events;
  auto exported = export_run(*run, bundle.history, {});
  if (!exported) std::abort();
  read(write_bundle(*exported));
  (void)fork_history(fuzz::definition(), bundle.history, "fork");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  std::string summed(bytes.substr(0, bytes.size() < 32 ? 0 : bytes.size() - 32));
  summed.append(bytes_of(sha256(summed)));
  read(summed);
  import_history(bytes);
  return 0;
}
