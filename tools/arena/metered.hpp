// Metered: a player whose thinking is measured, in work and in CPU time of its thread.
#pragma once

#include <memory>

#include "tools/arena/quiet_player.hpp"

namespace redoubt::arena {

/// CPU time of the calling thread.
std::int64_t thread_cpu_us();

class Metered final : public QuietPlayer {
 public:
  explicit Metered(std::unique_ptr<strategy::Player> player);
  std::string_view name() const override { return player_->name(); }
  strategy::ThinkResult think(const territory::View& view, int work) override;
  std::span<const territory::Order> orders() const override { return player_->orders(); }

  std::int64_t cpu_us() const { return cpu_us_; }
  std::int64_t work() const { return work_; }

 private:
  std::unique_ptr<strategy::Player> player_;
  std::int64_t cpu_us_ = 0;
  std::int64_t work_ = 0;
};

}  // namespace redoubt::arena
