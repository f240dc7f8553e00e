#include "relay/services/models/models.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/text_completion.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/contract/sdk.hpp"
#include "relay/services/models/model_list.hpp"
#include "relay/services/models/model_responses.hpp"
#include "relay/services/models/prompt_list.hpp"
#include "relay/services/models/prompt_tokens.hpp"
#include "relay/upstream/request_bytes.hpp"
#include "relay/upstream/request_size.hpp"

namespace redoubt::services {

namespace {

using contract::Dialect;
using contract::Operation;
using http::Method;
using llm::WireFormat;

constexpr std::size_t header_shown_max = 60;
constexpr std::size_t inline_key_bytes_max = 64 * 1024;

/// Whether another's answer will do, kept or under way. Errors: bad_header.
Result<bool> wants_shared(const http::Request& request) {
  const std::string_view asked = request.header(cache_header).value_or("off");
  if (asked == "use" || asked == "off") return asked == "use";
  return make_error("bad_header", {"The header ", cache_header, " must be use or off."},
                    {cache_header}, {"use or off"}, {asked.substr(0, header_shown_max)});
}

/// That nothing of that name is here.
Error no_model(std::string_view name, std::string_view version) {
  return make_error("unknown_model",
                    {"There is no model ", name, " here; GET ", version, "/models lists them."},
                    {"model"}, {}, {name});
}

Dialect dialect_for(WireFormat format) {
  switch (format) {
    case WireFormat::anthropic:
      return Dialect::anthropic();
    case WireFormat::gemini:
      return Dialect::gemini();
    default:
      return Dialect::openai();
  }
}

contract::Route made(Method method, std::string pattern, Dialect dialect, Operation operation,
                     contract::RouteHandler handler, http::RouteOptions options = {}) {
  return {.method = method,
          .pattern = std::move(pattern),
          .access = contract::Access::scoped(auth::Scope::models),
          .dialect = dialect,
          .operation = std::move(operation),
          .handler = std::move(handler),
          .options = options};
}

}  // namespace

std::vector<contract::Prefix> Models::prefixes() {
  // The last one: of clients whose base address has the version that they add once more.
  return {{"/v1/", Dialect::openai()},
          {"/v1/messages", Dialect::anthropic()},
          {"/v1beta/", Dialect::gemini()},
          {"/v1/v1/messages", Dialect::anthropic()}};
}

std::vector<contract::Route> Models::routes() {
  const auto later = [](auto handler) { return http::AsyncHandler(std::move(handler)); };
  std::vector<contract::Route> routes = named_routes();
  struct Face {
    const char* path;
    const char* operation;
    ModelsFace face;
  };
  constexpr std::array<Face, 4> faces{
      {{"/v1/chat/completions", "createChatCompletion", {WireFormat::openai_chat}},
       {"/v1/completions", "createCompletion", {WireFormat::openai_chat, true}},
       {"/v1/responses", "createResponse", {WireFormat::openai_responses}},
       {"/v1/messages", "createMessage", {WireFormat::anthropic}}}};
  for (const Face& row : faces) {
    routes.push_back(
        made(Method::post, row.path, dialect_for(row.face.format), Operation::named(row.operation),
             later([this, face = row.face](http::Request& request) { return call(request, face); }),
             {.body_bytes_max = body_bytes_max_, .watch_client = true, .packed_body = true}));
  }
  struct Counter {
    const char* path;
    const char* operation;
    WireFormat format;
  };
  constexpr std::array<Counter, 2> counters{
      {{"/v1/messages/count_tokens", "countMessageTokens", WireFormat::anthropic},
       {"/v1/responses/input_tokens", "countResponseTokens", WireFormat::openai_responses}}};
  for (const Counter& row : counters) {
    routes.push_back(made(Method::post, row.path, dialect_for(row.format),
                          Operation::named(row.operation),
                          later([this, format = row.format](http::Request& request) {
                            return count_tokens(request, format);
                          }),
                          {.body_bytes_max = body_bytes_max_, .packed_body = true}));
  }
  return routes;
}

// What has a model's name in its path.
std::vector<contract::Route> Models::named_routes() {
  std::vector<contract::Route> routes;
  const http::Handler list_all = [this](http::Request& request) { return list(request); };
  const http::Handler list_one = [this](http::Request& request) { return one(request); };
  const http::AsyncHandler post = [this](http::Request& request) { return call_gemini(request); };
  const http::RouteOptions options{
      .body_bytes_max = body_bytes_max_, .watch_client = true, .packed_body = true};
  routes.push_back(
      made(Method::get, "/v1/models", Dialect::of_sdk(), Operation::named("listModels"), list_all));
  routes.push_back(made(Method::get, "/v1beta/models", Dialect::gemini(),
                        Operation::named("listGeminiModels"), list_all));
  const auto as = [](bool first, const char* id) {
    return first ? Operation::named(id) : Operation::also(id);
  };
  // A target's name has a slash, a router's two, which some clients escape.
  for (const char* name : {"/{model}", "/{provider}/{model}", "/{provider}/{maker}/{model}"}) {
    const bool first = name == std::string_view("/{model}");
    const std::string openai = joined({"/v1/models", name});
    const std::string gemini = joined({"/v1beta/models", name});
    routes.push_back(made(Method::get, openai, Dialect::of_sdk(), as(first, "getModel"), list_one));
    routes.push_back(
        made(Method::get, gemini, Dialect::gemini(), as(first, "getGeminiModel"), list_one));
    // Under /v1, too, only Google's clients post to a model.
    routes.push_back(made(Method::post, openai, Dialect::gemini(),
                          Operation::also("generateContent"), post, options));
    routes.push_back(
        made(Method::post, gemini, Dialect::gemini(), as(first, "generateContent"), post, options));
  }
  return routes;
}

net::Task<http::Response> Models::call_gemini(http::Request& request) {
  Result<GeminiCall> addressed = read_gemini_call(request);
  if (!addressed) co_return fault_response(WireFormat::gemini, addressed.error());
  if (addressed->method == GeminiMethod::count_tokens) {
    if (!gateway_.knows(addressed->model))
      co_return fault_response(WireFormat::gemini, no_model(addressed->model, "/v1beta"));
    co_return co_await count_tokens(request, WireFormat::gemini);
  }
  if (addressed->method == GeminiMethod::embed || addressed->method == GeminiMethod::embed_batch)
    co_return co_await embeddings_.embed(request, std::move(*addressed));
  const ModelsFace face{WireFormat::gemini};
  co_return co_await call(request, face, std::move(*addressed));
}

namespace {

/// In the pool; nothing where that is busy: then it is the shard's work after all.
net::Task<std::optional<upstream::CacheKey>> key_of(net::ComputePool& pool,
                                                    const http::Request& request,
                                                    const llm::ChatRequest& chat) {
  const std::string tenant = order_of(contract::caller_of(request), {}, {}).identity.tenant;
  auto work = [&tenant, &chat] { return upstream::answer_key(tenant, chat); };
  co_return co_await pool.run(contract::caller_key(request), std::move(work));
}

/// What is asked; with prompts only where these are several, which each are asked in a copy of it.
Result<llm::TextCompletionRequest> read_request(ModelsFace face, std::string_view body) {
  if (!face.text_completion) {
    auto chat = llm::decode_client_request(face.format, body);
    if (!chat) return std::move(chat.error());
    return llm::TextCompletionRequest{std::move(*chat), {}};
  }
  auto completion = llm::decode_text_completion_request(body);
  if (!completion || completion->prompts.size() > 1) return completion;
  llm::put_prompt(completion->common, std::move(completion->prompts.front()));
  completion->prompts.clear();
  return completion;
}

}  // namespace

Result<std::shared_ptr<upstream::GatewayCall>> Models::start(
    const net::Executor& shard, upstream::Order order, std::vector<std::string> prompts,
    upstream::Delivery delivery, std::shared_ptr<upstream::CallClient> client) {
  if (prompts.empty()) return gateway_.start(shard, std::move(order), delivery, std::move(client));
  auto list = std::make_shared<PromptList>(gateway_, shard, std::move(order), std::move(prompts),
                                           delivery, std::move(client));
  const Result<void> started = list->start();
  if (!started) return started.error();
  return std::shared_ptr<upstream::GatewayCall>(std::move(list));
}

net::Task<http::Response> Models::call(http::Request& request, ModelsFace face,
                                       std::optional<GeminiCall> addressed) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  const WireFormat format = face.format;
  contract::UnpackedBody unpacked;
  const Result<void> plain = co_await unpacked.unpack(pool_, request, body_bytes_max_);
  if (!plain) co_return fault_response(format, plain.error());
  const std::string_view body = request.body;
  auto read = [face, body] { return read_request(face, body); };
  auto decoded =
      co_await contract::read_body(pool_, contract::caller_key(request), body, std::move(read));
  if (!decoded) co_return fault_response(format, contract::overloaded());
  if (!*decoded) co_return fault_response(format, decoded->error());
  const Result<bool> shared = wants_shared(request);
  if (!shared) co_return fault_response(format, shared.error());

