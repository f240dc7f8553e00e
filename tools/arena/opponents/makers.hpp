// What each opponent's file has for the table in opponents.cpp.
#pragma once

#include "tools/arena/opponents/opponents.hpp"

namespace redoubt::arena {

std::span<const Setting> turtle_settings();
std::unique_ptr<strategy::Player> make_turtle(const Place& place, const Settings& settings);

std::span<const Setting> economy_settings();
std::unique_ptr<strategy::Player> make_economy(const Place& place, const Settings& settings);

std::span<const Setting> expander_settings();
std::unique_ptr<strategy::Player> make_expander(const Place& place, const Settings& settings);

std::span<const Setting> raider_settings();
std::unique_ptr<strategy::Player> make_raider(const Place& place, const Settings& settings);

std::span<const Setting> hunter_settings();
std::unique_ptr<strategy::Player> make_hunter(const Place& place, const Settings& settings);

std::span<const Setting> phalanx_settings();
std::unique_ptr<strategy::Player> make_phalanx(const Place& place, const Settings& settings);

std::span<const Setting> timing_settings();
std::unique_ptr<strategy::Player> make_timing(const Place& place, const Settings& settings);

std::span<const Setting> lookahead_settings();
std::unique_ptr<strategy::Player> make_lookahead(const Place& place, const Settings& settings);

std::span<const Setting> portfolio_settings();
std::unique_ptr<strategy::Player> make_portfolio(const Place& place, const Settings& settings);

std::span<const Setting> bandits_settings();
std::unique_ptr<strategy::Player> make_bandits(const Place& place, const Settings& settings);

std::span<const Setting> rolling_settings();
std::unique_ptr<strategy::Player> make_rolling(const Place& place, const Settings& settings);

}  // namespace redoubt::arena
