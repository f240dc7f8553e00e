// Models: language models behind the relay's keys, in the formats that clients speak already.
//
//   POST /v1/chat/completions        OpenAI chat completions
//   POST /v1/completions             the older form of the same (engine/llm/text_completion.hpp)
//   POST /v1/responses               OpenAI Responses
//   POST /v1/responses/input_tokens  how long a prompt is, by estimate
//   POST /v1/messages                Anthropic messages
//   POST /v1/messages/count_tokens   how long a prompt is, by estimate
//   POST /v1beta/models/NAME:METHOD, /v1/models/NAME:METHOD   Gemini (gemini_calls.hpp)
//   GET  /v1/models, /v1beta/models  the names that may be asked for
//
// 1. Errors have the shape of the format that was spoken, at every stage.
// 2. A stream's status is sent with its first token: what fails before is a plain error answer.
// 3. A client that leaves ends its call at once; one that others follow goes on for them.
// 4. A request with `X-Redoubt-Cache: use` may be answered with another's answer to an equal one of
//    the same tenant; the same header of the answer says whether it was: hit, join or miss.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/services/models/embeddings.hpp"
#include "relay/services/models/exchange.hpp"
#include "relay/services/models/gemini_calls.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

class Models {
 public:
  /// All outlive this.
  Models(upstream::Gateway& gateway, Embeddings& embeddings, net::ComputePool& pool,
         std::size_t body_bytes_max)
      : gateway_(gateway), embeddings_(embeddings), pool_(pool), body_bytes_max_(body_bytes_max) {}
  std::vector<contract::Route> routes();
  /// Of what is not a route under the versions that SDKs put before their paths.
  static std::vector<contract::Prefix> prefixes();

 private:
  std::vector<contract::Route> named_routes();
  /// `addressed`: what the address says, where the body does not.
  net::Task<http::Response> call(http::Request& request, ModelsFace face,
                                 std::optional<GeminiCall> addressed = std::nullopt);
  /// A call, or where there are prompts one after another for each of them.
  Result<std::shared_ptr<upstream::GatewayCall>> start(
      const net::Executor& shard, upstream::Order order, std::vector<std::string> prompts,
      upstream::Delivery delivery, std::shared_ptr<upstream::CallClient> client);
  net::Task<http::Response> call_gemini(http::Request& request);
  net::Task<http::Response> count_tokens(http::Request& request, llm::WireFormat format);
  http::Response list(const http::Request& request) const;
  http::Response one(const http::Request& request) const;

  upstream::Gateway& gateway_;
  Embeddings& embeddings_;
  net::ComputePool& pool_;
  std::size_t body_bytes_max_;
};

}  // namespace redoubt::services
