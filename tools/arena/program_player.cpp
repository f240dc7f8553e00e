#include "tools/arena/program_player.hpp"

#include <utility>

namespace redoubt::arena {

ProgramPlayer::ProgramPlayer(const Contestant& contestant, const Place& place)
    : team_(place.team), patience_ms_(place.patience_ms) {
  const auto greet = [&]() -> Result<void> {
    auto started = Program::start(contestant.command);
    if (!started) return started.error();
    program_ = std::move(*started);
    const auto answer =
        program_->ask(hello_line(place), hello_patience_factor * patience_ms_, line_bytes_max);
    if (!answer) return answer.error();
    return read_ready(*answer);
  };
  if (const auto greeted = greet(); !greeted) fail(greeted.error(), 0);
}

void ProgramPlayer::fail(const Error& error, std::int32_t tick) {
  // What cannot be read is babble; the other codes stand in front of their messages already.
  fault_ = error.code == "bad_line" ? "babbled: " + error.message : error.message;
  fault_tick_ = tick;
  orders_.clear();
}

strategy::ThinkResult ProgramPlayer::think(const territory::View& view, int) {
  // What a program does in its own time is not counted.
  constexpr strategy::ThinkResult done{.done = true, .work_used = 0};
  orders_.clear();
  if (!fault_.empty()) return done;
  const auto answer = program_->ask(view_line(view), patience_ms_, line_bytes_max);
  if (!answer) {
    fail(answer.error(), view.tick);
    return done;
  }
  auto orders = read_orders(*answer, team_, view.tick);
  if (orders) {
    orders_ = std::move(*orders);
  } else {
    fail(orders.error(), view.tick);
  }
  return done;
}

void ProgramPlayer::finish(int rank, std::string_view by, int tick) {
  if (program_) program_->end(result_line(rank, by, tick, fault_));
}

}  // namespace redoubt::arena
