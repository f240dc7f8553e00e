// Doubt: who has had trouble with something that many share (a target, a key) since it last worked.
//
// One caller's trouble is no evidence: what they asked for may be its cause. Nor is that of
// colluders_max of them, who may have come together to take it from others.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "relay/auth/identity.hpp"

namespace redoubt::upstream {

/// So many purses (auth::purse_of) may lie together.
constexpr std::size_t colluders_max = 2;

class Doubt {
 public:
  /// Of a caller (auth::Identity::key()). True where more have had trouble than may collude; the
  /// doubt is over then, as it is proved.
  bool is_proved_by(std::string_view caller) {
    const std::string_view purse = auth::purse_of(caller);
    if (std::find(purses_.begin(), purses_.end(), purse) == purses_.end())
      purses_.emplace_back(purse);
    if (purses_.size() <= colluders_max) return false;
    purses_.clear();
    return true;
  }
  void clear() { purses_.clear(); }

 private:
  std::vector<std::string> purses_;  // each once
};

}  // namespace redoubt::upstream
