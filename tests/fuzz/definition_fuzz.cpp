// Any JSON is a workflow or a list of faults; a workflow survives its compiled form, and a run of
// it that is answered with whatever comes ends or waits, and replays.
#include <cstdlib>

#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

// What models say in turn: calls of whatever the corpus calls its tools, verdicts, and an answer.
const char* said(int turn) {
  static const char* const kSaid[] = {
      R"({"text":"","tool_calls":[{"id":"1","name":"t"},{"name":"look_up","arguments":{"word":"x"}},
          {"name":"pay","arguments":"{}"},{"name":"transfer_to_bills"},{"name":"transfer_to_tech"}]})",
      R"({"text":"{\"pass\":true}","tool_calls":[{"name":"transfer_to_desk"},7,null]})",
      R"({"text":"```json\n{\"n\":3}\n```","json":{"pass":true,"n":3}})",
      R"({"text":"done","usage":{"input_tokens":-3}})"};
  return kSaid[turn % 4];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kTurns = 20;
  const auto file = parse_json({reinterpret_cast<const char*>(data), size});
  if (!file) return 0;
  const LoadContext context{{"math.double", "guard.words", "memory.search", "memory.store"},
                            {{"greet", {}}}};
  const Loaded loaded = load(Document(*file), context);
  if (!loaded.ok()) {
    for (const Error& fault : loaded.faults)
      if (fault.message.empty() || fault.code.empty()) std::abort();
    if (loaded.faults.empty()) std::abort();
    return 0;
  }
  const auto compiled = parse_json(loaded.definition->bytes, {4u << 20, 64});
  if (!compiled) std::abort();
  const Loaded again = load(Document(*compiled), context);
  if (!again.ok() || again.definition->hash != loaded.definition->hash) std::abort();
  // However long its turns are, the replay in one piece comes to the same.
  RunOptions options{"fuzz", 1, 1000};
  options.turn_work_max = 1 + size % 500;
  auto run = Run::start(loaded.definition, "{\"list\":[1,2],\"x\":true}", options);
  if (!run) return 0;
  std::string history = history_header(loaded.definition->hash);
  const auto settle = [&] {
    for (; run->busy(); run->go_on())
      history += run->take().events;
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    settle();
    const Taken taken = run->take();
    history += taken.events;
    if (history.size() > (1u << 20) || run->status() != RunStatus::running) break;
    for (const Effect& effect : taken.effects) {
      const bool asked = effect.kind == StepKind::ask;
      const bool bad = effect.id.size() % 3 == 0 && !asked;
      (void)run->give({asked ? InputKind::answer
                       : bad ? InputKind::failed
                             : InputKind::completed,
                       1000, effect.id,
                       bad                              ? "{\"code\":\"busy\"}"
                       : effect.kind == StepKind::model ? said(turn)
                                                        : "{\"value\":1}"});
      settle();
    }
    (void)run->give({InputKind::tick, run->next_timer_ms(), {}, {}});
  }
  settle();
  history += run->take().events;
  const auto replayed = Run::replay(loaded.definition, history);
  if (!replayed || replayed->state_hash() != run->state_hash()) std::abort();
  return 0;
}
