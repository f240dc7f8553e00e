// The original's numbers are in pixels and seconds; a column of our cells is 52 pixels and a second
// is ten ticks. What it does with a chance a frame is done with a chance a thought here.
#include <algorithm>

#include "engine/strategy/bot.hpp"
#include "engine/strategy/bots.hpp"

namespace redoubt::strategy {
namespace {

using namespace territory;

constexpr int detection_cells = 3;  // 120 px from rim to rim
constexpr int free_spawn_ticks = 80;
constexpr int first_request_ticks = 50;
constexpr int request_ticks = 150;
constexpr int strategy_ticks = 300;
constexpr int agents_wanted_max = 12;
constexpr int store_total_min = 15;
constexpr std::uint32_t loaded_engage_percent = 30;
constexpr std::uint32_t wrong_type_skip_percent = 70;
constexpr int pattern_legs_max = 8;

constexpr std::array<Attributes, roles> spawner_tables{{
    {.speed = 600, .health = 500, .attack = 300, .defense = 500, .carry_capacity = 800},
    {.speed = 800, .health = 400, .attack = 400, .defense = 300, .carry_capacity = 300},
    {.speed = 300, .health = 900, .attack = 600, .defense = 900, .carry_capacity = 200},
    {.speed = 700, .health = 600, .attack = 900, .defense = 400, .carry_capacity = 100},
}};
// How long a pattern lasts, ticks, by role.
struct Span {
  int low;
  int high;
};
constexpr std::array<Span, roles> pattern_ticks{{{150, 250}, {80, 150}, {200, 300}, {100, 150}}};

enum class Pattern : std::uint8_t { patrol, legs, circle, heading, advance };

/// What one agent is about.
struct Wanderer {
  AgentId id = no_agent;
  AgentId target = no_agent;  ///< whom it chases; it never lets go
  std::uint8_t round = 0;     ///< patterns taken so far
  std::uint8_t at = 0;        ///< the leg it walks
  std::uint8_t count = 0;
  bool repeat = false;
  std::int32_t until_tick = 0;
  Resource likes = Resource::energy;
  std::array<Cell, pattern_legs_max> legs{};
};

class AgentArenaBot final : public Bot {
 public:
  using Bot::Bot;
  std::string_view name() const override { return "agentarena"; }

 private:
  TeamStrategy strategy() const override {
    switch (stance_) {
      case Stance::aggressive:
        return {stance_,
                Focus::territory,
                {Priority::expand_territory, Priority::attack_enemies, Priority::collect_energy},
                "Behind: expand and attack."};
      case Stance::defensive:
        return {stance_,
                Focus::resources,
                {Priority::defend_territory, Priority::collect_materials, Priority::collect_energy},
                "Ahead: hold and collect."};
      default:
        return {stance_,
                Focus::resources,
                {Priority::collect_energy, Priority::expand_territory, Priority::collect_materials},
                "Level: collect and expand."};
    }
  }

  Cell random_cell(Cell from, int low, int high) {
    constexpr int tries_max = 24;
    for (int i = 0; i < tries_max && !ground_.open.empty(); ++i) {
      const Cell cell = ground_.open[rng_.below(static_cast<std::uint32_t>(ground_.open.size()))];
      const int d = ground_.distance(from, cell);
      if (d >= low && d <= high) return cell;
    }
    // Two statements: in one call the compiler may draw in either order.
    const int direction = static_cast<int>(rng_.below(hex::directions));
    return walk(from, direction, rng_.between(low, high));
  }

  // The last open cell on a straight walk.
  Cell walk(Cell from, int direction, int steps) const {
    Cell at = from;
    for (int i = 0; i < steps; ++i) {
      const Cell next = ground_.neighbour(at, direction);
      if (next == no_cell || ground_.costs[ground_.layout.at(next)] == 0) break;
      at = next;
    }
    return at;
  }

