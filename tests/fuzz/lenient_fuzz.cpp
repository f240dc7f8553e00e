// Whatever a model says: it is read or it is not, what is read is JSON that reads the same again,
// and JSON that was good comes back as it is.
#include <cstdlib>
#include <string>

#include "engine/base/json.hpp"
#include "engine/schema/lenient.hpp"

using namespace redoubt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::uint32_t repairs = 0;
  const auto read = schema::read_lenient(text, repairs);
  const auto strict = parse_json(text, {1 << 20, schema::lenient_depth_max});
  if (strict && strict->is_structured() && (!read || *read != *strict || repairs != 0))
    std::abort();
  if (!read) return 0;
  const std::string written = read->dump();
  const auto again = schema::read_lenient(written, repairs);
  if (!again || *again != *read || repairs != 0) std::abort();
  return 0;
}
