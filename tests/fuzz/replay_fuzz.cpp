// Any bytes are a replay or an error; a replay that was read can be verified, whatever the verdict.
#include <cstdlib>

#include "engine/territory/replay.hpp"

namespace {
using namespace redoubt::territory;

const std::string& valid_replay() {
  static const std::string bytes = [] {
    GenerateOptions options;
    options.width = 16;
    options.height = 12;
    options.sites_per_team = 2;
    Replay replay;
    replay.map = *generate(options);
    replay.rules = default_rules();
    replay.players = {"a", "b"};
    replay.work_units = {0, 0};
    replay.final_tick = 10;
    return write_replay(replay);
  }();
  return bytes;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int32_t ticks_max = 2000;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string bytes(input);
  if (!input.empty() && (input[0] & 1) != 0) {
    bytes = valid_replay();
    for (std::size_t i = 1; i + 2 < input.size(); i += 3) {
      const std::size_t at =
          (static_cast<unsigned char>(input[i]) << 8) | static_cast<unsigned char>(input[i + 1]);
      bytes[at % bytes.size()] = input[i + 2];
    }
  }
  const auto replay = read_replay(bytes);
  if (replay && replay->final_tick <= ticks_max) (void)verify(*replay);
  return 0;
}
