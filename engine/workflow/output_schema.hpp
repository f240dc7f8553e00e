// The schema that an input or an output must fit, compiled once with the definition.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <utility>

#include "engine/schema/schema.hpp"
#include "engine/workflow/binding.hpp"

namespace redoubt::workflow {

/// Faults of an answer that are told to a model, or to whoever reads the failure.
inline constexpr std::size_t kFaultsToldMax = 8;
/// Keyword applications of one validation, and what one of them counts.
inline constexpr std::int64_t kValidationStepsMax = 1'000'000;
inline constexpr std::uint64_t kValidationStepUnits = 2;

class OutputSchema {
 public:
  OutputSchema(Value document, schema::Schema compiled)
      : document_(std::move(document)), compiled_(std::move(compiled)) {}
  const Value& json() const { return document_; }
  /// What is wrong with the value, in sentences: `/plan/0: expected a text`; empty where it fits.
  /// `work`: the units that it took (budget.hpp) are added.
  std::vector<std::string> faults(const nlohmann::json& value, std::uint64_t& work) const;

 private:
  Value document_;
  schema::Schema compiled_;
};

}  // namespace redoubt::workflow