  Cell enemy_base() const {
    Cell best = no_cell;
    for (int t = 0; t < ground_.teams; ++t) {
      const Cell base = ground_.bases[static_cast<std::size_t>(t)];
      if (t != team_ && (best == no_cell || distance_to_base(base) < distance_to_base(best))) {
        best = base;
      }
    }
    return best;
  }

  Pattern choose_pattern(Role role, int round) const {
    constexpr std::array<std::array<Pattern, 4>, roles> by_role{{
        {Pattern::patrol, Pattern::legs, Pattern::patrol, Pattern::legs},
        {Pattern::patrol, Pattern::legs, Pattern::circle, Pattern::heading},
        {Pattern::patrol, Pattern::legs, Pattern::circle, Pattern::circle},
        {Pattern::patrol, Pattern::legs, Pattern::advance, Pattern::advance},
    }};
    return by_role[static_cast<std::size_t>(role)][static_cast<std::size_t>(round % 4)];
  }

  void circle_around(Wanderer& w, Cell centre, int steps) {
    for (int d = 0; d < hex::directions; ++d)
      w.legs[w.count++] = walk(centre, d, steps);
    w.repeat = true;
  }

  void start_pattern(Wanderer& w, const ViewAgent& agent, std::int32_t tick) {
    const Span span = pattern_ticks[static_cast<std::size_t>(agent.role)];
    w.until_tick = tick + rng_.between(span.low, span.high);
    w.count = 0;
    w.at = 0;
    w.repeat = false;
    switch (choose_pattern(agent.role, w.round++)) {
      case Pattern::patrol:
        w.legs[w.count++] = random_cell(agent.cell, 2, 4);
        w.legs[w.count++] = agent.cell;
        w.repeat = true;
        break;
      case Pattern::circle:
        if (agent.role == Role::defender) {
          circle_around(w, ground_.bases[team_], rng_.between(1, 2));
        } else {
          const Cell centre = random_cell(agent.cell, 0, 1);
          circle_around(w, centre, rng_.between(1, 2));
        }
        break;
      case Pattern::heading:
        heading(w, agent.cell);
        break;
      case Pattern::advance:
        advance(w, agent.cell);
        break;
      default:
        for (Cell from = agent.cell; w.count < 5;) {
          from = random_cell(from, 1, 3);
          w.legs[w.count++] = from;
        }
    }
  }

  void heading(Wanderer& w, Cell from) {
    const int direction = static_cast<int>(rng_.below(hex::directions));
    while (w.count < pattern_legs_max) {
      const int turn = (direction + rng_.between(5, 7)) % hex::directions;
      from = walk(from, turn, rng_.between(2, 5));
      w.legs[w.count++] = from;
    }
  }

  // Three to five points towards the enemy's base, the last 2-3 cells short of it.
  void advance(Wanderer& w, Cell from) {
    const Cell goal = enemy_base();
    const int points = rng_.between(3, 5);
    for (int i = 0; i < points; ++i) {
      const int left = ground_.distance(from, goal);
      const int step = std::max(1, left / (points - i));
      Cell best = from;
      for (int attempt = 0; attempt < 4; ++attempt) {
        const Cell cell = random_cell(from, 1, std::max(1, step));
        const int d = ground_.distance(cell, goal);
        if (d < ground_.distance(best, goal) && d >= 2) best = cell;
      }
      from = best;
      w.legs[w.count++] = from;
    }
  }

  // A chase ends with a death only; the target is the first in list order within reach.
  bool engage(const View& view, const ViewAgent& agent, Wanderer& w) {
    const auto known = [&view](AgentId id) -> const ViewAgent* {
      for (const ViewAgent& enemy : view.enemies) {
        if (enemy.id == id) return &enemy;
      }
      return nullptr;
    };
    const ViewAgent* target = w.target == no_agent ? nullptr : known(w.target);
    if (target == nullptr) {
      w.target = no_agent;
      const bool willing = agent.role == Role::explorer || agent.load == 0 ||
                           rng_.below(100) < loaded_engage_percent;
      for (const ViewAgent& enemy : view.enemies) {
        if (!willing || enemy.seen_tick < view.tick) continue;
        if (ground_.distance(agent.cell, enemy.cell) > detection_cells) continue;
        target = &enemy;
        break;
      }
    }
    if (target == nullptr) return false;
    w.target = target->id;
    order(agent, OrderKind::attack, target->cell, target->id);
    return true;
  }

