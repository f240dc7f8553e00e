// The clocks of a model call's rim: what its machines are told of the time.
#pragma once

#include <chrono>
#include <cstdint>

namespace redoubt::upstream {

inline std::int64_t now_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}
inline std::int64_t wall_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}
inline std::int64_t wall_s() {
  return wall_ms() / 1'000;
}

}  // namespace redoubt::upstream
