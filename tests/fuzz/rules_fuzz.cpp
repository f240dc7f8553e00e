// Any text is rules or an error; rules that were read survive a round trip.
#include <cstdlib>

#include "engine/territory/rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::territory;
  const auto rules = read_rules({reinterpret_cast<const char*>(data), size});
  if (!rules) return 0;
  const auto again = read_rules(write_rules(*rules));
  if (!again || hash(*again) != hash(*rules)) std::abort();
  return 0;
}