  // It never steers to resources, but takes what it happens to stand on.
  bool gather(const View& view, const ViewAgent& agent, const Wanderer& w) {
    if (agent.load > 0) return false;
    for (const ViewSite& site : view.sites) {
      if (site.cell != agent.cell || site.stock == 0) continue;
      if (site.type != w.likes && rng_.below(100) < wrong_type_skip_percent) return false;
      order(agent, OrderKind::collect, site.cell);
      return true;
    }
    return false;
  }

  void wander(const View& view, const ViewAgent& agent, Wanderer& w) {
    const bool standing = agent.next == no_cell && agent.order.kind != OrderKind::move;
    if (w.count > 0 && agent.cell == w.legs[w.at]) {
      ++w.at;
      if (w.at >= w.count) {
        w.at = 0;
        if (!w.repeat) w.until_tick = view.tick;
      }
    } else if (standing && agent.order.kind == OrderKind::idle && w.count > 0) {
      w.until_tick = view.tick;  // blocked: set up anew
    }
    if (w.count == 0 || view.tick >= w.until_tick) start_pattern(w, agent, view.tick);
    order(agent, OrderKind::move, w.legs[w.at]);
  }

  void choose_stance(const View& view) {
    if (view.tick < next_strategy_tick_) return;
    next_strategy_tick_ = view.tick + strategy_ticks;
    int enemy = 0;
    for (int t = 0; t < view.teams; ++t) {
      if (t != team_)
        enemy = std::max(enemy, static_cast<int>(view.held[static_cast<std::size_t>(t)]));
    }
    const int cells = std::max(1, ground_.reachable_cells);
    const int gap = 100 * (view.held[team_] - enemy) / cells;
    stance_ = gap < -10 ? Stance::aggressive : gap > 10 ? Stance::defensive : Stance::balanced;
  }

  // 70 to 30 between the two roles that a stance likes; even when balanced.
  Role role_by_stance() {
    const bool first = rng_.below(100) < 70;
    switch (stance_) {
      case Stance::aggressive:
        return first ? Role::attacker : Role::explorer;
      case Stance::defensive:
        return first ? Role::defender : Role::collector;
      default:
        return static_cast<Role>(rng_.below(roles));
    }
  }

  Attributes varied(Role role) {
    const auto vary = [this](std::int16_t value) {
      const int percent = rng_.between(80, 120);
      return static_cast<std::int16_t>(
          std::min(ground_.rules.attribute_max,
                   std::max(ground_.rules.attribute_min, value * percent / 100)));
    };
    Attributes a = spawner_tables[static_cast<std::size_t>(role)];
    a.speed = vary(a.speed);
    a.health = vary(a.health);
    a.attack = vary(a.attack);
    a.defense = vary(a.defense);
    a.carry_capacity = vary(a.carry_capacity);
    const int over = a.sum() - ground_.rules.attribute_sum_max;
    if (over > 0) a.health = static_cast<std::int16_t>(a.health - over);
    return a;
  }

  void build(const View& view) {
    if (view.tick >= next_free_tick_) {
      next_free_tick_ = view.tick + free_spawn_ticks;
      const Role role = static_cast<Role>(rng_.below(roles));
      spawn(view, role, ground_.rules.defaults[static_cast<std::size_t>(role)]);
      return;
    }
    const int total = view.store[0] + view.store[1] + view.store[2];
    if (view.tick < next_request_tick_ || total < store_total_min) return;
    if (static_cast<int>(view.own.size()) >= agents_wanted_max) return;
    constexpr std::array<int, stances> factor{100, 70, 150, 120};
    int wait = request_ticks * factor[static_cast<std::size_t>(stance_)] / 100;
    if (total > 100) wait = wait * 8 / 10;
    if (total < 30) wait = wait * 15 / 10;
    next_request_tick_ = view.tick + wait;
    const Role role = role_by_stance();
    const Attributes attributes = varied(role);
    spawn(view, role, attributes);
  }

