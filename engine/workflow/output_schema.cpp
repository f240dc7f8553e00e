#include "engine/workflow/output_schema.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::workflow {

std::vector<std::string> OutputSchema::faults(const Json& value, std::uint64_t& work) const {
  std::vector<std::string> told;
  std::uint64_t steps = 0;
  const auto faults = compiled_.validate(value, kFaultsToldMax, kValidationStepsMax, steps);
  work += steps * kValidationStepUnits;
  for (const schema::Fault& fault : faults)
    told.push_back(fault.instance_path.empty()
                       ? fault.message
                       : joined({fault.instance_path, ": ", fault.message}));
  return told;
}

}  // namespace redoubt::workflow
