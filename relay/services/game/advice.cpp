#include "relay/services/game/advice.hpp"

#include <boost/asio/this_coro.hpp>
#include <optional>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/play/builtins.hpp"
#include "engine/schema/schema.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/services/models/waiting_client.hpp"
#include "relay/services/runs/model_step.hpp"
#include "relay/services/runs/run_service.hpp"

namespace redoubt::services {
namespace {

using workflow::Effect;
using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;
using workflow::StepKind;

/// Inputs until the workflow asks its model: a shipped one needs a built-in's answer before it.
constexpr int inputs_max = 32;
/// Turns of work that one input may take here, on a request's way: a file that wants more is for a
/// run of its own, and the engine answers.
constexpr int turns_max = 4;

/// Whether the run has done what came in.
bool worked_off(Run& run) {
  for (int turn = 1; run.busy() && turn < turns_max; ++turn)
    run.go_on();
  return !run.busy();
}

/// The run up to its model step.
struct Asking {
  Run run;
  Effect effect;
};

std::optional<Asking> asking(const workflow::DefinitionPtr& definition, std::string_view body,
                             std::int64_t now_ms) {
  auto run = Run::start(definition, body, {"advice", 0, now_ms});
  if (!run) return std::nullopt;
  for (int input = 0; input < inputs_max && worked_off(*run); ++input) {
    const workflow::Taken taken = run->take();
    if (taken.effects.empty()) return std::nullopt;
    for (const Effect& effect : taken.effects) {
      if (effect.kind == StepKind::model) return Asking{std::move(*run), effect};
      if (effect.kind != StepKind::builtin) return std::nullopt;
      const auto said = play::call(effect.target, effect.request);
      if (!said || !run->give({InputKind::completed, now_ms, effect.id, *said}))
        return std::nullopt;
    }
  }
  return std::nullopt;
}

/// What the workflow makes of a model's answer; nothing where it does not take it.
std::optional<Json> taken(const workflow::DefinitionPtr& definition, const std::string& snapshot,
                          const std::string& effect, const std::string& value,
                          std::int64_t now_ms) {
  auto run = Run::restore(definition, snapshot, {});
  if (!run || !run->give({InputKind::completed, now_ms, effect, value})) return std::nullopt;
  if (!worked_off(*run)) return std::nullopt;
  if (run->status() != RunStatus::done) return std::nullopt;
  auto outcome = parse_json(run->outcome(), {1 << 20, 64});
  if (!outcome || !outcome->is_object() || outcome->value("source", Json()) != "model")
    return std::nullopt;
  const auto answer = outcome->find("answer");
  if (answer == outcome->end() || !answer->is_object()) return std::nullopt;
  return *answer;
}

std::optional<schema::Schema> schema_of(const llm::ChatRequest& chat) {
  if (chat.output.kind != llm::OutputKind::json_schema) return std::nullopt;
  const auto document = parse_json(chat.output.schema);
  if (!document) return std::nullopt;
  auto compiled = schema::Schema::compile(*document);
  if (!compiled) return std::nullopt;
  return std::move(*compiled);
}

std::string team_of(std::string_view body) {
  const auto json = parse_json(body);
  if (!json || !json->is_object()) return {};
  const auto team = json->find("team_id");
  return team != json->end() && team->is_string() ? team->get<std::string>() : std::string();
}

/// What the workflow asks of its model, and what is needed to judge the answer.
struct Begun {
  std::string snapshot;
  std::string effect;
  llm::ChatRequest chat;
  std::optional<schema::Schema> fits;
  std::string team;
};

std::optional<Begun> begin_advice(const workflow::DefinitionPtr& definition, std::string_view body,
                                  std::int64_t now_ms) {
  const auto begun = asking(definition, body, now_ms);
  if (!begun) return std::nullopt;
  auto chat = runs::chat_of(begun->effect.request);
  if (!chat) return std::nullopt;
  auto fits = schema_of(*chat);
  return Begun{.snapshot = begun->run.snapshot(),
               .effect = begun->effect.id,
               .chat = std::move(*chat),
               .fits = std::move(fits),
               .team = team_of(body)};
}

class Exchange final : public WaitingClient {
 public:
  Exchange(const net::Executor& shard, workflow::DefinitionPtr definition, Begun begun,
           std::int64_t now_ms, std::function<void(const std::string&, const Advice&)> late)
      : WaitingClient(shard),
        late_(std::move(late)),
        definition_(std::move(definition)),
        begun_(std::move(begun)),
        now_ms_(now_ms) {}