  Wanderer& wanderer(AgentId id) {
    for (Wanderer& w : wanderers_) {
      if (w.id == id) return w;
    }
    Wanderer fresh;
    fresh.id = id;
    fresh.round = static_cast<std::uint8_t>(rng_.below(4));
    fresh.likes = static_cast<Resource>(rng_.below(resources));
    wanderers_.push_back(fresh);
    return wanderers_.back();
  }

  void decide(const View& view) override {
    std::vector<Wanderer> living;
    for (const Wanderer& w : wanderers_) {
      for (const ViewAgent& agent : view.own) {
        if (agent.id == w.id) living.push_back(w);
      }
    }
    wanderers_ = std::move(living);
    choose_stance(view);
    for (const ViewAgent& agent : view.own) {
      Wanderer& w = wanderer(agent.id);
      if (engage(view, agent, w) || gather(view, agent, w)) continue;
      wander(view, agent, w);
    }
    build(view);
  }

  void save_more(ByteWriter& out) const override {
    out.u8(static_cast<std::uint8_t>(stance_));
    out.i32(next_free_tick_);
    out.i32(next_request_tick_);
    out.i32(next_strategy_tick_);
    out.u32(static_cast<std::uint32_t>(wanderers_.size()));
    for (const Wanderer& w : wanderers_) {
      out.u32(w.id);
      out.u32(w.target);
      out.u8(w.round);
      out.u8(w.at);
      out.u8(w.count);
      out.u8(w.repeat ? 1 : 0);
      out.i32(w.until_tick);
      out.u8(static_cast<std::uint8_t>(w.likes));
      for (Cell leg : w.legs)
        out.u16(leg);
    }
  }

  bool restore_more(ByteReader& in) override {
    const std::uint8_t stance = in.u8();
    const std::int32_t free_tick = in.i32();
    const std::int32_t request_tick = in.i32();
    const std::int32_t strategy_tick = in.i32();
    const std::uint32_t count = in.u32();
    if (in.failed() || stance >= stances || count > agents_per_team_max) return false;
    std::vector<Wanderer> read(count);
    for (Wanderer& w : read) {
      w.id = in.u32();
      w.target = in.u32();
      w.round = in.u8();
      w.at = in.u8();
      w.count = in.u8();
      w.repeat = in.u8() != 0;
      w.until_tick = in.i32();
      const std::uint8_t likes = in.u8();
      for (Cell& leg : w.legs) {
        leg = in.u16();
        if (leg >= ground_.cells()) return false;
      }
      if (in.failed() || w.count > pattern_legs_max || likes >= resources) return false;
      if (w.count > 0 && w.at >= w.count) return false;
      w.likes = static_cast<Resource>(likes);
    }
    stance_ = static_cast<Stance>(stance);
    next_free_tick_ = free_tick;
    next_request_tick_ = request_tick;
    next_strategy_tick_ = strategy_tick;
    wanderers_ = std::move(read);
    return true;
  }

  std::vector<Wanderer> wanderers_;
  Stance stance_ = Stance::balanced;
  std::int32_t next_free_tick_ = free_spawn_ticks;
  std::int32_t next_request_tick_ = first_request_ticks;
  std::int32_t next_strategy_tick_ = 0;
};

}  // namespace

std::unique_ptr<Player> make_agentarena_bot(const Board& board, Team team, std::uint64_t seed) {
  return std::make_unique<AgentArenaBot>(board, team, seed);
}

}  // namespace redoubt::strategy
