#include "relay/upstream/kept_answer.hpp"

#include <doctest/doctest.h>

using namespace redoubt;
using namespace redoubt::upstream;
using llm::ChatAnswer;
using llm::ChatEvent;
using llm::EventKind;
using llm::FinishReason;
using llm::PartKind;
using llm::WireFormat;

namespace {

llm::ChatPart part(PartKind kind) {
  llm::ChatPart out;
  out.kind = kind;
  out.format = WireFormat::anthropic;
  return out;
}

/// One part of each kind, as a decoder would have left it.
ChatAnswer answer() {
  ChatAnswer out;
  out.id = "id-1";
  out.model = "claude";
  llm::ChatPart thought = part(PartKind::reasoning);
  thought.text = "Hm.";
  thought.id = "r-1";
  thought.signature = "signed";
  out.parts.push_back(thought);
  thought = part(PartKind::reasoning);
  thought.redacted = true;
  thought.signature = "sealed";
  out.parts.push_back(thought);
  out.parts.push_back(part(PartKind::text));
  out.parts.back().text = std::string("North\0, I say.", 14);
  for (const char* name : {"move", "look"}) {
    out.parts.push_back(part(PartKind::tool_call));
    out.parts.back().id = std::string("call-") + name;
    out.parts.back().name = name;
    out.parts.back().arguments = R"({"x":1})";
  }
  out.parts.push_back(part(PartKind::refusal));
  out.parts.back().text = "No more.";
  out.parts.push_back(part(PartKind::opaque));
  out.parts.back().extra = R"({"type":"server_tool"})";
  out.usage = {.input = 10,
               .cached_read = 1,
               .cache_write = 2,
               .cache_write_long = 1,
               .output = 20,
               .reasoning = 5,
               .reported = true};
  out.reason = FinishReason::tool_calls;
  out.reason_detail = "tool_use";
  out.finished = true;
  out.parts[2].reported = {R"({"citations":[1]})", R"({"citations":[2]})"};
  out.parts[3].reported = {R"({"caller":{"type":"direct"}})"};
  out.reported.answer = {R"({"container":{"id":"c"}})"};
  out.reported.usage = {R"({"input_tokens":10})", R"({"output_tokens":20})"};
  return out;
}

std::string bytes_of(const ChatAnswer& value) {
  return kept_bytes(value, WireFormat::anthropic, "anthropic/claude");
}

}  // namespace

TEST_CASE("a kept answer is the answer again, whole and as the events of a stream") {
  const std::string bytes = bytes_of(answer());
  const auto kept = read_kept(bytes);
  REQUIRE(kept);
  CHECK(kept->target == "anthropic/claude");
  CHECK(kept->origin == WireFormat::anthropic);
  CHECK(kept->events.front().kind == EventKind::started);
  CHECK(kept->events.back().kind == EventKind::finished);
  const ChatAnswer again = folded(*kept);
  CHECK(bytes_of(again) == bytes);
  const ChatAnswer before = answer();
  REQUIRE(again.parts.size() == before.parts.size());
  for (std::size_t i = 0; i < before.parts.size(); ++i) {
    CAPTURE(i);
    CHECK(again.parts[i].kind == before.parts[i].kind);
    CHECK(again.parts[i].format == before.parts[i].format);
    CHECK(again.parts[i].text == before.parts[i].text);
    CHECK(again.parts[i].id == before.parts[i].id);
    CHECK(again.parts[i].name == before.parts[i].name);
    CHECK(again.parts[i].arguments == before.parts[i].arguments);
    CHECK(again.parts[i].signature == before.parts[i].signature);
    CHECK(again.parts[i].redacted == before.parts[i].redacted);
    CHECK(again.parts[i].extra == before.parts[i].extra);
    CHECK(again.parts[i].reported == before.parts[i].reported);
  }
  CHECK(again.reported.answer == before.reported.answer);
  CHECK(again.reported.usage == before.reported.usage);
  CHECK(again.id == before.id);
  CHECK(again.model == before.model);
  CHECK(again.usage == before.usage);
  CHECK(again.reason == before.reason);
  CHECK(again.reason_detail == before.reason_detail);
  CHECK(again.finished);
  CHECK_FALSE(again.failure.has_value());
}

TEST_CASE("bytes that are not a kept answer are nothing") {
  const std::string bytes = bytes_of(answer());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK_FALSE(read_kept(std::string_view(bytes).substr(0, length)));
  CHECK_FALSE(read_kept(bytes + "x"));
  std::string other = bytes;
  other[0] = 9;  // of another version
  CHECK_FALSE(read_kept(other));
  other = bytes;
  other[1] = 9;  // no wire format
  CHECK_FALSE(read_kept(other));
  // A count that the bytes cannot hold reserves nothing.
  other = bytes.substr(0, 2 + 4 + 16) + std::string(4, '\xff');
  CHECK_FALSE(read_kept(other));
}

TEST_CASE("an event of a stream is the same for whoever follows later") {
  for (const ChatEvent& event : events_of(answer())) {
    const std::string bytes = event_bytes(event, WireFormat::gemini);
    const auto read = read_event(bytes);
    REQUIRE(read);
    CHECK(read->origin == WireFormat::gemini);
    CHECK(event_bytes(read->event, read->origin) == bytes);
    CHECK_FALSE(read_event(bytes + "x"));
    CHECK_FALSE(read_event(std::string_view(bytes).substr(1)));
  }
  ChatEvent failed;
  failed.kind = EventKind::failed;
  CHECK_FALSE(read_event(event_bytes(failed, WireFormat::none)));
}

TEST_CASE("only an answer that ended by itself is worth keeping") {
  ChatAnswer good = answer();
  CHECK(worth_keeping(good));
  good.reason = FinishReason::stop;
  CHECK(worth_keeping(good));
  for (const FinishReason reason : {FinishReason::unknown, FinishReason::length,
                                    FinishReason::filtered, FinishReason::paused}) {
    ChatAnswer cut = answer();
    cut.reason = reason;
    CHECK_FALSE(worth_keeping(cut));
  }
  ChatAnswer failed = answer();
  failed.failure = llm::ChatFailure{};
  CHECK_FALSE(worth_keeping(failed));
  ChatAnswer open = answer();
  open.finished = false;
  CHECK_FALSE(worth_keeping(open));
}
