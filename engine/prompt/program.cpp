#include "engine/prompt/program.hpp"

#include <algorithm>

namespace redoubt::prompt {

std::vector<std::string> Program::free_names() const {
  std::vector<std::string> found;
  for (const Read& read : reads)
    found.push_back(read.parts.front());
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void locate(std::string_view source, std::size_t at, Error& error) {
  const std::string_view before = source.substr(0, std::min(at, source.size()));
  error.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t start = before.rfind('\n');
  error.column = static_cast<int>(start == before.npos ? before.size() + 1 : before.size() - start);
}

}  // namespace redoubt::prompt
