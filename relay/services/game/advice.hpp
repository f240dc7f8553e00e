// Advice: the game's questions asked of a model, by the shipped workflow of the same name.
//
// 1. The workflow makes the prompt (features and formulas) and judges the answer (its schema and
//    guard); the gateway asks the alias `strategist` under the caller's limits and says when the
//    engine has to answer: at once where nothing can be asked, after 2,500 ms at the latest.
// 2. What the workflow does not take is no answer: the gateway tries the next target.
// 3. An answer that comes after the engine's is told apart: it goes to the caller's sockets.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "relay/net/compute_pool.hpp"
#include "relay/net/task.hpp"
#include "relay/services/game/reduced.hpp"
#include "relay/services/runs/catalogue.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

/// No model is asked about a longer request, and a longer answer is none: the workflow is taken up
/// on the shard to judge what came.
constexpr std::size_t advice_body_bytes_max = 128 * 1024;
constexpr std::size_t advice_answer_bytes_max = 64 * 1024;

/// What the game takes of a model: the response's object with source "model", `model` and
/// `cost_microusd`.
using Advice = std::shared_ptr<const nlohmann::json>;

struct Advised {
  Advice answer;       ///< null: the engine answers
  Reduced reduced;     ///< why the engine does
  std::string source;  ///< hit, join or miss, where the model was asked with others
};

struct AdviceRequest {
  std::string_view question;  ///< team_strategy, strategy_adaptation or agent_specification
  std::string_view body;      ///< its request, which was read without a fault
  upstream::Order order;      ///< whose it is; what is asked is filled in
  std::int64_t now_ms = 0;    ///< wall clock
  /// Hears an answer that comes after the engine had to answer. Empty: nobody waits for the engine,
  /// and the model's last word is waited for.
  std::function<void(const std::string& team, const Advice&)> late;
};

class Adviser {
 public:
  /// All outlive the adviser.
  Adviser(upstream::Gateway& gateway, const runs::LiveCatalogue& catalogue, net::ComputePool& pool)
      : gateway_(gateway), catalogue_(catalogue), pool_(pool) {}

  /// Whether there is a model to ask.
  bool asks() const;
  /// On the asker's shard. `request.body` outlives the Task. `leave` is set to what ends the call
  /// where its asker leaves, and is there as long as the Task is.
  net::Task<Advised> ask(AdviceRequest request, std::function<void()>& leave);

 private:
  upstream::Gateway& gateway_;
  const runs::LiveCatalogue& catalogue_;
  net::ComputePool& pool_;
};

}  // namespace redoubt::services