  llm::ChatRequest chat = std::move((*decoded)->common);
  std::vector<std::string> prompts = std::move((*decoded)->prompts);
  if (addressed) {
    chat.model = addressed->model;
    chat.stream = addressed->method == GeminiMethod::stream;
  }
  if (format == WireFormat::anthropic)
    chat.betas = llm::read_betas(request.header_or("anthropic-beta", ""));
  std::optional<upstream::CacheKey> key;
  const bool is_shared = *shared && prompts.empty();  // of a list each has an answer of its own
  if (is_shared && body.size() > inline_key_bytes_max) key = co_await key_of(pool_, request, chat);
  // What was made of it is counted anew, for as long as another attempt may need it.
  if (request.drop_body) request.drop_body();
  const bool stream = chat.stream;
  const bool as_list = addressed && addressed->as_list;
  auto exchange =
      std::make_shared<Exchange>(shard, face, chat, request.context.now.wall_ms / 1000, as_list);
  request.client_gone = [exchange] { exchange->leave(); };
  upstream::Order order = order_of(request, std::move(chat));
  order.shared = is_shared;
  order.answer_key = key;
  auto started = start(shard, std::move(order), std::move(prompts),
                       stream ? upstream::Delivery::stream : upstream::Delivery::whole, exchange);
  if (!started) co_return fault_response(format, started.error());
  exchange->hold(std::move(*started));
  co_await exchange->decided.wait();

