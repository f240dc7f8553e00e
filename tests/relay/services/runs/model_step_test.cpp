#include "relay/services/runs/model_step.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>

#include "engine/base/json.hpp"
#include "engine/llm/failure.hpp"
#include "tests/relay/services/runs/deaf_gateway.hpp"

namespace redoubt::runs {
namespace {

/// A step under way, whose calls the test answers.
struct Step {
  explicit Step(std::uint32_t attempt = 1) {
    class Watcher final : public StepWatcher {
     public:
      explicit Watcher(std::string& shown) : shown_(shown) {}
      void on_text(std::string_view text) override { shown_ += text; }
      void on_broken(std::string_view) override { shown_ += "|"; }

     private:
      std::string& shown_;
    };
    workflow::Effect effect;
    effect.attempt = attempt;
    effect.request = R"({"messages":[{"role":"user","content":"Speak."}]})";
    step = begin_model_step(gateway, io.get_executor(),
                            {.effect = effect, .identity = {"default", "ada"}, .request_id = "r"},
                            std::make_unique<Watcher>(shown),
                            [this](bool failed, std::string value) {
                              ++completions;
                              result = (failed ? "failed " : "done ") + std::move(value);
                            })
               .value();
  }

  std::size_t calls() { return gateway.orders().size(); }
  std::shared_ptr<upstream::CallClient> last() { return gateway.clients().back().lock(); }
  void say(const std::string& text) {
    llm::ChatEvent event;
    event.kind = llm::EventKind::text;
    event.text = text;
    last()->on_event(event, llm::WireFormat::openai_chat);
  }
  void refuse(llm::FailureClass failure_class, int status = 502, bool by_limit = false) {
    last()->on_refusal({.status = status,
                        .failure = llm::local_failure(failure_class, "It failed."),
                        .by_limit = by_limit},
                       {});
  }
  void finish() {
    llm::ChatEvent end;
    end.kind = llm::EventKind::finished;
    end.reason = llm::FinishReason::stop;
    last()->on_event(end, llm::WireFormat::openai_chat);
    // Of a stream that is not shared it has no texts.
    last()->on_answer(std::make_shared<const llm::ChatAnswer>(), llm::WireFormat::openai_chat,
                      {.target = "openai/one"});
  }

  boost::asio::io_context io;
  RecordingGateway gateway;
  std::string shown;
  std::string result;
  int completions = 0;
  std::shared_ptr<ModelStep> step;
};

}  // namespace

TEST_CASE("what a model says is shown piece by piece, and the answer is all of it") {
  Step step;
  step.say("Yes, ");
  step.say("my lord.");
  CHECK(step.shown == "Yes, my lord.");
  CHECK(step.last()->kept_bytes() >= step.shown.size());
  CHECK(step.completions == 0);
  step.finish();
  CHECK(step.completions == 1);
  CHECK(step.result.rfind("done ", 0) == 0);
  const auto value = parse_json(step.result.substr(5));
  REQUIRE(value);
  CHECK(value->at("text") == "Yes, my lord.");
  CHECK(value->at("model") == "openai/one");
  CHECK(step.calls() == 1);
}

TEST_CASE("a stream that breaks off after its first word is asked for anew, so often and no more") {
  Step step;
  for (int i = 0; i < restarts_max; ++i) {
    step.say("Half");
    step.refuse(llm::FailureClass::cut);
    CHECK(step.completions == 0);
    CHECK(step.calls() == static_cast<std::size_t>(i) + 2);
  }
  CHECK(step.shown == "Half|Half|");
  // What was kept of the stream that broke off is gone.
  CHECK(step.last()->kept_bytes() == 0);
  // The same answer would not do.
  CHECK(step.gateway.orders().front().shared);
  CHECK_FALSE(step.gateway.orders().back().shared);
  SUBCASE("then its step fails") {
    step.say("Half");
    step.refuse(llm::FailureClass::cut);
    CHECK(step.shown == "Half|Half|Half|");
    CHECK(step.completions == 1);
    CHECK(step.result.rfind("failed ", 0) == 0);
    CHECK(step.calls() == restarts_max + 1);
  }
  SUBCASE("or is answered whole") {
    step.say("All of it.");
    step.finish();
    CHECK(parse_json(step.result.substr(5))->at("text") == "All of it.");
  }
}

TEST_CASE("what would fail again, or was not shown, is not asked for anew") {
  Step step;
  SUBCASE("an answer that is no answer, or is longer than what is read of one") {
    step.say("Half");
    step.refuse(llm::FailureClass::malformed);
    CHECK(step.shown == "Half|");
  }
  SUBCASE("no budget is left") {
    step.say("Half");
    step.refuse(llm::FailureClass::no_quota, 402);
  }
  SUBCASE("a limit of the caller's") {
    step.say("Half");
    step.refuse(llm::FailureClass::overloaded, 429, true);
  }
  SUBCASE("before the first word: the gateway has tried what there is to try") {
    step.refuse(llm::FailureClass::cut);
    CHECK(step.shown.empty());
  }
  CHECK(step.completions == 1);
  CHECK(step.result.rfind("failed ", 0) == 0);
  CHECK(step.calls() == 1);
}

TEST_CASE("of a step that was left nothing is shown, and nothing is asked any more") {
  Step step;
  step.say("Half");
  const auto client = step.last();
  step.step->leave();
  llm::ChatEvent event;
  event.kind = llm::EventKind::text;
  event.text = "more";
  client->on_event(event, llm::WireFormat::openai_chat);
  client->on_refusal({.failure = llm::local_failure(llm::FailureClass::cut, "It was cut.")}, {});
  CHECK(step.shown == "Half");
  CHECK(step.completions == 0);
  CHECK(step.calls() == 1);
}

TEST_CASE("another attempt of a step wants an answer of its own") {
  Step first, second(2);
  CHECK(first.gateway.orders()[0].shared);
  CHECK_FALSE(second.gateway.orders()[0].shared);
}

}  // namespace redoubt::runs
