// Game: the three questions that a game asks, answered by a model where the operator has given one
// the alias `strategist`, else (or when it is late, wrong or too dear) by the engine.
//
//   POST /api/team-strategy         what should this team go for?
//   POST /api/agent-specification   which agent should it build next?
//   POST /api/strategy-adaptation   what now, given what the opponent was seen doing?
//
// Errors are FastAPI's, because the clients of these paths know those (see errors.hpp).
#pragma once

#include <string_view>

#include "engine/strategy/requests.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/services/game/advice.hpp"
#include "relay/services/game/push_socket.hpp"

namespace redoubt::services {

struct Question {
  std::string_view path;
  std::string_view name;  ///< in metrics
  strategy::Answer (*ask)(const nlohmann::json& request);
  std::string_view operation = {};  ///< in the API's description
};

/// The answer to a body, whatever it holds; never throws for bad input.
http::Response answer_question(const Question& question, std::string_view body, int depth_max);

class Game {
 public:
  /// All outlive this; `sockets` tells answers of models that come after the engine's.
  Game(net::ComputePool& pool, PushSockets& sockets, observe::Metrics& metrics, int depth_max);
  /// Before routes(); outlives this. Null: the engine answers alone.
  void use(Adviser* adviser) { adviser_ = adviser; }
  std::vector<contract::Route> routes();

 private:
  struct Series {
    Question question;
    observe::Counter* answered;
    observe::Counter* refused;
    observe::Counter* advised;
    observe::Histogram* duration;
  };
  net::Task<http::Response> answer(http::Request& request, const Series& series);
  net::Task<http::Response> engine(http::Request& request, const Series& series);
  http::Response counted(const Series& series, std::string_view body) const;

  net::ComputePool& pool_;
  PushSockets& sockets_;
  int depth_max_;
  Adviser* adviser_ = nullptr;
  std::vector<Series> series_;
};

}  // namespace redoubt::services
