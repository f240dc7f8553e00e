// RequestReader: checks the members of a request and gathers every fault, in the terms of FastAPI.
//
// After a fault the reader goes on with a fallback, so that one answer names all that is wrong (at
// most faults_max). Members that are not asked for are ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/strategy/opponent_model.hpp"
#include "engine/strategy/requests.hpp"
#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

constexpr std::size_t faults_max = 32;
constexpr std::size_t request_teams_max = 16;      ///< keys in an object by team
constexpr std::size_t request_agents_max = 1024;   ///< a team
constexpr std::size_t request_types_max = 64;      ///< entries of current_agents
constexpr std::size_t request_history_max = 1024;  ///< entries of opponent_history
constexpr std::size_t request_actions_max = 256;   ///< actions in one entry
constexpr std::size_t request_text_bytes_max = 4096;

using Location = std::vector<std::string>;

class RequestReader {
 public:
  explicit RequestReader(const Json& root);

  /// The checked pieces; on a fault each returns something harmless.
  int team_id();
  /// territory_control, resources, agents and resource_distribution into a Situation.
  Situation situation();
  /// {strategy, focus, priorities?, description?} at `key`.
  TeamStrategy strategy(const char* key);
  /// The team's own {energy, materials, data} at "resources".
  std::array<double, territory::resources> own_store();
  /// Counts by role of "current_agents", the last entry for unknown ones; nothing where absent.
  std::optional<std::array<double, territory::roles + 1>> current_agents();
  /// "opponent_history", ascending by tick.
  std::vector<Observation> history();

  const Faults& faults() const { return faults_; }
  Faults take() { return std::move(faults_); }

 private:
  void fault(std::string type, Location at, std::string message, Json input);
  const Json* member(const Json& object, const Location& at, const char* key);
  bool is_object(const Json& value, const Location& at, std::size_t members_max);
  bool is_list(const Json& value, const Location& at, std::size_t items_max);
  std::string text(const Json& value, const Location& at);
  double number(const Json& value, const Location& at, double low);
  std::array<double, territory::resources> amounts(const Json& value, const Location& at);
  void territory_into(Situation& situation);
  void stores_into(Situation& situation);
  void distribution_into(Situation& situation);
  std::array<std::vector<Placed>, territory::teams_max> agents_into(Situation& situation);
  void agent_list(const Json& list, const Location& at, std::vector<Placed>& out);
  void observation(const Json& entry, const Location& at, std::vector<Observation>& out);
  void actions_into(const Json& actions, const Location& at, Observation& out);

  const Json& root_;
  Faults faults_;
};

}  // namespace redoubt::strategy
