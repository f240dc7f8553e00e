// ModelAsk: one model, asked once, for commands: a relay, or any other server of OpenAI's chat
// format.
//
// 1. No retries, no fallback, no ledger: whoever asks has them (a workflow's step), or the relay
// that
//    is asked.
// 2. The token that was sent is taken out of what the server says (answer_redaction.hpp,
//    redaction.hpp).
// 3. It blocks its thread, for model_ask_ms_max at most; for commands, not for shards.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"
#include "relay/auth/secret.hpp"

namespace redoubt::upstream {

constexpr std::int64_t model_ask_ms_max = 600'000;

struct ModelServer {
  std::string base_url;  ///< "http://localhost:8000/v1"; without a path, /v1 is added
  auth::Secret token;    ///< empty: none is sent
};

/// The answer, or as its `failure` what the server said. Errors: bad_url, bad_certificate,
/// unreachable, and those of encode_request.
Result<llm::ChatAnswer> ask_model(const ModelServer& server, const llm::ChatRequest& request);

}  // namespace redoubt::upstream
