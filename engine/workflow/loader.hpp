// Loading: a workflow file becomes a Definition, or every fault that it has.
//
// The whole file is always read, so that one round of mending is enough: unknown keys, kinds,
// steps, models, tools, agents and built-ins; names that nothing can have set; values that two
// branches would set at the same time; loops without a bound; joins that cannot come about; steps
// that are never reached; children and handoffs that lead back to themselves; bad durations,
// expressions, templates and schemas. README.md in this folder has the format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/document.hpp"
#include "engine/workflow/definition.hpp"

namespace redoubt::workflow {

inline constexpr std::size_t kStepsMax = 2000;
inline constexpr int kNestingMax = 24;
inline constexpr std::size_t kFaultsMax = 100;
inline constexpr std::uint32_t kRoundsMax = 100000;
/// What a definition may take in memory once it is read, whichever door it comes in by: its
/// expressions, schemas and patterns compile to many times their text. In the bytes of the machine
/// that reads it: WebAssembly's pointers, and so its definitions, are smaller.
inline constexpr std::uint64_t kDefinitionMemoryBytesMax = 16u << 20;
inline constexpr std::int64_t kDurationMaxMs = 366LL * 24 * 3600 * 1000;

/// A workflow that can be called as a child or handed to, with what it calls in turn.
struct Callable {
  std::string name;
  std::vector<std::string> calls;
};

/// What a file may call that it does not declare itself.
struct LoadContext {
  std::vector<std::string> builtins;
  std::vector<Callable> workflows;
  /// A definition that a run has pinned: it was found good when the run began, so what it calls is
  /// not looked for again. What is not there any more fails when the run comes to it.
  bool pinned = false;
};

struct Loaded {
  DefinitionPtr definition;   ///< null when there are faults
  std::vector<Error> faults;  ///< in the order of the file; at most kFaultsMax
  std::vector<Error> notes;   ///< what has no effect, or another one than its author may think
  bool ok() const { return definition != nullptr; }
};

/// Files in the shape of NeMo Agent Toolkit are rewritten first (toolkit.hpp).
/// A Document that came from text gives its faults their lines and columns.
Loaded load(const Document& file, const LoadContext& context);

/// What a definition calls as children or hands to, for a catalogue that checks for cycles.
std::vector<std::string> calls_of(const Definition& definition);

/// "250ms", "5s", "1h30m", "2d": a positive time, in milliseconds. Errors: "bad_duration".
Result<std::int64_t> read_duration(std::string_view text);

}  // namespace redoubt::workflow
