// Advice: the game's questions asked of a model, by the shipped workflow of the same name.
//
// 1. The workflow makes the prompt (features and formulas) and judges the answer (its schema and
//    guard); the gateway asks the alias `strategist` under the caller's limits and says when the
//    engine has to answer: at once where nothing can be asked, after 2,500 ms at the latest.
// 2. What the workflow does not take is no answer: the gateway tries the next target.
// 3. An answer that comes after the engine's goes to the caller's sockets (late_advice.hpp).
#pragma once

#include <string>
#include <string_view>

#include "relay/api/push_socket.hpp"
#include "relay/api/reduced.hpp"
#include "relay/http/message.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/net/task.hpp"
#include "relay/runs/catalogue.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::api {

/// No model is asked about a longer request, and a longer answer is none: the workflow is taken up
/// on the shard to judge what came.
constexpr std::size_t advice_body_bytes_max = 128 * 1024;
constexpr std::size_t advice_answer_bytes_max = 64 * 1024;

struct Advised {
  std::string answer;  ///< the response's JSON object; empty: the engine answers
  Reduced reduced;     ///< why the engine does
  std::string source;  ///< hit, join or miss, where the model was asked with others
};

class Adviser {
 public:
  /// All outlive the adviser; `sockets` tells answers that come after the engine's.
  Adviser(upstream::Gateway& gateway, const runs::LiveCatalogue& catalogue, net::ComputePool& pool,
          PushSockets& sockets)
      : gateway_(gateway), catalogue_(catalogue), pool_(pool), sockets_(sockets) {}

  /// Whether there is a model to ask.
  bool asks() const;
  /// On the request's shard. `question`: team_strategy, ...; the request was read without a fault.
  /// The answer has source "model", the model's name and the cost.
  net::Task<Advised> ask(http::Request& request, std::string_view question);

 private:
  upstream::Gateway& gateway_;
  const runs::LiveCatalogue& catalogue_;
  net::ComputePool& pool_;
  PushSockets& sockets_;
};

}  // namespace redoubt::api
