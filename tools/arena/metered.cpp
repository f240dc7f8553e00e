#include "tools/arena/metered.hpp"

#include <time.h>

#include <utility>

namespace redoubt::arena {

std::int64_t thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{1'000'000} * now.tv_sec + now.tv_nsec / 1000;
}

Metered::Metered(std::unique_ptr<strategy::Player> player) : player_(std::move(player)) {}

strategy::ThinkResult Metered::think(const territory::View& view, int work) {
  const std::int64_t begin = thread_cpu_us();
  const strategy::ThinkResult result = player_->think(view, work);
  cpu_us_ += thread_cpu_us() - begin;
  work_ += result.work_used;
  return result;
}

}  // namespace redoubt::arena
