// Any text is a document within its bounds or an error with a place; a document's value, written as
// JSON, is YAML for the same value.
#include <cstdlib>
#include <string_view>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/yaml/read_yaml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  const yaml::YamlLimits limits{.bytes_max = 65536, .nodes_max = 5'000};
  const auto document = yaml::read_yaml({reinterpret_cast<const char*>(data), size}, limits);
  if (!document) return document.error().message.empty() ? (std::abort(), 0) : 0;
  if (document->value_at("/0/a/b").line < 1) std::abort();
  // A JSON text is a document, too; its positions are found without reading beyond it.
  const std::string json = canonical(document->value());
  const auto again = read_json_document(json);
  if (!again || canonical(again->value()) != json || again->value_at("").column != 1) std::abort();
  return 0;
}
