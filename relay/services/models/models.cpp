#include "relay/services/models/models.hpp"
#include "relay/contract/sdk.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/context_edits.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/text_completion.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/limits/token_bound.hpp"
#include "relay/limits/utc_period.hpp"
#include "relay/net/completion.hpp"
#include "relay/net/turns.hpp"
#include "relay/services/models/model_list.hpp"
#include "relay/services/models/model_responses.hpp"
#include "relay/services/models/prompt_list.hpp"
#include "relay/services/models/waiting_client.hpp"
#include "relay/upstream/answer_decoding.hpp"
#include "relay/upstream/request_bytes.hpp"
#include "relay/upstream/request_size.hpp"
#include "relay/upstream/send_bound.hpp"

namespace redoubt::services {

namespace {

using contract::Dialect;
using contract::Operation;
using http::Method;
using llm::WireFormat;

constexpr std::size_t header_shown_max = 60;
constexpr std::size_t inline_key_bytes_max = 64 * 1024;

/// Between a call of the gateway and the connection that waits for it; lives on one shard.
class Exchange final : public WaitingClient, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(const net::Executor& shard, ModelsFace face, const llm::ChatRequest& request,
           std::int64_t created_s, bool as_list)
      : WaitingClient(shard), face_(face) {
    stream_.format = face.format;
    stream_.as_list = as_list;
    stream_.include_usage = request.stream_usage;
    stream_.stamp = llm::stamp_of(request, created_s);
  }

  void on_source(upstream::Source from) override { source = from; }
  void on_quotas(const limits::Quotas& told) override { quotas = told; }
  void on_begun(const upstream::CallSummary& s) override { summary = s; }
  void on_event(const llm::ChatEvent& event, WireFormat origin) override {
    stream_.origin = origin;
    encode(event);
    began_ = true;
    push();
  }
  void on_memory(std::shared_ptr<upstream::AnswerMemory::Hold> memory) override {
    if (!began_) memory_ = std::move(memory);
  }
  /// What was told and is not written, and what the format needs once more at the end.
  std::size_t kept_bytes() const override { return waiting_.size() + stream_.kept_bytes(); }
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, WireFormat,
                 const upstream::CallSummary& s) override {
    summary = s;
    if (!began_) whole_ = std::move(answer);
    finish();
  }
  void on_refusal(const upstream::CallRefusal& why, const upstream::CallSummary& s) override {
    summary = s;
    refusal = why;
    if (began_) {
      llm::ChatEvent failed;
      failed.kind = llm::EventKind::failed;
      failed.failure = why.failure;
      encode(failed);
      push();
    }
    finish();
  }

  void attach(http::BodyStreamPtr body) {
    body_ = std::move(body);
    body_->on_gone([self = shared_from_this()] { self->leave(); });
    push();
    if (is_over()) end_body();
  }

  bool streams() const { return began_; }
  bool as_list() const { return stream_.as_list; }
  std::size_t size() const { return upstream::answer_size(*whole_); }
  /// What counted the whole answer counts its body now.
  http::Response whole_response(std::string body) {
    whole_.reset();
    if (memory_) memory_->settle(body.capacity());
    http::Response response = http::Response::json(200, std::move(body));
    response.memory = std::exchange(memory_, nullptr);
    return response;
  }
  /// The whole answer's body. Any thread, after it was decided.
  std::string encode_whole() const {
    return face_.text_completion ? llm::encode_text_completion(*whole_, stream_.stamp)
                                 : llm::encode_answer(face_.format, *whole_, stream_.stamp);
  }

  upstream::CallSummary summary;
  std::optional<upstream::Source> source;  ///< of an answer that may be another's
  std::optional<upstream::CallRefusal> refusal;
  limits::Quotas quotas;

 private:
  void encode(const llm::ChatEvent& event) {
    if (face_.text_completion) {
      llm::encode_text_completion_event(stream_, event, waiting_);
    } else {
      llm::encode_event(stream_, event, waiting_);
    }
  }
  void push() {
    if (body_ && !waiting_.empty()) body_->write(std::exchange(waiting_, {}));
    decided.notify();
  }
  void finish() {
    if (body_) end_body();
    conclude();
  }
  void end_body() {
    if (refusal && !llm::has_error_events(stream_.format)) return body_->break_off();
    body_->end();
  }

