// A line of JSON is a schema or an error with a place in it; what follows the line is valid by it
// or not, the same in either way of asking, and every fault is at a place that the instance has.
#include <cstdlib>

#include "engine/base/json.hpp"
#include "engine/schema/schema.hpp"

using namespace redoubt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kFaults = 8;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const auto document = parse_json(text.substr(0, end), {1 << 16, 64});
  if (!document) return 0;
  const auto schema = schema::Schema::compile(*document);
  if (!schema) return schema.error().message.empty() ? (std::abort(), 0) : 0;
  const auto instance =
      parse_json(end == std::string_view::npos ? std::string_view("null") : text.substr(end + 1),
                 {1 << 16, 64});
  if (!instance) return 0;
  const auto faults = schema->validate(*instance, kFaults);
  if (schema->accepts(*instance) != faults.empty() || faults.size() > kFaults) std::abort();
  for (const schema::Fault& fault : faults) {
    if (fault.message.empty()) std::abort();
    if (!instance->contains(Json::json_pointer(fault.instance_path))) std::abort();
  }
  return 0;
}
