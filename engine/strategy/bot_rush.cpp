#include <algorithm>

#include "engine/base/stable_order.hpp"
#include "engine/strategy/bot.hpp"
#include "engine/strategy/bots.hpp"

namespace redoubt::strategy {
namespace {

using namespace territory;

constexpr int collectors_wanted = 3;
constexpr Attributes raider{
    .speed = 700, .health = 700, .attack = 1000, .defense = 500, .carry_capacity = 100};
constexpr Attributes worker{
    .speed = 600, .health = 300, .attack = 100, .defense = 200, .carry_capacity = 1000};
// Raiders turn back to heal under this share of their health, and go again over the other.
constexpr int retreat_permille = 300;
constexpr int return_permille = 800;
// Last seen longer ago than this, an enemy is not chased.
constexpr int memory_ticks = 100;
// Fewer raiders than this stay out of the enemy's base weapon.
constexpr int siege_raiders_min = 4;

class RushBot final : public Bot {
 public:
  RushBot(const Board& board, Team team, std::uint64_t seed) : Bot(board, team, seed) {
    healing_.fill(no_agent);
    // Where raiders look for the enemy when none is seen: its sites first, then around its base.
    for (int t = 0; t < ground_.teams; ++t) {
      if (t == team_) continue;
      const Cell base = ground_.bases[static_cast<std::size_t>(t)];
      std::vector<Cell> near;
      for (const Site& site : ground_.sites) {
        if (ground_.distance(site.cell, base) < distance_to_base(site.cell)) {
          near.push_back(site.cell);
        }
      }
      sort_stable(near, [&](Cell a, Cell b) {
        return ground_.distance(a, base) < ground_.distance(b, base);
      });
      haunts_.insert(haunts_.end(), near.begin(), near.end());
    }
    if (haunts_.empty()) haunts_ = ground_.open;
    // A map may be nothing but bases.
    if (haunts_.empty()) haunts_ = {ground_.bases[team_]};
  }
  std::string_view name() const override { return "rush"; }

 private:
  TeamStrategy strategy() const override {
    return {Stance::aggressive,
            Focus::combat,
            {Priority::attack_enemies},
            "Attackers at once, straight for the enemy's workers."};
  }

  bool is_healing(AgentId id) const {
    return std::find(healing_.begin(), healing_.end(), id) != healing_.end();
  }
  void set_healing(AgentId id, bool value) {
    const AgentId from = value ? no_agent : id;
    const auto slot = std::find(healing_.begin(), healing_.end(), from);
    if (slot != healing_.end()) *slot = value ? id : no_agent;
  }

  bool in_base_weapon(Cell cell) const {
    for (int t = 0; t < ground_.teams; ++t) {
      if (t != team_ && ground_.distance(cell, ground_.bases[static_cast<std::size_t>(t)]) <=
                            ground_.rules.base_range_cells) {
        return true;
      }
    }
    return false;
  }

  // Workers first, then whoever is near; nobody under the base's weapon while we are few.
  const ViewAgent* prey(const View& view, const ViewAgent& hunter, int raiders) const {
    const ViewAgent* best = nullptr;
    int best_score = 0;
    for (const ViewAgent& enemy : view.enemies) {
      if (view.tick - enemy.seen_tick > memory_ticks) continue;
      if (raiders < siege_raiders_min && in_base_weapon(enemy.cell)) continue;
      const bool soft = enemy.role == Role::collector || enemy.role == Role::explorer;
      const int score = 1000 - 20 * ground_.distance(hunter.cell, enemy.cell) + (soft ? 100 : 0) -
                        enemy.health / 2000;
      if (best == nullptr || score > best_score) {
        best = &enemy;
        best_score = score;
      }
    }
    return best;
  }

  void order_raider(const View& view, const ViewAgent& agent, int raiders) {
    const int permille = static_cast<int>(1000LL * agent.health / std::max(1, agent.health_max));
    if (is_healing(agent.id) ? permille < return_permille : permille < retreat_permille) {
      set_healing(agent.id, true);
      return order(agent, OrderKind::retreat);
    }
    set_healing(agent.id, false);
    if (const ViewAgent* enemy = prey(view, agent, raiders)) {
      return order(agent, OrderKind::attack, enemy->cell, enemy->id);
    }
    if (agent.order.kind == OrderKind::capture) return;
    // Nobody in sight: take the ground around the enemy's sites, one after the other.
    const Cell haunt = haunts_[(agent.id + next_haunt_) % haunts_.size()];
    next_haunt_ = (next_haunt_ + 1) % 1024;
    order(agent, OrderKind::capture, haunt);
  }

  // What a raider costs of each type, over what there is: the larger, the more it is wanted.
  int need_of(const View& view, std::size_t type) const {
    const Amounts price = cost(ground_.rules, Role::attacker, raider, 6);
    return 100 * price[type] / (10 + view.store[type]);
  }

  // A round is never broken off: the site is chosen anew at home, with empty hands.
  void order_collector(const View& view, const ViewAgent& agent) {
    const bool at_home = agent.load == 0 && distance_to_base(agent.cell) <= 2;
    if (agent.order.kind == OrderKind::collect && !at_home) return;
    const ViewSite* best = nullptr;
    int best_score = 0;
    for (const ViewSite& site : view.sites) {
      int others = 0;
      for (const ViewAgent& other : view.own) {
        others += other.id != agent.id && other.order.kind == OrderKind::collect &&
                  other.order.cell == site.cell;
      }
      const int way = ground_.distance(agent.cell, site.cell) + distance_to_base(site.cell);
      const int grown = (view.tick - std::max(0, site.seen_tick)) / ground_.rules.regrow_ticks;
      const int stock = std::min(ground_.rules.stock_max, site.stock + grown) - 10 * others;
      const int units = std::max(0, std::min<int>(agent.capacity, stock));
      const int score = units * need_of(view, static_cast<std::size_t>(site.type)) * 10 /
                        (way * 5 + 2 * units + 10);
      if (best == nullptr || score > best_score) {
        best = &site;
        best_score = score;
      }
    }
    if (best != nullptr) order(agent, OrderKind::collect, best->cell);
  }

  void decide(const View& view) override {
    int raiders = 0;
    int collectors = 0;
    for (const ViewAgent& agent : view.own) {
      (agent.role == Role::collector ? collectors : raiders) += 1;
    }
    for (const ViewAgent& agent : view.own) {
      if (agent.role == Role::collector) {
        order_collector(view, agent);
      } else {
        order_raider(view, agent, raiders);
      }
    }
    // Two raiders go before the third collector is paid for.
    if (collectors < std::min(collectors_wanted, 2 + raiders / 3)) {
      spawn(view, Role::collector, worker);
    } else {
      spawn(view, Role::attacker, raider);
    }
  }

  void save_more(ByteWriter& out) const override {
    out.u32(next_haunt_);
    for (AgentId id : healing_)
      out.u32(id);
  }
  bool restore_more(ByteReader& in) override {
    const std::uint32_t haunt = in.u32();
    std::array<AgentId, agents_per_team_max> healing;
    for (AgentId& id : healing)
      id = in.u32();
    if (in.failed()) return false;
    next_haunt_ = haunt;
    healing_ = healing;
    return true;
  }

  std::vector<Cell> haunts_;
  std::uint32_t next_haunt_ = 0;
  std::array<AgentId, agents_per_team_max> healing_{};
};

}  // namespace

std::unique_ptr<Player> make_rush_bot(const Board& board, Team team, std::uint64_t seed) {
  return std::make_unique<RushBot>(board, team, seed);
}

}  // namespace redoubt::strategy
