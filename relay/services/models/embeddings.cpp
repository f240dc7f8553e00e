#include "relay/services/models/embeddings.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/llm/embeddings.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/gate.hpp"
#include "relay/limits/token_bound.hpp"
#include "relay/services/models/answer_stamp.hpp"
#include "relay/services/models/model_responses.hpp"
#include "relay/services/models/waiting_client.hpp"
#include "relay/upstream/answer_decoding.hpp"
#include "relay/upstream/request_size.hpp"

namespace redoubt::services {

namespace {

using llm::WireFormat;

std::int64_t tokens_estimate(const llm::EmbeddingRequest& request) {
  limits::PromptSize size;
  std::int64_t tokens = 0;
  for (const std::string& input : request.inputs) {
    if (request.by_tokens) {
      tokens += 1 + std::count(input.begin(), input.end(), ',');
    } else {
      size.add_text(input);
    }
  }
  return request.by_tokens ? tokens : limits::input_tokens_estimate(size);
}

/// Between a call of the gateway and the connection that waits for it; lives on one shard.
class Exchange final : public WaitingClient {
 public:
  Exchange(const net::Executor& shard, std::shared_ptr<const llm::EmbeddingRequest> request,
           const std::optional<GeminiCall>& addressed)
      : WaitingClient(shard), request_(std::move(request)) {
    if (addressed) gemini_ = addressed->method;
  }

  void on_quotas(const limits::Quotas& current) override { quotas = current; }
  void on_event(const llm::ChatEvent&, WireFormat) override {}
  bool accepts(const llm::ChatAnswer& answer) override {
    const auto is_vector = [](const llm::ChatPart& part) {
      return part.kind == llm::PartKind::opaque;
    };
    const auto vectors = std::count_if(answer.parts.begin(), answer.parts.end(), is_vector);
    return static_cast<std::size_t>(vectors) == request_->inputs.size();
  }
  void on_memory(std::shared_ptr<upstream::AnswerMemory::Hold> memory) override {
    memory_ = std::move(memory);
  }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, WireFormat,
                 const upstream::CallSummary& s) override {
    answer_ = std::move(answer);
    finish(s);
  }
  void on_refusal(const upstream::CallRefusal& why, const upstream::CallSummary& s) override {
    refusal = why;
    finish(s);
  }

  bool is_large() const { return upstream::answer_size(*answer_) > upstream::large_answer_bytes; }
  /// The answer's body. Any thread, after it was decided.
  std::string encode() const {
    if (gemini_)
      return llm::encode_gemini_embeddings(*answer_, *gemini_ == GeminiMethod::embed_batch,
                                           tokens_estimate(*request_));
    return llm::encode_embeddings(*answer_, embeddings_stamp(request_->model), request_->as_base64,
                                  tokens_estimate(*request_));
  }

  /// What counted the answer counts its body now.
  http::Response response(std::string body) {
    answer_.reset();
    if (memory_) memory_->settle(body.capacity());
    http::Response response = http::Response::json(200, std::move(body));
    response.memory = std::exchange(memory_, nullptr);
    return response;
  }

  upstream::CallSummary summary;
  std::optional<upstream::CallRefusal> refusal;
  limits::Quotas quotas;

 private:
  void finish(const upstream::CallSummary& at_end) {
    summary = at_end;
    conclude();
  }

  std::shared_ptr<const llm::EmbeddingRequest> request_;
  std::optional<GeminiMethod> gemini_;  // of a client of Google's
  // An empty one for a client that left: what is written of it, nobody reads.
  std::shared_ptr<const llm::ChatAnswer> answer_ = std::make_shared<const llm::ChatAnswer>();
  std::shared_ptr<upstream::AnswerMemory::Hold> memory_;
};

}  // namespace

std::vector<contract::Route> Embeddings::routes() {
  return {
      {.method = http::Method::post,
       .pattern = "/v1/embeddings",
       .access = contract::Access::scoped(auth::Scope::models),
       .dialect = contract::Dialect::openai(),
       .operation = contract::Operation::named("createEmbedding"),
       .handler = http::AsyncHandler([this](http::Request& request) { return embed(request); }),
       .options = {.body_bytes_max = body_bytes_max_, .watch_client = true, .packed_body = true}}};
}

net::Task<http::Response> Embeddings::embed(http::Request& request,
                                            std::optional<GeminiCall> addressed) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  const WireFormat format = addressed ? WireFormat::gemini : WireFormat::openai_chat;
  const bool as_batch = addressed && addressed->method == GeminiMethod::embed_batch;
  contract::UnpackedBody unpacked;
  const Result<void> plain = co_await unpacked.unpack(pool_, request, body_bytes_max_);
  if (!plain) co_return fault_response(format, plain.error());
  const std::string_view body = request.body;
  auto read = [body, as_batch, gemini = addressed.has_value()] {
    return gemini ? llm::decode_gemini_embedding_request(body, as_batch)
                  : llm::decode_embedding_request(body);
  };
  auto decoded =
      co_await contract::read_body(pool_, contract::caller_key(request), body, std::move(read));
  if (!decoded) co_return fault_response(format, contract::overloaded());
  if (!*decoded) co_return fault_response(format, decoded->error());
  // What was made of it is counted anew, for as long as another attempt may need it.
  if (request.drop_body) request.drop_body();

  upstream::Order order = order_of(request, {});
  order.embedding = std::make_shared<llm::EmbeddingRequest>(std::move(**decoded));
  if (addressed) order.embedding->model = addressed->model;
  order.request.model = order.embedding->model;
  auto exchange = std::make_shared<Exchange>(shard, order.embedding, addressed);
  request.client_gone = [exchange] { exchange->leave(); };
  auto started = gateway_.start(shard, std::move(order), upstream::Delivery::whole, exchange);
  if (!started) co_return fault_response(format, started.error());
  exchange->hold(std::move(*started));
  co_await exchange->decided.wait();

  http::Response response;
  if (exchange->refusal) {
    response = refusal_response(format, *exchange->refusal, exchange->summary);
  } else {
    std::string whole;
    if (exchange->is_large()) {
      auto encode = [exchange] { return exchange->encode(); };
      whole = *co_await pool_.run_begun(contract::caller_key(request), std::move(encode));
    } else {
      whole = exchange->encode();
    }
    response = exchange->response(std::move(whole));
    add_summary(response, exchange->summary);
    add_cost(response, exchange->summary);
  }
  add_quotas(response, exchange->quotas);
  co_return response;
}

}  // namespace redoubt::services
