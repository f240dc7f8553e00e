// ${NAME} and ${NAME:-default} in the texts of a file that the operator owns.
//
// 1. NAME is letters, digits and _, not beginning with a digit. A default stands for a variable
//    that is not set or empty; it has no braces, and quotes around it are taken off. `$${` is the
//    text `${`; `${{` and any other $ are texts as they stand.
// 2. A variable that is not set and has no default is an error, never an empty text.
// 3. A value is put in as it is: what looks like a variable in it is none.
// 4. No error tells a value.
//
// Only who reads a file of the operator's expands it: what comes over a network is never expanded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt {

/// What a file may see of the environment.
struct Variables {
  std::map<std::string, std::string, std::less<>> values;
  /// Where set: the only names that may be used, whether they are set or not.
  std::optional<std::vector<std::string>> allowed;
  /// What lists the allowed names, for whoever used another one: "workflows.variables".
  std::string allowed_by;
};

struct Expansion {
  std::string text;
  std::vector<std::string> names;  ///< of the variables, in their order
  bool whole = false;              ///< the text was one ${...} and nothing else
  bool quoted = false;             ///< its default was in quotes, and was taken
};

/// Does the text name a variable, or escape one?
bool has_variables(std::string_view text);

/// Errors: "bad_variable" (how it is written, or not allowed), "unset_variable"; Error::got is the
/// part of the text that it is about. O(|text| log |values|).
Result<Expansion> expand_variables(std::string_view text, const Variables& variables);

/// The variables that a text names, without looking at what they hold. Errors: "bad_variable".
Result<Expansion> variables_in(std::string_view text);

/// Does a name say that what it holds is a secret: api_key, NIM_API_KEY, GITHUB_TOKEN, password?
/// Looks at the words between underscores.
bool names_secret(std::string_view name);

}  // namespace redoubt
