#include "tools/cli/relay_config.hpp"

#include <optional>
#include <utility>

#include "tools/cli/terminal.hpp"

namespace redoubt::cli {

Result<config::Config> load_relay_config(const std::string& file,
                                         const std::vector<config::Override>& overrides) {
  std::optional<config::Source> source;
  if (!file.empty()) {
    auto text = read_input(file, config::file_bytes_max);
    if (!text) return text.error();
    source = config::Source{file, std::move(*text)};
  }
  auto loaded = config::load(source, environment(), overrides);
  if (const auto* faults = std::get_if<config::Faults>(&loaded)) return faults->front();
  return std::move(std::get<config::Loaded>(loaded).config);
}

}  // namespace redoubt::cli
