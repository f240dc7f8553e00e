// A JSON Schema (draft 2020-12), compiled once and applied to many instances.
//
// A Schema is a value: copying shares the compiled form, which never changes, so copies may be used
// from several threads at once. compile() resolves every reference ($ref, $dynamicRef, $anchor,
// $id) and every `pattern`; what cannot be resolved is refused there, with its place, and never
// while validating. `format` is an annotation only.
//
// Nothing runs away: the nesting of the schema and of the instance, the number of subschemas, what
// all patterns take together, the faults reported and the work of one validation are bounded below.
// A validation that reaches a bound reports it as a Fault; it is never taken as success.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::schema {

using Json = nlohmann::json;

inline constexpr std::size_t subschemas_max = 20'000;
inline constexpr int schema_depth_max = 128;          ///< nesting of a schema document
inline constexpr int evaluation_depth_max = 512;      ///< subschemas entered and not yet left
inline constexpr std::int64_t steps_max = 5'000'000;  ///< keyword applications, one validation
inline constexpr std::size_t pattern_bytes_all_max = 1u << 20;  ///< all patterns, compiled
inline constexpr std::size_t path_bytes_max = 512;  ///< of a place that a fault of compile() tells

/// What schemas that are kept together may take, of which each compile() takes its part. Bounds of
/// each pattern and each schema say little where there may be thousands of them.
struct Budget {
  std::size_t subschemas = subschemas_max;
  std::size_t pattern_bytes = pattern_bytes_all_max;
  std::uint64_t compiled_bytes = 0;  ///< what all that was compiled within it takes in memory
};

/// Other schema documents that `$ref` may reach, by absolute URI without a fragment. The
/// metaschemas of draft 2020-12 need not be among them.
using Documents = std::map<std::string, Json>;

struct Fault {
  std::string instance_path;  ///< JSON Pointer to the offending value, "" for the whole instance
  std::string schema_path;    ///< keyword location: JSON Pointer through the references taken
  std::string message;        ///< a full sentence for a person or a model
};

class Schema {
 public:
  /// Errors carry code "bad_schema" and, as path, the JSON Pointer of the keyword at fault.
  static Result<Schema> compile(const Json& document, const Documents& others = {});
  /// As one of several; what it takes is no longer in the budget, also where it is refused.
  static Result<Schema> compile(const Json& document, Budget& budget);

  /// The first `faults_max` faults in the order of the keywords; empty when the instance is valid.
  /// REQUIRES: faults_max > 0
  std::vector<Fault> validate(const Json& instance, std::size_t faults_max) const;

  /// Within so many steps; those that it took are added to `steps`.
  std::vector<Fault> validate(const Json& instance, std::size_t faults_max,
                              std::int64_t steps_max_here, std::uint64_t& steps) const;

  /// Whether validate() would report nothing; stops at the first fault.
  bool accepts(const Json& instance) const;

 private:
  struct Compiled;
  explicit Schema(std::shared_ptr<const Compiled> compiled);
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace redoubt::schema