  bool accepts(const llm::ChatAnswer& answer) override { return judged(answer).has_value(); }
  void on_source(upstream::Source source) override {
    advised.source = upstream::source_name(source);
  }
  void on_event(const llm::ChatEvent&, llm::WireFormat) override {}
  void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat,
                 const upstream::CallSummary& summary) override {
    advised.answer = advice(*answer, summary);
    if (!advised.answer) advised.reduced = reduced_bad_answer();
    conclude();
  }
  void on_refusal(const upstream::CallRefusal& refusal, const upstream::CallSummary&) override {
    engine(refusal);
  }
  void on_engine(const upstream::CallRefusal& why) override { engine(why); }
  void on_late_answer(const llm::ChatAnswer& answer, llm::WireFormat,
                      const upstream::CallSummary& summary) override {
    const Advice late = advice(answer, summary);
    if (!late_) {
      advised.answer = late;
    } else if (late) {
      late_(begun_.team, late);
    }
  }
  void on_end() override { conclude(); }

  Advised advised;

 private:
  void engine(const upstream::CallRefusal& why) {
    advised.reduced = reduced(why);
    if (late_) conclude();
  }
  Advice advice(const llm::ChatAnswer& answer, const upstream::CallSummary& summary) const {
    auto json = judged(answer);
    if (!json) return nullptr;
    (*json)["source"] = "model";
    (*json)["model"] = summary.target;
    (*json)["cost_microusd"] = limits::microdollars_up(summary.cost);
    return std::make_shared<const Json>(std::move(*json));
  }
  std::optional<Json> judged(const llm::ChatAnswer& answer) const {
    const std::string text = llm::answer_text(answer);
    if (text.size() > advice_answer_bytes_max) return std::nullopt;
    const auto json = runs::json_in(text);
    if (!json || (begun_.fits && !begun_.fits->accepts(*json))) return std::nullopt;
    const Json value = {{"text", text}, {"json", *json}};
    return taken(definition_, begun_.snapshot, begun_.effect, canonical(value), now_ms_);
  }

  std::function<void(const std::string&, const Advice&)> late_;
  workflow::DefinitionPtr definition_;
  Begun begun_;  // all but its chat, which was asked
  std::int64_t now_ms_;
};

}  // namespace

bool Adviser::asks() const {
  return gateway_.knows(runs::model_default);
}

net::Task<Advised> Adviser::ask(AdviceRequest request, std::function<void()>& leave) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  // A workflow's name is its question's, but for this one.
  const std::string_view name =
      request.question == "agent_specification" ? "agent_creation" : request.question;
  const workflow::DefinitionPtr definition = catalogue_.current()->find(name);
  Advised none;
  none.reduced = reduced(NotAsked::no_workflow);
  if (!definition) co_return none;
  if (request.body.size() > advice_body_bytes_max) {
    none.reduced = reduced(NotAsked::too_large);
    co_return none;
  }
  auto read = [&definition, &request] {
    return begin_advice(definition, request.body, request.now_ms);
  };
  auto begun = co_await contract::read_body(pool_, request.order.identity.key(), request.body,
                                            std::move(read));
  if (!begun) none.reduced = reduced(NotAsked::overloaded);
  if (!begun || !*begun) co_return none;
  upstream::Order order = std::move(request.order);
  order.request = std::move((*begun)->chat);
  order.request.model = runs::model_default;
  order.game = true;
  order.shared = true;
  auto exchange = std::make_shared<Exchange>(shard, definition, std::move(**begun), request.now_ms,
                                             std::move(request.late));
  leave = [exchange] { exchange->leave(); };
  auto started = gateway_.start(shard, std::move(order), upstream::Delivery::whole, exchange);
  if (!started) {
    none.reduced = reduced(started.error());
    co_return none;
  }
  exchange->hold(std::move(*started));
  co_await exchange->decided.wait();
  co_return exchange->advised;
}

}  // namespace redoubt::services
