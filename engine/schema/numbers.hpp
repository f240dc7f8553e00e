// Numbers of JSON as `maximum` and `multipleOf` compare them: whole ones of 64 bits exactly, others
// as the double that the reader made of them. Internal to this folder.
#pragma once

#include "engine/base/json.hpp"

namespace redoubt::schema {

/// -1, 0 or 1, exactly: an integer is never rounded to a double.
int compare(const Json& a, const Json& b);

/// In the shortest decimals that read back as the same numbers.
bool is_multiple(const Json& value, const Json& of);

}  // namespace redoubt::schema
