#include "engine/workflow/output_schema.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::workflow {

std::vector<std::string> OutputSchema::faults(const Json& value) const {
  std::vector<std::string> told;
  for (const schema::Fault& fault : compiled_.validate(value, kFaultsToldMax))
    told.push_back(fault.instance_path.empty()
                       ? fault.message
                       : joined({fault.instance_path, ": ", fault.message}));
  return told;
}

}  // namespace redoubt::workflow
