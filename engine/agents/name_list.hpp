// A list of names in a data file or a request, as templates and capabilities have them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace redoubt {
class JsonFields;
}

namespace redoubt::agents {

inline constexpr std::size_t kNamesMax = 64;

/// The member `key`, empty where it is missing; anything but a list of at most kNamesMax texts is a
/// fault of `fields`.
std::vector<std::string> read_names(JsonFields& fields, const char* key);

}  // namespace redoubt::agents
