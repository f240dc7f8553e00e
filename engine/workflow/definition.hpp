// Definition: a checked workflow, flat and immutable.
//
// 1. Steps lie in one array in the order of the file; a StepId is a place in it, step 0 is the
//    whole workflow. Every step is the child of one step: of its body, or as its fallback or
//    compensation.
// 2. A definition exists only when the whole file was found good (loader.hpp): every reference
//    leads to something that can have run, every loop has a bound, every join can be reached.
// 3. `bytes` are the canonical JSON of the file and `hash` their SHA-256: the same workflow written
//    in YAML or JSON, in any order of keys, has one hash. A run pins both. Loading `bytes` again
//    gives the same definition: they are its compiled form.
// 4. Times are milliseconds.
//
// Any number of runs share one definition; nothing here changes after loading.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agents/agent.hpp"
#include "engine/base/sha256.hpp"
#include "engine/workflow/binding.hpp"

namespace redoubt::workflow {

using StepId = std::uint32_t;
inline constexpr std::uint32_t kNone = 0xffffffffu;

enum class StepKind : std::uint8_t {
  model,
  agent,
  tool,
  builtin,
  set,
  sequence,
  parallel,
  branch,
  for_each,
  loop,
  wait,
  ask,
  handoff,
  child,
  emit,
};
const char* name_of(StepKind kind);

/// What carrying out an effect twice means. `pure`: nothing; `idempotent`: nothing more than once;
/// `once`: harm, so it is never repeated when its outcome is unknown.
enum class EffectClass : std::uint8_t { pure, idempotent, once };
const char* name_of(EffectClass effect_class);

/// When parallel branches are joined: `all` have succeeded (the first failure fails the step),
/// `all_settled` have ended somehow, `any` one has succeeded, the `first` has ended somehow, a
/// `quorum` of them has succeeded.
enum class Join : std::uint8_t { all, all_settled, any, first, quorum };

/// What a once effect without a known outcome does to its step after a crash.
enum class Unknown : std::uint8_t { fail, ask, repeat };

/// How a channel of the state takes a value. `single` is what an undeclared channel has: the last
/// value, but never from two branches that run at the same time.
enum class Reducer : std::uint8_t { single, replace, append, add, merge, min, max, unite };

struct Span {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;
};

struct Retry {
  std::int64_t initial_ms = 1000;
  std::int64_t max_ms = 60000;
  std::int64_t elapsed_ms = 0;  ///< no new attempt later than this after the first; 0: no limit
  std::uint32_t attempts = 3;   ///< all together
  std::uint32_t multiplier_permille = 2000;
  std::uint32_t jitter_permille = 0;  ///< each delay is scaled by 1 +- this
  std::vector<std::string> retry_on;  ///< error codes; empty: any
  std::vector<std::string> never_on;
};

/// What an inner step of an agent is for.
enum class Inner : std::uint8_t {
  none,
  turn,
  tool,
  input_guardrail,
  output_guardrail,
  recall,
  remember,
};

struct Step {
  StepKind kind = StepKind::sequence;
  EffectClass effect_class = EffectClass::pure;
  Join join = Join::all;
  Unknown unknown = Unknown::fail;
  bool losers_run = false;       ///< losers of a join go on, their results are dropped
  bool stop_at_bound = false;    ///< a loop at its bound ends well instead of failing
  bool in_scope_of_own = false;  ///< its children work on copies of the state
  std::uint32_t name = kNone;    ///< in Definition::texts
  StepId parent = kNone;
  StepId end = 0;  ///< its subtree is the steps from itself up to this one
  Span children;   ///< in Definition::children
  StepId fallback = kNone;
  StepId compensate = kNone;
  std::uint32_t admit = kNone;   ///< expression: as a branch's case; none: else
  std::uint32_t when = kNone;    ///< expression; false: the step is skipped
  std::uint32_t guard = kNone;   ///< expression on `output`; false: the step fails
  std::uint32_t retry = kNone;   ///< in Definition::retries
  std::uint32_t output = kNone;  ///< in Definition::schemas
  std::uint32_t target = kNone;  ///< in texts: what is called, waited for, emitted, handed to
  std::uint32_t value = kNone;   ///< binding: arguments, prompt, question, items
  std::uint32_t until = kNone;   ///< a loop's expression, or a wait's binding
  Span writes;                   ///< a set's, in Definition::writes
  std::uint32_t bound = 0;       ///< a loop's or for_each's most rounds, a join's quorum
  std::uint32_t quorum = 0;
  std::uint32_t at_once = 0;    ///< a for_each's rounds at the same time
  std::uint32_t stall = 0;      ///< a loop's rounds without a change before it is stopped; 0: never
  std::uint32_t repair = 0;     ///< turns in which a model may mend an answer that does not fit
  std::uint32_t alias = kNone;  ///< in texts: a for_each's `as`
  std::int64_t timeout_ms = 0;  ///< of each attempt; 0: none
  std::int64_t duration_ms = 0;
  bool to_workflow = false;  ///< a handoff ends the run, another goes on
  Inner inner = Inner::none;
  std::uint32_t part = 0;       ///< of an inner step: which tool or guardrail of its agent
  std::uint32_t agent = kNone;  ///< of an inner step: its agent; of an agent's step: its use
  int line = 0;
  int column = 0;
};

struct Channel {
  std::string name;
  Reducer reducer = Reducer::single;
  Value initial;
};

struct Write {
  std::uint32_t channel = 0;
  std::uint32_t value = kNone;  ///< binding
};

/// A model, a tool or an agent as the file declares it.
struct Declared {
  std::string name;
  Value settings;
};

/// A schema that outputs must fit, compiled when the definition is loaded.
class OutputSchema;

/// What of an agent is compiled with the definition: bindings, expressions and a schema.
struct AgentCode {
  std::uint32_t instructions = kNone;
  std::vector<std::uint32_t> input_guardrails;  ///< beside the agent's; kNone: not an expression
  std::vector<std::uint32_t> output_guardrails;
  std::uint32_t output = kNone;  ///< in Definition::schemas
  std::int64_t timeout_ms = 0;   ///< of a turn; 0: none
};

/// The inner steps of one agent in one step.
struct AgentParts {
  std::uint32_t agent = 0;
  StepId turn = kNone;
  std::vector<StepId> tools;
  std::vector<StepId> input_guardrails;  ///< kNone: an expression
  std::vector<StepId> output_guardrails;
  StepId recall = kNone;
  StepId remember = kNone;
};

/// An agent's step: the agents that can come to answer, the first one first.
using AgentUse = std::vector<AgentParts>;

struct Definition {
  std::string name;
  std::string description;
  std::string bytes;
  Digest256 hash{};
  std::vector<Step> steps;
  std::vector<StepId> children;
  std::vector<std::string> texts;
  std::vector<Retry> retries;
  std::vector<Channel> channels;
  std::vector<Write> writes;
  std::vector<Declared> models;
  std::vector<Declared> tools;
  std::vector<agents::Agent> agents;
  std::vector<AgentCode> agent_code;  ///< beside `agents`
  std::vector<AgentUse> agent_uses;
  std::vector<std::shared_ptr<const OutputSchema>> schemas;
  std::uint32_t input_schema = kNone;
  std::uint32_t result = kNone;  ///< binding: what the run gives back
  Bindings bindings;
  /// What all of this takes in memory, for the host: what it compiles to, not its text alone.
  std::uint64_t memory_bytes = 0;

  std::string_view text(std::uint32_t id) const {
    return id == kNone ? std::string_view() : std::string_view(texts[id]);
  }
  std::string_view step_name(StepId step) const {
    return step < steps.size() ? text(steps[step].name) : std::string_view();
  }
};

using DefinitionPtr = std::shared_ptr<const Definition>;

}  // namespace redoubt::workflow
