#include "relay/services/runs/model_step.hpp"

#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/schema/lenient.hpp"
#include "relay/services/runs/run_service.hpp"

namespace redoubt::runs {
namespace {

/// More than any model gives.
constexpr std::int64_t answer_tokens_max = 10'000'000;

std::string text_of(const Json& content) {
  return content.is_string() ? content.get<std::string>() : canonical(content);
}

llm::Role role_of(const std::string& name) {
  if (name == "system") return llm::Role::system;
  if (name == "developer") return llm::Role::developer;
  if (name == "assistant") return llm::Role::assistant;
  if (name == "tool") return llm::Role::tool;
  return llm::Role::user;
}

std::string answer_value(const llm::ChatAnswer& answer, const upstream::CallSummary& summary,
                         upstream::Source source) {
  Json value = answer_of(answer);
  value["model"] = summary.target;
  value["usage"] = {{"input_tokens", summary.usage.input},
                    {"output_tokens", summary.usage.output},
                    {"cost_microusd", limits::microdollars_up(summary.cost)}};
  if (source != upstream::Source::call) value["cache"] = upstream::source_name(source);
  return canonical(value);
}

}  // namespace

Json answer_of(const llm::ChatAnswer& answer) {
  const std::string text = llm::answer_text(answer);
  Json value = {{"text", text}};
  if (auto json = json_in(text)) value["json"] = std::move(*json);
  Json calls = Json::array();
  for (const llm::ChatPart& part : answer.parts)
    if (part.kind == llm::PartKind::tool_call)
      calls.push_back({{"id", part.id}, {"name", part.name}, {"arguments", part.arguments}});
  if (!calls.empty()) value["tool_calls"] = std::move(calls);
  return value;
}

std::string model_name_of(const std::string& request) {
  const auto json = workflow::read_payload(request);
  if (!json || !json->is_object()) return {};
  const auto settings = json->find("settings");
  if (settings == json->end() || !settings->is_object()) return {};
  const auto name = settings->find("model_name");
  return name != settings->end() && name->is_string() ? name->get<std::string>() : std::string();
}

std::optional<Json> json_in(const std::string& text) {
  std::uint32_t repairs = 0;
  auto json = schema::read_lenient(text, repairs);
  if (!json) return std::nullopt;
  return std::move(*json);
}

namespace {

std::string member_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// {role, content}, with the calls of an agent's model and the results of its tools.
llm::ChatMessage message_of(const Json& message) {
  const llm::Role role = role_of(member_text(message, "role"));
  const std::string content = text_of(message["content"]);
  if (role == llm::Role::tool) {
    llm::ChatPart result{.kind = llm::PartKind::tool_result,
                         .text = content,
                         .id = member_text(message, "tool_call_id"),
                         .name = member_text(message, "name"),
                         .is_error = message.value("is_error", Json(false)) == Json(true)};
    return {.role = role, .parts = {std::move(result)}};
  }
  const auto calls = message.find("tool_calls");
  if (role != llm::Role::assistant || calls == message.end() || !calls->is_array())
    return llm::text_message(role, content);
  llm::ChatMessage said{.role = role};
  if (!content.empty()) said.parts.push_back({.kind = llm::PartKind::text, .text = content});
  for (const Json& call : *calls) {
    if (!call.is_object()) continue;
    const auto arguments = call.find("arguments");
    said.parts.push_back({.kind = llm::PartKind::tool_call,
                          .id = member_text(call, "id"),
                          .name = member_text(call, "name"),
                          .arguments = arguments == call.end() ? "{}" : text_of(*arguments)});
  }
  return said;
}

void read_tools(const Json& request, llm::ChatRequest& chat) {
  if (const auto tools = request.find("tools"); tools != request.end() && tools->is_array())
    for (const Json& tool : *tools) {
      if (!tool.is_object()) continue;
      const auto parameters = tool.find("parameters");
      chat.tools.push_back(
          {.name = member_text(tool, "name"),
           .description = member_text(tool, "description"),
           .parameters = parameters == tool.end() ? std::string() : canonical(*parameters)});
    }
  const std::string choice = member_text(request, "tool_choice");
  if (choice == "none") chat.tool_choice = llm::ToolChoice::none;
  if (choice == "required") chat.tool_choice = llm::ToolChoice::required;
  if (const auto parallel = request.find("parallel_tool_calls");
      parallel != request.end() && parallel->is_boolean())
    chat.parallel_tools = parallel->get<bool>();
}

}  // namespace

Result<llm::ChatRequest> chat_of(const std::string& request) {
  const auto json = workflow::read_payload(request);
  if (!json) return json.error();
  const auto messages = json->is_object() ? json->find("messages") : json->end();
  if (!json->is_object() || messages == json->end() || !messages->is_array())
    return make_error("bad_request", {"a model step needs messages"}, {"messages"}, {"a list"}, {});
  llm::ChatRequest chat;
  for (const Json& message : *messages) {
    if (!message.is_object() || !message.contains("content"))
      return make_error("bad_request", {"a message needs a role and content"}, {"messages"}, {},
                        {});
    chat.messages.push_back(message_of(message));
  }
  read_tools(*json, chat);
  if (const auto settings = json->find("settings");
      settings != json->end() && settings->is_object()) {
    const Json temperature = settings->value("temperature", Json());
    if (temperature.is_number()) chat.sampling.temperature = temperature.get<double>();
    const Json most = settings->value("max_tokens", Json());
    const double tokens = most.is_number_integer() ? most.get<double>() : 0;
    if (!most.is_null() && (tokens < 1 || tokens > answer_tokens_max))
      return make_error("bad_request",
                        {"settings.max_tokens: expected a whole number from 1 to ",
                         answer_tokens_max, ", got ", describe(most)},
                        {"settings.max_tokens"}, {"1 to ", answer_tokens_max}, {describe(most)});
    if (!most.is_null()) chat.output_tokens_max = most.get<std::int64_t>();
  }
  if (const auto output = json->find("output"); output != json->end()) {
    chat.output.kind = llm::OutputKind::json_schema;
    chat.output.name = "answer";
    chat.output.schema = canonical(*output);
  }
  return chat;
}

namespace {

/// Would the same question be answered now, perhaps? Not where the answer was malformed: it may be
/// longer than what is read of one, and the next one would be as long.
bool is_passing(const upstream::CallRefusal& refusal) {
  if (refusal.by_limit || refusal.status == 402) return false;
  switch (refusal.failure.failure_class) {
    case llm::FailureClass::cut:
    case llm::FailureClass::overloaded:
    case llm::FailureClass::server_error:
    case llm::FailureClass::timeout:
      return refusal.reason != upstream::Reason::deadline;
    default:
      return false;
  }
}

class Asked final : public upstream::CallClient,
                    public ModelStep,
                    public std::enable_shared_from_this<Asked> {
 public:
  Asked(upstream::Gateway& gateway, net::Executor executor, ModelStepOrder order,
        std::unique_ptr<StepWatcher> watcher, StepCallback callback)
      : gateway_(gateway),
        executor_(std::move(executor)),
        order_(std::move(order)),
        watcher_(std::move(watcher)),
        callback_(std::move(callback)) {}

  /// Errors: as begin_model_step.
  Result<void> ask() {
    auto order = make_order();
    if (!order) return order.error();
    answer_ = {};
    auto started = gateway_.start(executor_, std::move(*order), upstream::Delivery::stream,
                                  shared_from_this());
    if (!started) return started.error();
    // It may have been answered meanwhile.
    if (callback_) call_ = std::move(*started);
    return {};
  }

  void on_source(upstream::Source source) override { source_ = source; }
  void on_event(const llm::ChatEvent& event, llm::WireFormat origin) override {
    if (!callback_) return;
    llm::fold(answer_, event, origin);
    if (event.kind != llm::EventKind::text || event.answer != 0 || event.text.empty()) return;
    shown_ = true;
    if (watcher_) watcher_->on_text(event.text);
  }
  std::size_t kept_bytes() const override { return answer_.kept_bytes; }
  void on_answer(std::shared_ptr<const llm::ChatAnswer>, llm::WireFormat,
                 const upstream::CallSummary& summary) override {
    complete(false, answer_value(answer_, summary, source_));
  }
  void on_refusal(const upstream::CallRefusal& refusal, const upstream::CallSummary&) override {
    if (!callback_) return;
    if (std::exchange(shown_, false)) {
      if (watcher_) watcher_->on_broken(refusal.failure.message);
      call_.reset();
      if (restarts_ < restarts_max && is_passing(refusal)) {
        ++restarts_;
        if (ask()) return;
      }
    }
    Json value = {{"code", llm::failure_name(refusal.failure.failure_class)},
                  {"message", refusal.failure.message}};
    if (refusal.status == 402) value["code"] = "budget_exhausted";
    if (refusal.retry_after_ms > 0) value["retry_after_ms"] = refusal.retry_after_ms;
    complete(true, canonical(value));
  }

  void leave() override {
    callback_ = nullptr;
    watcher_.reset();
    if (const auto call = std::exchange(call_, nullptr)) call->leave();
  }

 private:
  Result<upstream::Order> make_order() const {
    auto chat = chat_of(order_.effect.request);
    if (!chat) return chat.error();
    chat->model = model_name_of(order_.effect.request);
    if (!gateway_.knows(chat->model)) chat->model = model_default;
    if (!gateway_.knows(chat->model))
      return make_error("no_model",
                        {"the relay has no alias for this step, and none called ", model_default},
                        {}, {}, {});
    upstream::Order order;
    order.request = std::move(*chat);
    order.identity = order_.identity;
    order.own_limits = order_.limits;
    order.request_id = order_.request_id;
    // Another attempt wants another answer.
    order.shared = order_.effect.attempt == 1 && restarts_ == 0;
    return order;
  }
  void complete(bool failed, std::string value) {
    call_.reset();
    watcher_.reset();
    if (const StepCallback callback = std::exchange(callback_, nullptr))
      callback(failed, std::move(value));
  }

  upstream::Gateway& gateway_;
  const net::Executor executor_;
  const ModelStepOrder order_;
  std::unique_ptr<StepWatcher> watcher_;
  StepCallback callback_;
  int restarts_ = 0;
  bool shown_ = false;  ///< something of this stream
  llm::ChatAnswer answer_;
  upstream::Source source_ = upstream::Source::call;
  std::shared_ptr<upstream::GatewayCall> call_;
};

}  // namespace

Result<std::shared_ptr<ModelStep>> begin_model_step(upstream::Gateway& gateway,
                                                    const net::Executor& executor,
                                                    ModelStepOrder order,
                                                    std::unique_ptr<StepWatcher> watcher,
                                                    StepCallback callback) {
  auto asked = std::make_shared<Asked>(gateway, executor, std::move(order), std::move(watcher),
                                       std::move(callback));
  if (auto begun = asked->ask(); !begun) return begun.error();
  return std::shared_ptr<ModelStep>(asked);
}

}  // namespace redoubt::runs
