// What an attempt sends to its target, and what that may cost at most.
//
// 1. What is reserved is read from the very bytes that are to be sent.
// 2. The request is as it was afterwards: each attempt encodes it anew for its own target.
// 3. Nothing here waits or reads a clock: any thread that owns the request may do it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/embeddings.hpp"
#include "engine/llm/models.hpp"
#include "engine/llm/wire.hpp"
#include "relay/limits/refusal_text.hpp"
#include "relay/upstream/charging.hpp"

namespace redoubt::upstream {

/// What a model can at most.
struct TokenLimits {
  std::int64_t context = 0;  ///< of each input, where it makes embeddings
  std::int64_t output = 0;
  std::int64_t image = 0;  ///< 0: as any other's
};

struct AttemptTarget {
  const llm::Dialect* dialect = nullptr;
  std::string base_url;
  std::string model;
  const llm::ModelCard* card = nullptr;           ///< null: the model is not known
  const llm::EmbeddingCard* embedding = nullptr;  ///< null: or it makes no embeddings
  TokenLimits most;
  std::int64_t unknown_output_tokens_max = 0;  ///< of a model without a card; 0: none
  std::int64_t answer_bytes_max = 0;           ///< of the longest answer that is read
  bool stream = false;
  bool passes_sound = false;  ///< the operator lets it through, whatever it costs
  bool budgeted = false;      ///< a budget limits what it may cost
};

struct AttemptRequest {
  Result<llm::WireRequest> wire;
  AttemptBound bound;  ///< zero of a request that cannot be sent
  /// Of the prompt the model's whole context is reserved, for what lies outside of it.
  limits::PromptReserved prompt = limits::PromptReserved::by_size;
};

/// Written over, not copied: a prompt may be long.
AttemptRequest attempt_request(llm::ChatRequest& request, const AttemptTarget& to);
/// The same for embeddings. O(bytes)
AttemptRequest attempt_request(const llm::EmbeddingRequest& request, const AttemptTarget& to);

}  // namespace redoubt::upstream
