// Push: the game's WebSocket as a pure state machine: frames and time in, frames out.
//
//   gameState, first       -> a directive for each team in it
//   gameState, class moved -> a directive for that team, if its last is directive_early_ms old
//   tick                   -> a directive for each team whose last is directive_interval_ms old
//   directive sent         -> an agent_recommendation too, where the team can pay for an agent
//                             (its store holds recommendation_store_min), has room for one (fewer
//                             than recommendation_agents_max) and its last recommendation is
//                             recommendation_interval_ms old
//   directive sent         -> where a model is asked: a question about that team, unless one is
//                             under way; the next one directive_early_ms later at the soonest
//   a model's answer       -> a directive of cause late_answer, while the team's class is that of
//                             the question; else it is dropped, and the team is asked about anew
//   a model's refusal      -> the team's next directive says why in `reduced`
//   anything else          -> {"type":"error","data":{"message"}}; the state stays as it was
//
// 1. Time is an argument, monotonic, in milliseconds. Nothing is acknowledged.
// 2. A team's class is behind, level or ahead: its share of the territory against the strongest
//    other team's, with a gap of class_gap_percent.
// 3. A frame over frames_per_second_max is not read; the first of such a second gets an error.
// 4. Teams, agents and texts of a frame are bounded by the engine's reader and the bounds below.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/strategy/requests.hpp"

namespace redoubt::services {

struct PushPolicy {
  std::int64_t directive_interval_ms = 30'000;
  std::int64_t directive_early_ms = 5'000;
  std::int64_t recommendation_interval_ms = 30'000;
  double class_gap_percent = 10;
  int frames_per_second_max = 10;
  int depth_max = 32;
  bool model = false;  ///< a model is asked beside the engine
};

/// The original game asks for no agent under this store, nor with so many agents.
constexpr double recommendation_store_min = 15;
constexpr std::size_t recommendation_agents_max = 12;

constexpr std::size_t push_teams_max = 8;
constexpr std::size_t push_agents_max = 512;  ///< a team

/// Who answers: the engine, or a test's own functions.
struct Advisors {
  strategy::Answer (*team_strategy)(const nlohmann::json& request);
  strategy::Answer (*agent_specification)(const nlohmann::json& request);
};

enum class PushKind : std::uint8_t { directive, recommendation, error };
struct PushFrame {
  PushKind kind;
  std::string text;
};
using PushFrames = std::vector<PushFrame>;

/// What a model is to be asked, and then told in on_answer() or on_refusal(), once.
struct PushQuestion {
  std::string team;
  std::string request;  ///< a team-strategy request, JSON
};
using PushQuestions = std::vector<PushQuestion>;

/// The cause of a directive that is a model's answer, which came after the engine's.
constexpr std::string_view late_cause = "late_answer";

/// A directive's data without what is seen of the map: {team, strategy, focus, priorities,
/// agentRecommendations: [], cause, source, and a model's model and cost_microusd}.
nlohmann::json directive_data(const std::string& team, const nlohmann::json& answer,
                              std::string_view cause);

class Push {
 public:
  Push(PushPolicy policy, Advisors advisors);
  ~Push();
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;

  PushFrames on_text(std::string_view text, std::int64_t now_ms);
  PushFrames on_binary(std::int64_t now_ms);
  PushFrames on_tick(std::int64_t now_ms);

  /// What came up since the last call.
  PushQuestions take_questions();
  /// `answer`: a strategy as the game takes it, with its source, model and cost_microusd.
  PushFrames on_answer(const std::string& team, const nlohmann::json& answer, std::int64_t now_ms);
  /// `reduced`: {code, message}, JSON
  void on_refusal(const std::string& team, std::string reduced);

 private:
  enum class Standing : std::uint8_t { behind, level, ahead };
  struct TeamState {
    Standing standing = Standing::level;
    std::int64_t directive_ms = 0;
    bool directed = false;
    bool refused = false;  ///< the strategist does not know a team of this name; said once
    std::int64_t recommendation_ms = 0;
    bool recommended = false;
    bool wanted = false;  ///< a model is to be asked
    bool asking = false;
    std::int64_t asked_ms = 0;  ///< the last question's time, where there was one
    bool asked = false;
    Standing asked_about = Standing::level;
    std::string reduced;  ///< why the last question came to nothing, JSON; empty: it did not
  };

  bool take_frame(std::int64_t now_ms);
  /// What a frame gets that is not read.
  PushFrames too_many() const;
  Standing standing_of(const std::string& team) const;
  void direct(const std::string& team, std::string_view cause, std::int64_t now_ms,
              PushFrames& out);
  std::string urgency_of(const std::string& team) const;
  /// Asks about the team where that is wanted and may be.
  void ask(const std::string& team, std::int64_t now_ms);
  void recommend(const std::string& team, const nlohmann::json& specification, std::int64_t now_ms,
                 PushFrames& out);
  strategy::Answer ask_specification(const std::string& team, const nlohmann::json& strategy) const;

  PushPolicy policy_;
  Advisors advisors_;
  /// The last gameState as a request without team_id; null before the first.
  std::unique_ptr<nlohmann::json> situation_;
  std::map<std::string, TeamState> teams_;
  PushQuestions questions_;
  std::int64_t second_started_ms_ = 0;
  int frames_this_second_ = 0;
};

/// A gameState's data (camelCase, lenient about what is missing) as the body of a team-strategy
/// request without team_id. Error bad_frame names the member that is wrong.
Result<nlohmann::json> request_of_game_state(const nlohmann::json& data);

}  // namespace redoubt::services
