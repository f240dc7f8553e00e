// What the strategist wants and why, for people to look at.
#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/strategy/strategist.hpp"

namespace redoubt::strategy {
namespace {

constexpr std::size_t arrows_max = 3;
constexpr std::size_t reason_cells_max = 24;

struct Arrow {
  std::string_view kind;
  std::string label;
  std::vector<const Duty*> duties;
};

std::string count_of(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// The agent of a group that is nearest to the group's middle stands for where it comes from, the
// goal nearest to the goals' middle for where it goes.
Cell middle_of(const Ground& ground, const std::vector<Cell>& cells) {
  Cell best = cells.front();
  int best_sum = 1 << 30;
  for (Cell a : cells) {
    int sum = 0;
    for (Cell b : cells)
      sum += ground.distance(a, b);
    if (sum < best_sum) {
      best_sum = sum;
      best = a;
    }
  }
  return best;
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
  std::array<Arrow, 4> arrows{Arrow{"raid", "", {}}, Arrow{"hold", "", {}},
                              Arrow{"collect", "", {}}, Arrow{"claim", "", {}}};
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
  std::stable_sort(arrows.begin() + 2, arrows.end(), [](const Arrow& a, const Arrow& b) {
    return a.duties.size() > b.duties.size();
  });

  Json plan = Json::array();
  for (const Arrow& arrow : arrows) {
    if (arrow.duties.empty() || plan.size() >= arrows_max) continue;
    std::vector<Cell> from;
    std::vector<Cell> to;
    Json agents = Json::array();
    for (const Duty* duty : arrow.duties) {
      agents.push_back(duty->agent);
      to.push_back(duty->task.cell);
      from.push_back(duty->at);
    }
    plan.push_back({{"kind", arrow.kind},
                    {"label", arrow.label},
                    {"from", middle_of(ground_, from)},
                    {"to", middle_of(ground_, to)},
                    {"agents", std::move(agents)}});
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
