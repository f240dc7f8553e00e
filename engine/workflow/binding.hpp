// Bindings: JSON values whose strings hold expressions, compiled when a workflow is loaded.
//
// 1. A string that is one `{{ expression }}` and nothing else gives the expression's value; a
//    string with expressions among other text gives text; anything else is itself.
// 2. Names are resolved while loading: `input`, `state.CHANNEL`, `steps.STEP`, `item`, `index` and
//    `round` of the innermost for_each or loop (`item` also under its `as`), `output` in a guard,
//    `error` in a fallback, `run`. At run time a reference is a few indices, not a search.
// 3. A plain reference (`steps.plan.json.focus`) costs a walk and a copy, and is null where there
// is
//    nothing. Everything else is prompt's language over just the paths that it reads, and strict:
//    what is not there is an error unless `default` or `is defined` asks.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::workflow {

/// A value that is never changed once it is there, so that copies share it.
using Value = std::shared_ptr<const nlohmann::json>;

enum class Root : std::uint8_t { input, state, step, item, index, round, output, error, run };

/// Where a name leads. `id`: the channel, the step, or the for_each or loop that counts.
struct Reference {
  Root root = Root::input;
  std::uint32_t id = 0;
  std::string name;               ///< as written, without what follows
  std::vector<std::string> path;  ///< what follows: members
};

/// What the names mean at one moment of a run.
class Names {
 public:
  virtual ~Names() = default;
  /// Null where there is nothing (a step that was skipped): the expression sees null.
  virtual const nlohmann::json* find(const Reference& reference) = 0;
};

/// Resolves names while a workflow is loaded; says in one sentence what is wrong.
class Resolver {
 public:
  virtual ~Resolver() = default;
  /// `parts`: the name and what follows it, as the parser read them; at least the name.
  virtual Result<Reference> resolve(const std::vector<std::string>& parts) = 0;
};

/// What an evaluation costs.
struct Cost {
  std::uint64_t work = 0;       ///< units (budget.hpp)
  std::uint64_t bytes = 0;      ///< of the value that was made, by json_weights
  std::uint64_t bytes_max = 0;  ///< that it may have
};

class Bindings {
 public:
  Bindings();
  ~Bindings();
  Bindings(Bindings&&) noexcept;
  Bindings& operator=(Bindings&&) noexcept;

  /// Adds a value with expressions in its strings; faults are gathered with their paths.
  std::uint32_t add_value(const nlohmann::json& value, const std::string& path, Resolver& resolver,
                          std::vector<Error>& faults);
  /// Adds a condition or the like: a bare expression, as text or as a constant.
  std::uint32_t add_expression(const nlohmann::json& value, const std::string& path,
                               Resolver& resolver, std::vector<Error>& faults);
  /// A value's number for a constant.
  std::uint32_t add_constant(Value value);

  /// Errors: "bad_expression" where the values do not allow what it asks, "too_much_work" where the
  /// value would have more than cost.bytes_max; it is refused before it is made. What it took is
  /// added to `cost`, also where it fails.
  Result<Value> evaluate(std::uint32_t id, Names& names, Cost& cost) const;
  /// Whether the value counts as true: not false, null, 0, "" or empty.
  Result<bool> holds(std::uint32_t id, Names& names, Cost& cost) const;
  /// Whether a binding is a constant, and which: for checks at load.
  const nlohmann::json* constant(std::uint32_t id) const;
  /// What all of them take in memory. O(bindings).
  std::uint64_t bytes() const;

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace redoubt::workflow
