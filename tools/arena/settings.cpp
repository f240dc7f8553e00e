#include "tools/arena/settings.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <vector>

#include "engine/base/nearest.hpp"

namespace redoubt::arena {
namespace {

Error bad_setting(std::string_view player, std::string_view name, std::string expected,
                  std::string_view got) {
  return {.code = "bad_use",
          .message = std::string(player) + ": " + std::string(name) + ": expected " + expected +
                     ", got \"" + std::string(got) + "\"",
          .path = std::string(name),
          .expected = std::move(expected),
          .got = std::string(got)};
}

}  // namespace

Settings::Settings(std::span<const Setting> known) : known_(known) {
  for (const Setting& setting : known)
    values_.emplace(setting.name, setting.usual);
}

Result<void> Settings::set(std::string_view player, std::string_view name, std::string_view value) {
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const Setting& s) { return s.name == name; });
  if (found == known_.end()) {
    std::vector<std::string_view> names;
    std::string list;
    for (const Setting& setting : known_) {
      names.push_back(setting.name);
      list += (list.empty() ? "" : ", ") + std::string(setting.name);
    }
    const std::string said = std::string(player) + " has no setting \"" + std::string(name) + "\"";
    return Error{.code = "bad_use",
                 .message = said + (list.empty() ? "; it has none" : "; it has " + list) +
                            did_you_mean(name, names),
                 .path = std::string(name),
                 .expected = list.empty() ? "no settings" : list,
                 .got = std::string(name)};
  }
  int number = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = fault == std::errc() && end == value.data() + value.size();
  if (!whole || number < found->least || number > found->most) {
    return bad_setting(player, name,
                       "a whole number from " + std::to_string(found->least) + " to " +
                           std::to_string(found->most),
                       value);
  }
  values_.find(name)->second = number;
  return {};
}

int Settings::operator[](std::string_view name) const {
  const auto found = values_.find(name);
  assert(found != values_.end());
  return found->second;
}

}  // namespace redoubt::arena
