// SearchPlayer: a script that thinks ahead where it meets the enemy. The script builds, works and
// leads whoever is alone; for the units in contact a search over rollouts says which of them follow
// the script and which do something else.
//
// 1. The purse is the strategist's: so many units a thought; what a quiet thought leaves is kept,
// up
//    to `saved` thoughts.
// 2. It thinks once a whole thought's purse is there; think() may bring it in parts.
#pragma once

#include <array>
#include <memory>

#include "tools/arena/opponents/imagined.hpp"
#include "tools/arena/opponents/opponents.hpp"
#include "tools/arena/quiet_player.hpp"

namespace redoubt::arena {

/// What every search may be told.
constexpr std::array<Setting, 6> search_settings{{
    {"work", 0, 0, 1'000'000, "work units a tick; 0: those of the arena"},
    {"saved", 6, 0, 100, "thoughts whose work may be kept for the next fight"},
    {"base", 0, 0, 4, "the script below: 0 hunter, 1 timing, 2 raider, 3 economy, 4 turtle"},
    {"units", 10, 1, 16, "units that are searched for at the most"},
    {"contact", 8, 1, 100, "cells from an enemy at which a unit is searched for"},
    {"ticks", 79, 1, 500, "length of a rollout"},
}};
/// These and a search's own.
template <std::size_t N>
constexpr std::array<Setting, search_settings.size() + N> search_table(const Setting (&own)[N]) {
  std::array<Setting, search_settings.size() + N> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const bool common = i < search_settings.size();
    table[i] = common ? search_settings[i] : own[i - search_settings.size()];
  }
  return table;
}

class SearchPlayer : public QuietPlayer {
 public:
  SearchPlayer(const Place& place, const Settings& settings, std::string_view name);
  std::string_view name() const final { return name_; }
  strategy::ThinkResult think(const territory::View& view, int work) final;
  std::span<const territory::Order> orders() const final { return orders_; }

 protected:
  /// Finds scripts for `units()`; all others follow. REQUIRES of it: stops when !affordable().
  virtual void search(Plan& best) = 0;

  const std::vector<int>& units() const { return units_; }
  const Settings& settings() const { return settings_; }
  Rng& rng() { return rng_; }
  /// Whether the purse still has `rollouts` more.
  bool affordable(int rollouts) const;
  /// The worse of the two answers of the rivals where `both`; else against the bold one.
  double judge(const Plan& plan, bool both);
  double judge_against(const Plan& plan, RivalScript rivals);
  static Plan all_follow();
  UnitScript& of(Plan& plan, std::size_t unit) const {
    return plan[static_cast<std::size_t>(units_[unit])];
  }

 private:
  void decide(const territory::View& view);
  void take_orders(const Plan& plan, const territory::View& view);

  std::string_view name_;
  Settings settings_;
  territory::Board board_;
  std::unique_ptr<strategy::Player> script_;
  Imagination imagination_;
  Rng rng_;
  int thought_work_;
  int purse_ = 0;
  int brought_ = 0;   // of the present thought
  int reported_ = 0;  // of it, to the match
  std::vector<int> units_;
  std::vector<territory::Order> orders_;
};

template <class T>
std::unique_ptr<strategy::Player> make_search(const Place& place, const Settings& settings) {
  return std::make_unique<T>(place, settings);
}

}  // namespace redoubt::arena