  ModelsFace face_;
  llm::AnswerStream stream_;
  http::BodyStreamPtr body_;
  std::string waiting_;  // encoded, before the connection is attached
  // An empty one for a client that left: what is written of it, nobody reads.
  std::shared_ptr<const llm::ChatAnswer> whole_ = std::make_shared<const llm::ChatAnswer>();
  std::shared_ptr<upstream::AnswerMemory::Hold> memory_;
  bool began_ = false;
};

/// Whether another's answer will do, kept or under way. Errors: bad_header.
Result<bool> wants_shared(const http::Request& request) {
  const std::string_view asked = request.header(cache_header).value_or("off");
  if (asked == "use" || asked == "off") return asked == "use";
  return make_error("bad_header", {"The header ", cache_header, " must be use or off."},
                    {cache_header}, {"use or off"}, {asked.substr(0, header_shown_max)});
}

/// What is wrong with a body whose tokens are to be counted.
std::optional<Error> no_prompt(const Json& body, WireFormat format) {
  const bool responses = format == WireFormat::openai_responses;
  const char* name = responses ? "input" : "messages";
  const std::string_view expected = responses ? "a text or a list" : "a list";
  const Json* prompt = body.is_object() ? llm::member_of(body, name) : nullptr;
  const bool there =
      prompt != nullptr && (prompt->is_array() || (responses && prompt->is_string()));
  if (there) return std::nullopt;
  return make_error("bad_request", {name, ": expected ", expected}, {name}, {expected}, {});
}

constexpr std::string_view outside_words =
    "This prompt cannot be counted here: what lies elsewhere (a stored response, item, "
    "conversation, "
    "prompt or file, whatever has an address) or has no known length (a document, sound) is part "
    "of "
    "it.";

Result<std::int64_t> count_prompt(WireFormat format, std::string_view body) {
  const upstream::SendBound bound = upstream::send_bound(format, body);
  if (bound.refers_outside)
    return Error{.code = "not_countable", .message = std::string(outside_words)};
  return limits::input_tokens_estimate(bound.prompt);
}

/// That nothing of that name is here.
Error no_model(std::string_view name, std::string_view version) {
  return make_error("unknown_model",
                    {"There is no model ", name, " here; GET ", version, "/models lists them."},
                    {"model"}, {}, {name});
}

