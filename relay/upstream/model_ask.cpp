#include "relay/upstream/model_ask.hpp"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/encode.hpp"
#include "relay/net/http_client.hpp"
#include "relay/upstream/answer_redaction.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/provider_address.hpp"
#include "relay/upstream/redaction.hpp"

namespace redoubt::upstream {
namespace {

// Takes what OpenAI's chat format has in common everywhere, a relay among it.
constexpr std::string_view dialect_name = "vllm";

class Answer final : public net::CallSink {
 public:
  Answer(llm::WireRequest& wire, const auth::Secret& token)
      : decoder_(*llm::find_dialect(dialect_name)), redaction_(token.text()) {
    decoder_.rename(std::move(wire.tool_names));
  }

  void on_head(const http::ResponseHead& head) override {
    std::vector<llm::Header> headers;
    for (const http::HeaderView& header : head.headers)
      headers.push_back({std::string(header.name), std::string(header.value)});
    decoder_.head(head.status, std::move(headers), wall_ms());
  }
  void on_body(std::string_view bytes) override {
    llm::ChatEvents said;
    decoder_.feed(bytes, said);
    take(std::move(said));
  }
  void on_end() override {
    llm::ChatEvents said;
    decoder_.end(said);
    take(std::move(said));
    over = true;
  }
  void on_failure(const net::CallFailure& failure) override {
    fault = failure.message;
    over = true;
  }

  llm::ChatAnswer answer;
  std::string fault;
  bool over = false;

 private:
  // Folded as they come: heartbeats without an end leave nothing behind.
  void take(llm::ChatEvents said) {
    llm::ChatEvents passed;
    for (llm::ChatEvent& event : said)
      redaction_.pass(std::move(event), passed);
    for (const llm::ChatEvent& event : passed)
      llm::fold(answer, event, decoder_.format());
  }

  llm::Decoder decoder_;
  AnswerRedaction redaction_;
};

net::OutgoingRequest outgoing(net::DestinationPtr to, const std::string& path,
                              const llm::WireRequest& wire, const auth::Secret& token) {
  net::OutgoingRequest request;
  request.destination = std::move(to);
  request.target = path + "/chat/completions";
  for (const llm::Header& header : wire.headers)
    request.headers.push_back({header.name, header.value});
  if (!token.empty())
    request.headers.push_back({"Authorization", "Bearer " + std::string(token.text())});
  request.body = std::make_shared<const std::string>(wire.body);
  request.timeouts.first_byte_ms = model_ask_ms_max;
  request.timeouts.idle_ms = model_ask_ms_max;
  request.timeouts.total_ms = model_ask_ms_max;
  return request;
}

}  // namespace

Result<llm::ChatAnswer> ask_model(const ModelServer& server, const llm::ChatRequest& request) {
  const auto url = net::parse_url(server.base_url);
  if (!url) return url.error();
  auto to = destination_of({.base_url = server.base_url, .authorities_file = {}, .proxy = {}});
  if (!to) return to.error();
  const std::string path = url->path.empty() ? "/v1" : url->path;
  const llm::Target target{.dialect = llm::find_dialect(dialect_name),
                           .base_url = server.base_url,
                           .model = request.model};
  auto wire = llm::encode_request(request, target);
  if (!wire) return wire.error();

  boost::asio::io_context shard{1};
  const auto answer = std::make_shared<Answer>(*wire, server.token);
  const auto call = net::HttpClient::of(shard.get_executor())
                        .start(outgoing(std::move(*to), path, *wire, server.token), answer);
  while (!answer->over && shard.run_one() > 0) {
  }
  if (!answer->fault.empty())
    return make_error("unreachable", {server.base_url, ": ", answer->fault}, {}, {}, {});
  llm::ChatAnswer said = std::move(answer->answer);
  if (said.failure && !server.token.empty()) {
    const std::string_view token = server.token.text();
    said.failure->message = redacted(said.failure->message, {&token, 1});
  }
  return said;
}

}  // namespace redoubt::upstream
