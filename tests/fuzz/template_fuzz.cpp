// Any text is a template or an error; what a template gives stays within its bounds, and a template
// of text alone gives the same for every scope.
#include <cstdlib>
#include <string_view>

#include "engine/base/json.hpp"
#include "engine/prompt/template.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const auto compiled = prompt::Template::compile({reinterpret_cast<const char*>(data), size});
  if (!compiled) return 0;
  static const Json scope = *parse_json(
      R"({"a":{"b":{"c":1}},"xs":[3,1,2],"t":"h\u00e9llo w\u00f6rld","f":0.25,"n":null,"y":true,
          "units":[{"role":"scout","hp":7},{"role":"guard","hp":12}],"d":{"k":"v","e":[]}})");
  const prompt::Limits limits{.work_max = 20'000,
                              .output_bytes_max = 50'000,
                              .text_bytes_max = 100'000,
                              .items_max = 2'000};
  const auto out = compiled->render(scope, limits);
  if (out && out->size() > limits.output_bytes_max) std::abort();
  if (compiled->constant() && out) {
    const auto bare = compiled->render(Json::object(), limits);
    if (!bare || *bare != *out) std::abort();
  }
  return 0;
}
