// Beside nlohmann's own parser: the same texts are taken, with the same values; but for repeated
// keys, depth and NUL bytes, which only ours refuses.
#include <cstdlib>
#include <string>

#include "engine/base/json.hpp"

using namespace redoubt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int depth_max = 64;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = parse_json(text, {1 << 20, depth_max});
  if (!read) {
    const std::string& why = read.error().message;
    if (why.find("twice") != std::string::npos || why.find("deeper") != std::string::npos) return 0;
    if (text.find('\0') != std::string_view::npos) return 0;
  }
  const Json reference = Json::parse(text, nullptr, false);
  if (read.ok() == reference.is_discarded()) std::abort();
  if (read && (read->type() != reference.type() || read->dump() != reference.dump())) std::abort();
  return 0;
}
