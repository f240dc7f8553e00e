#include "tools/cli/workflow/memory_file.hpp"

#include <filesystem>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

constexpr std::size_t memory_bytes_max = 64u << 20;

Error at_line(Error error, const std::string& path, int line) {
  error.message = joined({path, ", line ", line, ": ", error.message});
  error.line = line;
  return error;
}

}  // namespace

Result<MemoryFile> MemoryFile::open(const std::string& path) {
  MemoryFile file;
  file.path_ = path;
  std::error_code none;
  if (path.empty() || !std::filesystem::exists(path, none)) return file;
  const auto text = read_input(path, memory_bytes_max);
  if (!text) return text.error();
  std::string_view rest = *text;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    const std::string_view one = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (one.empty()) continue;
    const auto json = parse_json(one);
    if (!json) return at_line(json.error(), path, line);
    auto entry = agents::read_entry(*json);
    if (!entry) return at_line(entry.error(), path, line);
    if (auto restored = file.memory_.restore(std::move(*entry)); !restored)
      return at_line(restored.error(), path, line);
  }
  return file;
}

Result<void> MemoryFile::keep() const {
  if (path_.empty()) return {};
  std::string text;
  for (const auto& [id, entry] : memory_.entries())
    text += canonical(agents::entry_json(entry)) + "\n";
  return write_file(path_, text);
}

Result<std::string> MemoryFile::carry_out(const workflow::Effect& effect, std::int64_t now_ms) {
  agents::MemoryChange change;
  auto answer =
      agents::call_memory(memory_, effect.target, effect.request, {}, effect.key, now_ms, change);
  if (!answer) return answer;
  if (auto kept = keep(); !kept) return kept.error();
  return answer;
}

}  // namespace redoubt::cli
