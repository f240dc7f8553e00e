// Stepping: a run's work and its replay, a turn at a time.
#pragma once

#include <string>
#include <utility>

#include "engine/workflow/run.hpp"

namespace redoubt::runs {

inline bool is_busy(const workflow::Run&) {
  return false;
}
inline void work_on(workflow::Run&) {}

class Replaying {
 public:
  static Result<Replaying> begin(workflow::DefinitionPtr definition, std::string history) {
    auto run = workflow::Run::replay(std::move(definition), history);
    if (!run) return run.error();
    return Replaying(std::move(*run));
  }
  Result<bool> go_on() { return true; }
  workflow::Run run() && { return std::move(run_); }

 private:
  explicit Replaying(workflow::Run run) : run_(std::move(run)) {}
  workflow::Run run_;
};

}  // namespace redoubt::runs
