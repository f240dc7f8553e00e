// Reads one YAML document into a Document, with the position of every part. Native only: the page
// takes compiled JSON.
//
// 1. Plain scalars have the types of YAML 1.2's core schema: null, true/false, integers (decimal,
//    0o, 0x) and floats; yes, no, on and off are texts. Quoted and block scalars are texts.
//    Decimal numbers are as in JSON; .inf and .nan are refused, because JSON cannot say them.
// 2. Refused: a key that appears twice, a key that is no scalar, a second document, a tag outside
//    the core schema, an alias within what it stands for, and whatever goes over a limit. Aliases
//    are expanded and count as what they expand to, in values and in bytes, so no small file
//    becomes a large value.
// 3. An expanded part has the position of its alias.
// 4. Nothing throws: errors carry code "bad_yaml" with line and column.
#pragma once

#include "engine/base/document.hpp"

namespace redoubt::yaml {

struct YamlLimits {
  std::size_t bytes_max = 1 << 20;
  std::size_t nodes_max = 100'000;  ///< after expansion of aliases; keys count, too
  /// Of all texts and keys after expansion, with what anchors keep.
  std::size_t expanded_bytes_max = 4u << 20;
  int depth_max = 32;
};

Result<Document> read_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace redoubt::yaml
