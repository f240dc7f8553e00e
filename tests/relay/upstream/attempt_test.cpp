#include "relay/upstream/attempt.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <string>

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

/// Keeps what it is told, and may let go of its attempt, and of itself, at an event.
struct Call final : AttemptClient, std::enable_shared_from_this<Call> {
  void on_answer_began() override { told += "began "; }
  void on_event(const llm::ChatEvent& event) override {
    if (event.kind == llm::EventKind::text) told += event.text + " ";
    if (event.text != ends_at) return;
    attempt->detach();
    attempt.reset();
    if (owner) owner->reset();
  }
  void on_attempt_failed(Stage stage, llm::ChatFailure failure, std::string_view why) override {
    const char* const where = stage == Stage::stream ? "stream"
                              : stage == Stage::sent ? "sent"
                                                     : "connect";
    told += std::string(where) + " " + std::string(why) + (failure.should_retry ? " again" : "");
  }
  std::string told;
  std::string ends_at = "-";
  std::shared_ptr<Attempt> attempt;
  std::shared_ptr<Call>* owner = nullptr;
};

struct Fixture {
  Fixture() {
    call->attempt =
        std::make_shared<Attempt>(call, io.get_executor(), "ada", *llm::find_dialect("openai"),
                                  nullptr, std::size_t{1} << 20, nullptr);
  }
  void head(int status) {
    http::ResponseHead head;
    head.status = status;
    head.headers.push_back({"content-type", "text/event-stream"});
    call->attempt->on_head(head);
  }
  static std::string words(std::initializer_list<const char*> each) {
    std::string stream;
    for (const char* word : each)
      stream +=
          std::string(R"(data: {"choices":[{"index":0,"delta":{"content":")") + word + "\"}}]}\n\n";
    return stream;
  }
  boost::asio::io_context io{1};
  std::shared_ptr<Call> call = std::make_shared<Call>();
};

}  // namespace

TEST_CASE("attempt: what comes of an answer is told as events, and then how it failed") {
  Fixture f;
  f.head(200);
  f.call->attempt->on_body(Fixture::words({"one", "two"}));
  CHECK(f.call->told == "began one two ");
  f.call->attempt->on_failure({.fault = net::CallFault::lost, .message = "reset", .sent = true});
  CHECK(f.call->told == "began one two stream lost again");
}

TEST_CASE("attempt: a failure says how far it came") {
  for (const bool sent : {false, true}) {
    Fixture f;
    f.call->attempt->on_failure({.fault = net::CallFault::too_large, .message = "", .sent = sent});
    CHECK(f.call->told == std::string(sent ? "sent" : "connect") + " too_large");
  }
}

TEST_CASE("attempt: whose call lets go of it at an event tells nothing more") {
  for (const bool with_call : {false, true}) {
    CAPTURE(with_call);
    Fixture f;
    f.call->ends_at = "two";
    f.head(200);
    const std::weak_ptr<Attempt> attempt = f.call->attempt;
    const std::weak_ptr<Call> call = f.call;
    std::string* const told = &f.call->told;
    const auto keeper = with_call ? nullptr : f.call;
    if (with_call) f.call->owner = &f.call;
    // As the connection has it: by the attempt's own reference.
    attempt.lock()->on_body(Fixture::words({"one", "two", "three"}));
    CHECK(attempt.expired());
    CHECK(call.expired() == with_call);
    if (keeper) CHECK(*told == "began one two ");
  }
}

TEST_CASE("attempt: whose call is gone is silent") {
  Fixture f;
  const auto attempt = f.call->attempt;
  f.call.reset();
  http::ResponseHead head;
  head.status = 200;
  attempt->on_head(head);
  attempt->on_body(Fixture::words({"one"}));
  attempt->on_failure({.fault = net::CallFault::lost, .message = "", .sent = true});
  CHECK(attempt->began());
}
