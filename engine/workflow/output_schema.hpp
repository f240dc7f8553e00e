// The schema that an input or an output must fit, compiled once with the definition.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/workflow/binding.hpp"

namespace redoubt::workflow {

class OutputSchema {
 public:
  explicit OutputSchema(Value schema) : schema_(std::move(schema)) {}
  const Value& json() const { return schema_; }

 private:
  Value schema_;
};

}  // namespace redoubt::workflow
