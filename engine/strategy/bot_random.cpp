#include "engine/strategy/bot.hpp"
#include "engine/strategy/bots.hpp"

namespace redoubt::strategy {
namespace {

using namespace territory;

// An agent gets a new order about once in this many thoughts.
constexpr std::uint32_t order_odds = 5;
constexpr std::uint32_t spawn_odds = 3;

class RandomBot final : public Bot {
 public:
  using Bot::Bot;
  std::string_view name() const override { return "random"; }

 private:
  TeamStrategy strategy() const override {
    return {
        Stance::balanced, Focus::territory, {Priority::expand_territory}, "Random legal orders."};
  }

  // A map may be nothing but bases.
  Cell any_cell() {
    if (ground_.open.empty()) return ground_.bases[team_];
    return ground_.open[rng_.below(static_cast<std::uint32_t>(ground_.open.size()))];
  }

  void order_one(const View& view, const ViewAgent& agent) {
    switch (static_cast<OrderKind>(rng_.below(7))) {
      case OrderKind::idle:
        return order(agent, OrderKind::idle);
      case OrderKind::collect:
        if (ground_.sites.empty()) return;
        return order(
            agent, OrderKind::collect,
            ground_.sites[rng_.below(static_cast<std::uint32_t>(ground_.sites.size()))].cell);
      case OrderKind::retreat:
        return order(agent, OrderKind::retreat);
      case OrderKind::capture:
        return order(agent, OrderKind::capture, any_cell());
      case OrderKind::attack: {
        if (view.enemies.empty()) return;
        const auto& enemy =
            view.enemies[rng_.below(static_cast<std::uint32_t>(view.enemies.size()))];
        const Cell fallback = any_cell();
        return order(agent, OrderKind::attack, fallback, enemy.id);
      }
      case OrderKind::guard:
        return order(agent, OrderKind::guard, any_cell());
      default:
        return order(agent, OrderKind::move, any_cell());
    }
  }

  Attributes any_attributes() {
    std::array<int, 5> points{};
    int left = ground_.rules.attribute_sum_max;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const int rest = static_cast<int>(points.size() - 1 - i) * ground_.rules.attribute_min;
      points[i] = rng_.between(ground_.rules.attribute_min,
                               std::min(ground_.rules.attribute_max, left - rest));
      left -= points[i];
    }
    const auto at = [&points](std::size_t i) { return static_cast<std::int16_t>(points[i]); };
    return {.speed = at(0),
            .health = at(1),
            .attack = at(2),
            .defense = at(3),
            .carry_capacity = at(4)};
  }

  void decide(const View& view) override {
    for (const ViewAgent& agent : view.own) {
      if (rng_.below(order_odds) == 0) order_one(view, agent);
    }
    if (rng_.below(spawn_odds) == 0) {
      const Role role = static_cast<Role>(rng_.below(roles));
      const Attributes attributes = any_attributes();
      spawn(view, role, attributes);
    }
  }
};

}  // namespace

std::unique_ptr<Player> make_random_bot(const Board& board, Team team, std::uint64_t seed) {
  return std::make_unique<RandomBot>(board, team, seed);
}

}  // namespace redoubt::strategy
