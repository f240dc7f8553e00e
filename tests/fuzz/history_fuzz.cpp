// Any bytes are a history or an error, whole or as what follows the frames' own links: the fuzzer
// cannot find SHA-256 preimages, so its bytes are also taken as events and chained here. What
// replays must give the same run again, and its snapshot must restore to it.
#include <cstdlib>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

const DefinitionPtr& definition() {
  static const DefinitionPtr loaded = [] {
    const auto file = parse_json(R"({"name": "fuzz", "tools": {"t": {"class": "once"}},
      "state": {"log": {"reducer": "append"}}, "workflow": [
      {"id": "both", "join": "any", "parallel": [[{"id": "a", "tool": "t", "compensate": {"id": "u", "tool": "t"}},
        {"set": {"log": "{{ steps.a }}"}}, {"wait": {"signal": "go"}, "timeout": "1s"}],
        {"id": "b", "tool": "t", "retry": {"attempts": 3}}]},
      {"loop": {"max": 3, "until": "steps.c.ok"}, "do": {"id": "c", "tool": "t"}},
      {"id": "ok", "ask": "fine?", "fallback": {"set": {"log": "no"}}}]})");
    return load(Document(*file), {}).definition;
  }();
  return loaded;
}

std::string chained(std::string_view bytes) {
  std::string history = history_header(definition()->hash);
  ChainHead head = chain_start(history);
  ByteReader reader(bytes);
  while (reader.remaining() > 0) {
    Event event;
    event.kind = static_cast<EventKind>(reader.u8());
    event.stamp_ms = reader.u16();
    event.step = reader.u8();
    event.instance = reader.u8();
    if (event.step == 255) event.step = kNoStep;
    if (event.instance == 255) event.instance = kNoStep;
    event.payload = reader.text(4096);
    if (reader.failed() || !name_of(event.kind)) break;
    append_event(event, head, history);
  }
  return history;
}

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
