// Any bytes are a history or an error, as they are and as events that are chained here. What
// replays must give the same run again, and its snapshot must restore to it.
#include <cstdlib>

#include "engine/workflow/run.hpp"
#include "tests/fuzz/chained_history.hpp"

using namespace redoubt;
using namespace redoubt::workflow;
using redoubt::fuzz::chained;
using redoubt::fuzz::definition;

namespace {

void replay(std::string_view history) {
  auto run = Run::replay(definition(), history);
  if (!run) {
    if (run.error().message.empty()) std::abort();
    return;
  }
  const auto again = Run::restore(definition(), run->snapshot(), "");
  if (!again || again->state_hash() != run->state_hash()) std::abort();
  if (!run->give({InputKind::cancel, 1 << 20, "fuzz", {}}) && run->status() == RunStatus::running)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  replay(bytes);
  replay(chained(bytes));
  // Whatever a snapshot holds, it is refused or gives a run that can go on.
  auto run = Run::restore(definition(), bytes, "");
  if (run && !run->give({InputKind::tick, 1 << 20, {}, {}})) std::abort();
  return 0;
}
