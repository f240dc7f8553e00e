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

class OutputSchema {
 public:
  OutputSchema(Value document, schema::Schema compiled)
      : document_(std::move(document)), compiled_(std::move(compiled)) {}
  const Value& json() const { return document_; }
  /// What is wrong with the value, in sentences: `/plan/0: expected a text`; empty where it fits.
  std::vector<std::string> faults(const nlohmann::json& value) const;

 private:
  Value document_;
  schema::Schema compiled_;
};

}  // namespace redoubt::workflow
