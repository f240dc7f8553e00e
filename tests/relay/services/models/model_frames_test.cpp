#include "relay/services/models/model_frames.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"

namespace redoubt::services {
namespace {

constexpr std::string_view call_text =
    R"({"type":"call","id":"a.1","format":"openai.chat","request":{"model":"m","tools":[{"type":)"
    R"("function","function":{"name":"f","parameters":{"z":1,"a":2}}}],)"
    R"("messages":[{"role":"user","content":"Hi"}]}})";

BadFrame bad(std::string_view text) {
  ClientFrame frame = read_client_frame(text);
  BadFrame* found = std::get_if<BadFrame>(&frame);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("model frames: a call's request goes to the codec as it was written") {
  const ClientFrame frame = read_client_frame(call_text);
  const auto* call = std::get_if<CallFrame>(&frame);
  REQUIRE(call != nullptr);
  CHECK(call->id == "a.1");
  CHECK(call->request.format == llm::WireFormat::openai_chat);
  CHECK(call->request.model == "m");
  CHECK(call->request.stream);
  CHECK_FALSE(call->request.stream_usage);
  CHECK(call->request.tools.at(0).parameters == R"({"z":1,"a":2})");
}

TEST_CASE("model frames: a call of Gemini's names its model in the request") {
  const std::string begin =
      R"({"type":"call","id":"a","format":"gemini.generateContent","request":{)";
  const std::string contents = R"("contents":[{"role":"user","parts":[{"text":"hi"}]}]}})";
  for (const char* name : {"strategist", "models/strategist"}) {
    const ClientFrame frame = read_client_frame(begin + "\"model\":\"" + name + "\"," + contents);
    const auto* call = std::get_if<CallFrame>(&frame);
    REQUIRE(call != nullptr);
    CHECK(call->request.format == llm::WireFormat::gemini);
    CHECK(call->request.model == "strategist");
    CHECK(call->request.stream);
  }
  CHECK(bad(begin + contents).error.path == "request.model");
}

TEST_CASE("model frames: resume, ack and cancel") {
  ClientFrame frame = read_client_frame(R"({"type":"resume","token":"t","after":7})");
  const auto* resume = std::get_if<ResumeFrame>(&frame);
  REQUIRE(resume != nullptr);
  CHECK(resume->token == "t");
  CHECK(resume->after == 7);
  frame = read_client_frame(R"({"seq":9007199254740992,"type":"ack","id":"a"})");
  REQUIRE(std::get_if<AckFrame>(&frame) != nullptr);
  CHECK(std::get_if<AckFrame>(&frame)->sequence == 9'007'199'254'740'992);
  frame = read_client_frame(R"({"type":"cancel","id":"a"})");
  REQUIRE(std::get_if<CancelFrame>(&frame) != nullptr);
}

TEST_CASE("model frames: a bad frame names the member, and its stream where it can") {
  CHECK(bad("").error.code == "bad_json");
  CHECK(bad("1").error.path == "frame");
  CHECK(bad("{}").error.path == "type");
  CHECK(bad(R"({"type":"cancel","id":7})").error.path == "id");
  CHECK(bad(R"({"type":"cancel","id":")" + std::string(65, 'a') + "\"}").error.path == "id");
  CHECK(bad(R"({"type":"ack","id":"a","seq":9007199254740993})").error.path == "seq");
  CHECK(bad(R"({"type":"ack","id":"a","seq":1.5})").id == "a");
  CHECK(
      bad(R"({"type":"resume","token":")" + std::string(65, 'a') + R"(","after":0})").error.path ==
      "token");
  const BadFrame refused = bad(
      R"({"type":"call","id":"a","format":"anthropic.messages","request":{"model":"m","messages":7}})");
  CHECK(refused.id == "a");
  CHECK(refused.error.code == "bad_request");
  CHECK(refused.error.path == "request.messages");
  // A key that is written with escapes is found by the tree and not by its text.
  CHECK(bad(R"({"type":"call","id":"a","format":"openai.chat","r\u0065quest":{"model":"m"}})").id ==
        "a");
}

TEST_CASE("model frames: no cut and no changed byte of a frame does harm") {
  Rng rng(7);
  for (std::size_t i = 0; i < call_text.size(); ++i) {
    CHECK(std::get_if<BadFrame>(&static_cast<const ClientFrame&>(
              read_client_frame(call_text.substr(0, i)))) != nullptr);
    std::string changed(call_text);
    changed[i] = static_cast<char>(rng.below(256));
    const ClientFrame frame = read_client_frame(changed);
    if (const auto* call = std::get_if<CallFrame>(&frame)) CHECK_FALSE(call->id.empty());
  }
}

TEST_CASE("model frames: server-sent events become frames") {
  const auto events =
      sse_events("data: {\"a\":1}\n\nevent: done\ndata: {}\n\n: beat\n\ndata: [DONE]\n\n");
  REQUIRE(events.size() == 3);
  CHECK(event_frame("s", 1, events[0]) == R"({"type":"event","id":"s","seq":1,"data":{"a":1}})");
  CHECK(event_frame("s", 2, events[1]) ==
        R"({"type":"event","id":"s","seq":2,"event":"done","data":{}})");
  CHECK(events[2].data == "[DONE]");
}

TEST_CASE("model frames: what the relay says") {
  upstream::CallSummary summary;
  summary.target = "openai/m";
  summary.attempts = 2;
  summary.cost = 1'500'000;
  summary.estimated = true;
  CHECK(started_frame("s", "tok", 15'000) ==
        R"({"type":"started","id":"s","token":"tok","hold_ms":15000})");
  CHECK(resumed_frame("s", 0) == R"({"type":"resumed","id":"s","after":0})");
  CHECK(end_frame("s", 3, "complete", summary) ==
        R"({"type":"end","id":"s","seq":3,"reason":"complete","model":"openai/m","attempts":2,)"
        R"("cost_microusd":2,"estimated":true})");
  CHECK(end_frame("s", 3, "cancelled", {}) ==
        R"({"type":"end","id":"s","seq":3,"reason":"cancelled"})");
  upstream::CallRefusal refusal;
  refusal.status = 429;
  refusal.retry_after_ms = 10;
  CHECK(failed_frame("s", 1, refusal, "{}", {}) ==
        R"({"type":"error","id":"s","seq":1,"status":429,"retry_after_ms":10,"attempts":0,)"
        R"("cost_microusd":0,"body":{}})");
  CHECK(fault_frame("", Error{.code = "c", .message = "m"}) ==
        R"({"type":"error","code":"c","message":"m"})");
}

}  // namespace redoubt::services
