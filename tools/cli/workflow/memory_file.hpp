// MemoryFile: what agents remember from run to run, one JSON line for each entry.
#pragma once

#include <cstdint>
#include <string>

#include "engine/agents/memory_call.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::cli {

class MemoryFile {
 public:
  /// A path that is empty keeps nothing beyond the program; a file that is not there is empty.
  /// Errors: those of reading, "bad_memory" with the line.
  static Result<MemoryFile> open(const std::string& path);

  /// Carries out an effect of memory.search or memory.store; it is kept before this returns.
  Result<std::string> carry_out(const workflow::Effect& effect, std::int64_t now_ms);

 private:
  Result<void> keep() const;

  std::string path_;
  agents::Memory memory_;
};

}  // namespace redoubt::cli
