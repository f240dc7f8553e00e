// Settings: what a variant of a player may be told, `turtle:fighters=6,reach=9`. A player declares
// its settings with their defaults in one table, and reads them by name.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::arena {

struct Setting {
  std::string_view name;
  int usual = 0;
  int least = 0;
  int most = 0;
  std::string_view what;  ///< for people: what it does and in which unit
};

class Settings {
 public:
  Settings() = default;
  explicit Settings(std::span<const Setting> known);
  /// Error bad_use: an unknown name (the message lists the known ones), not a whole number, or out
  /// of its range. `player` is named in the message.
  Result<void> set(std::string_view player, std::string_view name, std::string_view value);
  /// REQUIRES: `name` is in the table.
  int operator[](std::string_view name) const;

 private:
  std::span<const Setting> known_;
  std::map<std::string, int, std::less<>> values_;
};

}  // namespace redoubt::arena
