// Any bytes, in any two pieces, are the same events; no event is over the bound.
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/llm/sse.hpp"

namespace {

constexpr std::size_t bound = 512;

std::vector<std::string> read(std::string_view a, std::string_view b) {
  redoubt::llm::SseParser parser(bound);
  std::vector<std::string> seen;
  for (std::string_view bytes : {a, b}) {
    while (!bytes.empty()) {
      const redoubt::llm::SseStep step = parser.next(bytes);
      if (step == redoubt::llm::SseStep::event) {
        if (parser.data().size() > bound) std::abort();
        seen.push_back(parser.name() + "\n" + parser.data());
      } else if (step == redoubt::llm::SseStep::comment) {
        seen.emplace_back(":");
      } else if (step == redoubt::llm::SseStep::too_large) {
        seen.emplace_back("too large");
        return seen;
      }
    }
  }
  if (parser.finish() == redoubt::llm::SseStep::event) seen.push_back(parser.data());
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = bytes.empty() ? 0 : data[0] % (bytes.size() + 1);
  if (read(bytes, {}) != read(bytes.substr(0, cut), bytes.substr(cut))) std::abort();
  return 0;
}
