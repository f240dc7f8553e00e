// ProgramPlayer: a program in a player's place. Its first fault ends its part in the game: from
// then on it orders nothing, and fault() says why.
#pragma once

#include <memory>

#include "tools/arena/program.hpp"
#include "tools/arena/protocol.hpp"
#include "tools/arena/quiet_player.hpp"

namespace redoubt::arena {

/// Loading an interpreter takes longer than a thought.
constexpr int hello_patience_factor = 4;

class ProgramPlayer final : public QuietPlayer {
 public:
  /// Starts the program and says hello.
  ProgramPlayer(const Contestant& contestant, const Place& place);
  std::string_view name() const override { return "program"; }
  strategy::ThinkResult think(const territory::View& view, int work) override;
  std::span<const territory::Order> orders() const override { return orders_; }

  /// "crashed: ...", "stalled: ..." or "babbled: ..."; empty: none.
  const std::string& fault() const { return fault_; }
  std::int32_t fault_tick() const { return fault_tick_; }
  /// Tells the result and ends the program.
  void finish(int rank, std::string_view by, int tick);
  std::int64_t cpu_us() const { return program_ ? program_->cpu_us() : 0; }

 private:
  void fail(const Error& error, std::int32_t tick);

  territory::Team team_;
  int patience_ms_;
  std::unique_ptr<Program> program_;
  std::vector<territory::Order> orders_;
  std::string fault_;
  std::int32_t fault_tick_ = 0;
};

}  // namespace redoubt::arena
