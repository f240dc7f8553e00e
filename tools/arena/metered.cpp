#include "tools/arena/metered.hpp"

#include <time.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace redoubt::arena {

std::int64_t thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{1'000'000} * now.tv_sec + now.tv_nsec / 1000;
}

Metered::Metered(std::unique_ptr<strategy::Player> player) : player_(std::move(player)) {}

std::string_view Metered::name() const {
  return player_->name();
}

strategy::ThinkResult Metered::think(const territory::View& view, int work) {
  const std::int64_t begin = thread_cpu_us();
  const strategy::ThinkResult result = player_->think(view, work);
  cpu_us_ += thread_cpu_us() - begin;
  work_ += result.work_used;
  return result;
}

std::span<const territory::Order> Metered::orders() const {
  return player_->orders();
}

nlohmann::json Metered::explain() const {
  return player_->explain();
}

bool Metered::heat_map(strategy::HeatMap which, std::vector<std::int16_t>& out) const {
  return player_->heat_map(which, out);
}

Result<void> Metered::direct(const nlohmann::json& team_strategy, std::int32_t until_tick) {
  return player_->direct(team_strategy, until_tick);
}

void Metered::save(ByteWriter& out) const {
  player_->save(out);
}

Result<void> Metered::restore(ByteReader& in) {
  return player_->restore(in);
}

}  // namespace redoubt::arena
