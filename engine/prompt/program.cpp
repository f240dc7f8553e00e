#include "engine/prompt/program.hpp"

#include <algorithm>

#include "engine/base/json.hpp"

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

namespace {

// Each block has room for twice what stands in it, and an allocator's own bytes.
constexpr std::uint64_t room_factor = 2;

std::uint64_t text_bytes(const std::string& text) {
  return room_factor * sizeof(text) + json_weights::bytes(text.size());
}

}  // namespace

std::uint64_t Program::bytes() const {
  std::uint64_t bytes =
      sizeof(Program) + source.size() +
      room_factor * (nodes.size() * sizeof(Node) + links.size() * sizeof(links[0]) +
                     steps.size() * sizeof(Step) + reads.size() * sizeof(Read));
  for (const std::string& name : names)
    bytes += text_bytes(name);
  for (const Json& constant : constants)
    bytes += json_weights::item + weight_of(constant);
  for (const Read& read : reads)
    for (const std::string& part : read.parts)
      bytes += text_bytes(part);
  return bytes;
}

}  // namespace redoubt::prompt
