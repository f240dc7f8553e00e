// Any text is a map or an error; a map that was read passes its own check and survives a round trip
// through the compact form.
#include <cstdlib>

#include "engine/territory/map.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt::territory;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto map = read_map(text, "fuzz");
  if (!map) {
    if (map.error().message.empty()) std::abort();
    return 0;
  }
  if (!check(*map)) return 0;
  const auto again = read_compact(write_compact(*map));
  if (!again || again->hash() != map->hash()) std::abort();
  return 0;
}