  co_return co_await answer_of(pool_, contract::caller_key(request), std::move(exchange));
}

net::Task<http::Response> Models::count_tokens(http::Request& request, WireFormat format) {
  contract::UnpackedBody unpacked;
  const Result<void> plain = co_await unpacked.unpack(pool_, request, body_bytes_max_);
  if (!plain) co_return fault_response(format, plain.error());
  const std::string_view body = request.body;
  auto read = [this, body, format]() -> Result<PromptTokens> {
    auto counted = count_prompt_tokens(format, body);
    if (counted && !counted->model.empty() && !gateway_.knows(counted->model))
      return no_model(counted->model, "/v1");
    return counted;
  };
  auto counted =
      co_await contract::read_body(pool_, contract::caller_key(request), body, std::move(read));
  if (!counted) co_return fault_response(format, contract::overloaded());
  if (!*counted) co_return fault_response(format, counted->error());
  const char* name = format == WireFormat::gemini ? "totalTokens" : "input_tokens";
  Json count_body{{name, (*counted)->tokens}};
  if (const auto before = (*counted)->before_edits)
    count_body["context_management"] = {{"original_input_tokens", *before}};
  if (format == WireFormat::openai_responses) count_body["object"] = "response.input_tokens";
  co_return http::Response::json(200, count_body.dump());
}

http::Response Models::list(const http::Request& request) const {
  const auto page = models_page(gateway_.models(), request);
  if (!page) return fault_response(contract::format_of_sdk(request), page.error());
  return http::Response::json(200, page->dump());
}

http::Response Models::one(const http::Request& request) const {
  const std::string name = model_in_path(request);
  for (const upstream::KnownModel& model : gateway_.models())
    if (model.name == name) return http::Response::json(200, model_json(model).dump());
  const std::string_view version = request.path.starts_with("/v1beta/") ? "/v1beta" : "/v1";
  return fault_response(contract::format_of_sdk(request), no_model(name, version));
}

}  // namespace redoubt::services