Json money(limits::Picodollars amount) {
  return limits::microdollars_up(amount);
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
  routes.push_back(made(Method::get, "/api/usage", Dialect::problem(), Operation::named("usage"),
                        later([this](http::Request& request) { return usage(request); })));
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
  // A target's name has a slash, which some clients escape.
  for (const char* name : {"/{model}", "/{provider}/{model}"}) {
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

/// One, or of a list of prompts one for each.
Result<std::vector<llm::ChatRequest>> read_requests(ModelsFace face, std::string_view body) {
  if (face.text_completion) return llm::decode_text_completion_requests(body);
  auto request = llm::decode_client_request(face.format, body);
  if (!request) return std::move(request.error());
  std::vector<llm::ChatRequest> one;
  one.push_back(std::move(*request));
  return one;
}

/// Of a call that was decided.
net::Task<http::Response> response_of(net::ComputePool& pool, std::string caller, WireFormat format,
                                      std::shared_ptr<Exchange> exchange) {
  http::Response response;
  if (exchange->streams()) {
    response.add("Content-Type", exchange->as_list() ? "application/json; charset=utf-8"
                                                     : "text/event-stream; charset=utf-8");
    response.add("Cache-Control", "no-cache");
    response.add(contract::unbuffered_header, "no");
    response.stream = [exchange](http::BodyStreamPtr out) { exchange->attach(std::move(out)); };
    add_summary(response, exchange->summary);
  } else if (exchange->refusal) {
    response = refusal_response(format, *exchange->refusal, exchange->summary);
  } else {
    std::string whole;
    if (exchange->size() > upstream::large_answer_bytes) {
      auto encode = [exchange] { return exchange->encode_whole(); };
      whole = *co_await pool.run_begun(caller, std::move(encode));
    } else {
      if (exchange->size() > net::Turns::short_step_bytes) {
        const net::Executor shard = co_await boost::asio::this_coro::executor;
        co_await net::Turns::of(shard).wait();
      }
      whole = exchange->encode_whole();
    }
    response = exchange->whole_response(std::move(whole));
    add_summary(response, exchange->summary);
    add_cost(response, exchange->summary);
  }
  add_quotas(response, exchange->quotas);
  if (exchange->source)
    response.add(cache_header, std::string(upstream::source_name(*exchange->source)));
  co_return response;
}

}  // namespace

Result<std::shared_ptr<upstream::GatewayCall>> Models::start(
    const net::Executor& shard, std::vector<upstream::Order> orders, upstream::Delivery delivery,
    std::shared_ptr<upstream::CallClient> client) {
  if (orders.size() == 1)
    return gateway_.start(shard, std::move(orders.front()), delivery, std::move(client));
  auto list =
      std::make_shared<PromptList>(gateway_, shard, std::move(orders), delivery, std::move(client));
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
  auto read = [face, body] { return read_requests(face, body); };
  auto decoded =
      co_await contract::read_body(pool_, contract::caller_key(request), body, std::move(read));
  if (!decoded) co_return fault_response(format, contract::overloaded());
  if (!*decoded) co_return fault_response(format, decoded->error());
  const Result<bool> shared = wants_shared(request);
  if (!shared) co_return fault_response(format, shared.error());

  std::vector<llm::ChatRequest> chats = std::move(**decoded);
  llm::ChatRequest& chat = chats.front();
  if (addressed) {
    chat.model = addressed->model;
    chat.stream = addressed->method == GeminiMethod::stream;
  }
  if (format == WireFormat::anthropic)
    chat.betas = llm::read_betas(request.header_or("anthropic-beta", ""));
  std::optional<upstream::CacheKey> key;
  if (*shared && body.size() > inline_key_bytes_max) key = co_await key_of(pool_, request, chat);
  // What was made of it is counted anew, for as long as another attempt may need it.
  // Of a list the next ones wait: they count as the body does.
  if (request.drop_body && chats.size() == 1) request.drop_body();
  const bool stream = chat.stream;
  const bool as_list = addressed && addressed->as_list;
  auto exchange =
      std::make_shared<Exchange>(shard, face, chat, request.context.now.wall_ms / 1000, as_list);
  request.client_gone = [exchange] { exchange->leave(); };
  std::vector<upstream::Order> orders;
  for (llm::ChatRequest& each : chats)
    orders.push_back(order_of(request, std::move(each)));
  // Of a list each prompt has an answer of its own.
  orders.front().shared = *shared && orders.size() == 1;
  orders.front().answer_key = key;
  auto started = start(shard, std::move(orders),
                       stream ? upstream::Delivery::stream : upstream::Delivery::whole, exchange);
  if (!started) co_return fault_response(format, started.error());
  exchange->hold(std::move(*started));
  co_await exchange->decided.wait();

  co_return co_await response_of(pool_, contract::caller_key(request), format, std::move(exchange));
}

namespace {

// Of the request as it would go to Gemini.
Result<std::int64_t> count_gemini_tokens(std::string_view body) {
  if (auto parsed = llm::parse_client_body(body); !parsed) return std::move(parsed.error());
  const auto request = llm::decode_client_request(WireFormat::gemini, gemini_content(body));
  if (!request) return request.error();
  const auto wire =
      llm::encode_request(*request, {.dialect = llm::find_dialect("gemini"), .model = "gemini"});
  if (!wire) return wire.error();
  return count_prompt(WireFormat::gemini, wire->body);
}

struct Counted {
  std::int64_t tokens = 0;
  std::optional<std::int64_t> before_edits;  ///< where a context_management edits the prompt
};

Result<Counted> count_edited(WireFormat format, std::string_view body, const Json& json) {
  const Result<std::int64_t> all = count_prompt(format, body);
  if (!all) return all.error();
  Counted counted{.tokens = *all, .before_edits = {}};
  if (format != WireFormat::anthropic || llm::member_of(json, "context_management") == nullptr)
    return counted;
  counted.before_edits = *all;
  const auto tokens = [format](std::string_view text) {
    return limits::input_tokens_estimate(upstream::send_bound(format, text).prompt);
  };
  const std::string edited = llm::edited_context(body, tokens);
  if (!edited.empty()) counted.tokens = tokens(edited);
  return counted;
}

}  // namespace

net::Task<http::Response> Models::count_tokens(http::Request& request, WireFormat format) {
  contract::UnpackedBody unpacked;
  const Result<void> plain = co_await unpacked.unpack(pool_, request, body_bytes_max_);
  if (!plain) co_return fault_response(format, plain.error());
  const std::string_view body = request.body;
  auto read = [this, body, format]() -> Result<Counted> {
    if (format == WireFormat::gemini) {
      const auto tokens = count_gemini_tokens(body);
      if (!tokens) return tokens.error();
      return Counted{.tokens = *tokens, .before_edits = {}};
    }
    auto parsed = llm::parse_client_body(body);
    if (!parsed) return parsed.error();
    if (auto fault = no_prompt(*parsed, format)) return std::move(*fault);
    const Json* model = llm::member_of(*parsed, "model");
    if (model != nullptr && model->is_string()) {
      const auto& name = model->get_ref<const std::string&>();
      if (!gateway_.knows(name)) return no_model(name, "/v1");
    }
    return count_edited(format, body, *parsed);
  };
  auto counted =
      co_await contract::read_body(pool_, contract::caller_key(request), body, std::move(read));
  if (!counted) co_return fault_response(format, contract::overloaded());
  if (!*counted) co_return fault_response(format, counted->error());
  const char* name = format == WireFormat::gemini ? "totalTokens" : "input_tokens";
  Json told{{name, (*counted)->tokens}};
  if (const auto before = (*counted)->before_edits)
    told["context_management"] = {{"original_input_tokens", *before}};
  if (format == WireFormat::openai_responses) told["object"] = "response.input_tokens";
  co_return http::Response::json(200, told.dump());
}

http::Response Models::list(const http::Request& request) const {
  const auto page = models_page(gateway_.models(), request);
  if (!page) return fault_response(contract::format_of_sdk(request), page.error());
  return http::Response::json(200, page->dump());
}

http::Response Models::one(const http::Request& request) const {
  const std::string name = model_in_path(request);
  for (const upstream::KnownModel& model : gateway_.models())
    if (model.name == name) return http::Response::json(200, told_model(model).dump());
  const std::string_view version = request.path.starts_with("/v1beta/") ? "/v1beta" : "/v1";
  return fault_response(contract::format_of_sdk(request), no_model(name, version));
}

net::Task<http::Response> Models::usage(http::Request& request) {
  const contract::Caller* caller = contract::caller_of(request);
  const upstream::Order nothing = order_of(caller, {}, {});
  const auth::Identity& identity = nothing.identity;
  const std::int64_t now_s = request.context.now.wall_ms / 1'000;
  const std::int32_t month = limits::period_of(limits::Period::month, now_s);
  const std::int64_t from_s = limits::period_start_s(limits::Period::month, month);
  const auto failed = [&](const Error& fault) {
    const Error error = contract::caller_error(log_, contract::request_id_of(request), fault);
    return contract::error_response(request,
                                    {.status = 503, .code = error.code, .message = error.message});
  };
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  const auto used = std::make_shared<net::Completion<Result<std::vector<limits::UsageRow>>>>(shard);
  ledger_.usage(identity, from_s * 1'000, used->callback());
  const auto rows = co_await used->wait();
  if (!rows) co_return failed(rows.error());
  const std::string purse = limits::budget_subject(limits::Scope::player, identity.key());
  const auto budgets = std::make_shared<net::Completion<Result<limits::Drawn>>>(shard);
  ledger_.drawn(purse, now_s, budgets->callback());
  const auto drawn = co_await budgets->wait();
  if (!drawn) co_return failed(drawn.error());
  const upstream::Gateway::Spent spent =
      gateway_.spent(identity, nothing.own_limits, *drawn, now_s);
  const std::int32_t day = limits::period_of(limits::Period::day, now_s);
  Json models = Json::array();
  for (const limits::UsageRow& row : *rows) {
    models.push_back({{"model", row.target},
                      {"calls", row.calls},
                      {"input_tokens", row.input_tokens},
                      {"output_tokens", row.output_tokens},
                      {"cost_microusd", money(row.cost)}});
  }
  Json body{{"tenant", identity.tenant},
            {"who", identity.subject},
            {"day", {{"name", limits::period_name(limits::Period::day, day)}}},
            {"month",
             {{"name", limits::period_name(limits::Period::month, month)},
              {"models", std::move(models)}}}};
  if (spent.day) body["day"]["engaged_microusd"] = money(*spent.day);
  if (spent.month) body["month"]["engaged_microusd"] = money(*spent.month);
  co_return http::Response::json(200, body.dump());
}

}  // namespace redoubt::services
