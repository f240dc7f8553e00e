// Any bytes are a snapshot or an error; a world that was loaded plays on within every bound that
// the sanitizers watch.
#include <cstdlib>

#include "engine/territory/step.hpp"

namespace {
using namespace redoubt::territory;

const Board& small_board() {
  static const Board board = [] {
    GenerateOptions options;
    options.width = 16;
    options.height = 12;
    options.sites_per_team = 2;
    return *Board::make(*generate(options), default_rules());
  }();
  return board;
}

// The first byte says how the rest is read: as a whole snapshot, or as changes to a valid one,
// which reach deeper than random bytes do.
std::string candidate(std::string_view input) {
  if (input.empty() || (input[0] & 1) == 0) return std::string(input.substr(input.empty() ? 0 : 1));
  std::string bytes = save(small_board(), start(small_board(), 7));
  for (std::size_t i = 1; i + 2 < input.size(); i += 3) {
    const std::size_t at =
        (static_cast<unsigned char>(input[i]) << 8) | static_cast<unsigned char>(input[i + 1]);
    bytes[at % bytes.size()] = input[i + 2];
  }
  return bytes;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int ticks = 50;
  const Board& board = small_board();
  auto world = load(board, candidate({reinterpret_cast<const char*>(data), size}));
  if (!world) return 0;
  for (int i = 0; i < ticks && !outcome(board, *world).over; ++i) {
    if (!step(board, *world, {})) std::abort();
  }
  const auto again = load(board, save(board, *world));
  if (!again || state_hash(board, *again) != state_hash(board, *world)) std::abort();
  return 0;
}
