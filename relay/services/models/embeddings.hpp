// POST /v1/embeddings, and :embedContent and :batchEmbedContents of Google's clients: vectors for
// texts (engine/llm/embeddings.hpp), from the models, keys, limits and budgets that calls of models
// have.
//
// 1. Nothing is streamed, and nothing is shared with others' equal requests.
// 2. An answer with another number of vectors than there were inputs is none.
#pragma once

#include <optional>

#include "relay/contract/route.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/services/models/gemini_calls.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

class Embeddings {
 public:
  /// All outlive this.
  Embeddings(upstream::Gateway& gateway, net::ComputePool& pool, std::size_t body_bytes_max)
      : gateway_(gateway), pool_(pool), body_bytes_max_(body_bytes_max) {}
  std::vector<contract::Route> routes();
  /// `addressed`: of a client of Google's, what the address says.
  net::Task<http::Response> embed(http::Request& request,
                                  std::optional<GeminiCall> addressed = std::nullopt);

 private:
  upstream::Gateway& gateway_;
  net::ComputePool& pool_;
  std::size_t body_bytes_max_;
};

}  // namespace redoubt::services
