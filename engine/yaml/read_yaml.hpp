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
// 4. With variables (engine/base/variables.hpp), each scalar value is expanded after the text was
//    parsed, so that no value of a variable becomes structure. A plain scalar is typed when it was
//    expanded, as if the value had stood there; a quoted one stays a text. Keys hold no variables.
//    What a workflow says is kept with its runs and goes out with their bundles, so no secret gets
//    into it: a member that is one ${...}, and whose name or whose variable says that it is a
//    secret (names_secret), is left out, set or not, and that is noted; in any other place such a
//    variable is refused.
// 5. What tools of YAML 1.1 read otherwise is noted, with its place.
// 6. Nothing throws: errors carry code "bad_yaml" with line and column.
#pragma once

#include <vector>

#include "engine/base/document.hpp"
#include "engine/base/variables.hpp"

namespace redoubt::yaml {

struct YamlLimits {
  std::size_t bytes_max = 1 << 20;
  std::size_t nodes_max = 100'000;  ///< after expansion of aliases; keys count, too
  /// Of all texts and keys after expansion, with what anchors keep.
  std::size_t expanded_bytes_max = 4u << 20;
  int depth_max = 32;
};

/// Without variables: ${...} is a text.
Result<Document> read_yaml(std::string_view text, const YamlLimits& limits = {});

struct YamlFile {
  Document document;
  std::vector<Error> notes;  ///< code "yaml_note", with line and column; at most yaml_notes_max
};
constexpr std::size_t yaml_notes_max = 100;

/// A file of the operator's. Errors: also "bad_variable" and "unset_variable", with their place.
Result<YamlFile> read_yaml_file(std::string_view text, const Variables& variables,
                                const YamlLimits& limits = {});

}  // namespace redoubt::yaml
