#include "tools/arena/quiet_player.hpp"

#include <nlohmann/json.hpp>

namespace redoubt::arena {

nlohmann::json QuietPlayer::explain() const {
  return nlohmann::json::object();
}

Result<void> QuietPlayer::direct(const nlohmann::json&, std::int32_t) {
  return {};
}

Result<void> QuietPlayer::restore(ByteReader&) {
  return Error{.code = "bad_snapshot", .message = "this player has no snapshots"};
}

}  // namespace redoubt::arena
