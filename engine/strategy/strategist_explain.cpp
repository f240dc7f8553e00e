// What the strategist wants and why, for people to look at.
#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/strategy/strategist.hpp"

namespace redoubt::strategy {
namespace {

constexpr std::size_t arrows_max = 3;
constexpr std::size_t reason_cells_max = 24;
// An arrow is to be seen: so long at least where a goal is that far, and so far from the others.
constexpr int arrow_cells_min = 3;
constexpr int arrow_gap_cells = 3;

struct Arrow {
  std::string_view kind;
  std::string label{};
  std::vector<const Duty*> duties{};
  Cell from = no_cell;
  Cell to = no_cell;
};

std::string count_of(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// The agent of a group that is nearest to the group's middle.
Cell middle_of(const Ground& ground, const std::vector<const Duty*>& duties) {
  Cell best = duties.front()->at;
  int best_sum = 1 << 30;
  for (const Duty* a : duties) {
    int sum = 0;
    for (const Duty* b : duties)
      sum += ground.distance(a->at, b->at);
    if (sum < best_sum) {
      best_sum = sum;
      best = a->at;
    }
  }
  return best;
}

bool on_top(const Ground& ground, const Arrow& a, Cell from, Cell to) {
  const int along = ground.distance(a.from, from) + ground.distance(a.to, to);
  const int against = ground.distance(a.from, to) + ground.distance(a.to, from);
  return std::min(along, against) < arrow_gap_cells;
}

// From where the group is, or else from one of its agents, or else from home, to the goal that most
// of the group have. False where every such arrow has no length or lies on top of one before it.
bool aim(const Ground& ground, Cell home, const Arrow* drawn, std::size_t count, Arrow& arrow) {
  const auto& duties = arrow.duties;
  int best = -1;
  for (std::size_t i = 0; i < duties.size() + 2; ++i) {
    const Cell from = i == 0              ? middle_of(ground, duties)
                      : i > duties.size() ? home
                                          : duties[i - 1]->at;
    for (const Duty* goal : duties) {
      const Cell to = goal->task.cell;
      const int length = ground.distance(from, to);
      bool free = length > 0;
      for (std::size_t k = 0; k < count; ++k)
        free = free && !on_top(ground, drawn[k], from, to);
      if (!free) continue;
      int score = 100 * std::min(length, arrow_cells_min);
      for (const Duty* other : duties)
        score += other->task.cell == to ? 1 : 0;
      score += i == 0 ? 60 : i > duties.size() ? 0 : 30;
      if (score <= best) continue;
      best = score;
      arrow.from = from;
      arrow.to = to;
    }
  }
  return best >= 0;
}

}  // namespace

Json Strategist::explain() const {
  const Decision& decision = in_force();
  Json out = to_json(decision.strategy);
  out["team"] = team_;
  out["tick"] = std::max(0, tick_);
  out["source"] = directed() ? directive_->source : "engine";
  out["confidence"] = decision.confidence;
  Json reasons = Json::array();
  for (const Reason& reason : decision.reasons) {
    Json entry = to_json(reason);
    Json cells = Json::array();
    for (std::size_t i = 0; i < reason.cells.size() && i < reason_cells_max; ++i) {
      cells.push_back(reason.cells[i]);
    }
    entry["cells"] = std::move(cells);
    reasons.push_back(std::move(entry));
  }
  out["reasons"] = std::move(reasons);

  // An agent may have died since the last thought; the picture's cells go with its duties.
  std::array<Arrow, 4> arrows{Arrow{.kind = "raid"}, Arrow{.kind = "hold"},
                              Arrow{.kind = "collect"}, Arrow{.kind = "claim"}};
  Json tasks = Json::array();
  for (const Duty& duty : duties_) {
    const Task& task = duty.task;
    const bool has_cell = task.cell != no_cell;
    tasks.push_back({{"agent", duty.agent},
                     {"task", task_names[static_cast<std::size_t>(task.kind)]},
                     {"cell", has_cell ? Json(task.cell) : Json(nullptr)}});
    if (!has_cell) continue;
    if (task.kind == TaskKind::attack) arrows[0].duties.push_back(&duty);
    if (task.kind == TaskKind::hold) arrows[1].duties.push_back(&duty);
    if (task.kind == TaskKind::collect) arrows[2].duties.push_back(&duty);
    if (task.kind == TaskKind::claim) arrows[3].duties.push_back(&duty);
  }
  out["tasks"] = std::move(tasks);
  arrows[0].label = "Raid with " + count_of(arrows[0].duties.size(), "agent");
  arrows[1].label = "Hold with " + count_of(arrows[1].duties.size(), "agent");
  arrows[2].label = "Collect with " + count_of(arrows[2].duties.size(), "agent");
  arrows[3].label = "Claim with " + count_of(arrows[3].duties.size(), "agent");
  // Fights always show; of the rest what most agents are at.
  if (arrows[3].duties.size() > arrows[2].duties.size()) std::swap(arrows[2], arrows[3]);

  Json plan = Json::array();
  const Cell home = ground_.bases[team_];
  for (Arrow& arrow : arrows) {
    const std::size_t drawn = plan.size();
    if (arrow.duties.empty() || drawn >= arrows_max) continue;
    if (!aim(ground_, home, arrows.data(), drawn, arrow)) continue;
    Json agents = Json::array();
    for (const Duty* duty : arrow.duties)
      agents.push_back(duty->agent);
    plan.push_back({{"kind", arrow.kind},
                    {"label", arrow.label},
                    {"from", arrow.from},
                    {"to", arrow.to},
                    {"agents", std::move(agents)}});
    std::swap(arrows[drawn], arrow);  // those drawn come first
  }
  out["plan"] = std::move(plan);
  return out;
}

bool Strategist::heat_map(HeatMap which, std::vector<std::int16_t>& out) const {
  const hex::Field<std::int32_t>* field = nullptr;
  switch (which) {
    case HeatMap::threat:
      field = &picture_.threat;
      break;
    case HeatMap::influence:
      field = &picture_.influence;
      break;
    case HeatMap::resource_pull:
      field = &picture_.pull;
      break;
  }
  if (field == nullptr || field->size() != ground_.layout.size()) return false;
  out.assign(static_cast<std::size_t>(ground_.cells()), 0);
  for (std::size_t c = 0; c < out.size(); ++c) {
    const std::int32_t value = (*field)[ground_.layout.at(static_cast<Cell>(c))];
    out[c] = static_cast<std::int16_t>(std::min(32767, std::max(-32768, value)));
  }
  return true;
}

}  // namespace redoubt::strategy
