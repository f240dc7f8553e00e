#include "relay/upstream/answer_redaction.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/json.hpp"
#include "engine/llm/reported.hpp"

using namespace redoubt;
using namespace redoubt::upstream;
using llm::ChatEvent;
using llm::EventKind;

namespace {

const std::string key = "sk-proj-Qz7xK2m9_vB4tLw8RfYc1HdJ";

ChatEvent text_event(std::string text, EventKind kind = EventKind::text) {
  ChatEvent event;
  event.kind = kind;
  event.text = std::move(text);
  return event;
}

std::string mark(EventKind kind) {
  return "|" + std::to_string(static_cast<int>(kind)) + ":";
}

/// What comes out of the events, each run of one kind behind its mark.
std::string passed(std::vector<ChatEvent> events, std::string_view secret = key) {
  AnswerRedaction redaction(secret);
  std::vector<ChatEvent> out;
  for (ChatEvent& event : events)
    redaction.pass(std::move(event), out);
  std::string text;
  EventKind last = EventKind::opaque;
  for (const ChatEvent& event : out) {
    if (event.kind != last) text += mark(event.kind);
    last = event.kind;
    text += event.text;
  }
  return text;
}

std::string said(std::string_view text) {
  return mark(EventKind::text) + std::string(text) + mark(EventKind::finished);
}

ChatEvent signed_event(EventKind kind, std::string text) {
  ChatEvent event = text_event(std::move(text), kind);
  event.signature = "c2lnbmVk";
  return event;
}

ChatEvent named(ChatEvent event, std::string name) {
  event.name = std::move(name);
  return event;
}

ChatEvent with_id(ChatEvent event, std::string id) {
  event.id = std::move(id);
  return event;
}

ChatEvent call_event(std::int32_t index, EventKind kind, std::string text = {}) {
  ChatEvent event = text_event(std::move(text), kind);
  event.index = index;
  if (kind == EventKind::tool_begun) event.id = "call_" + std::to_string(index);
  return event;
}

ChatEvent of_answer(ChatEvent event, std::int32_t answer) {
  event.answer = answer;
  return event;
}

/// Two pieces of a channel, and what a provider puts between them.
struct Interleaving {
  const char* what;
  ChatEvent first;
  std::vector<ChatEvent> between;
  ChatEvent second;
};

std::vector<Interleaving> interleavings() {
  const ChatEvent text = text_event("");
  const ChatEvent refusal = text_event("", EventKind::refusal);
  const ChatEvent thought = text_event("", EventKind::reasoning);
  const ChatEvent hm = text_event("hm", EventKind::reasoning);
  const ChatEvent call = call_event(0, EventKind::tool_begun);
  const ChatEvent arguments = call_event(0, EventKind::tool_arguments);
  const ChatEvent citation =
      named(text_event(R"({"citations":[{"a":1}]})", EventKind::reported), "part");
  return {
      {"a thought in a text", text, {hm}, text},
      {"a call in a text", text, {call, call_event(0, EventKind::tool_arguments, "{}")}, text},
      {"a refusal in a text", text, {text_event("no", EventKind::refusal)}, text},
      {"a text behind a refusal", refusal, {}, text},
      {"a refusal behind a text and a thought", text, {hm}, refusal},
      {"a citation in a text", text, {citation}, text},
      {"a block in a text", text, {text_event("{}", EventKind::opaque)}, text},
      {"a signature on a text", signed_event(EventKind::text, ""), {}, text},
      {"a signature behind a text", text, {signed_event(EventKind::text, "")}, text},
      {"a text with another id", with_id(text, "a"), {}, with_id(text, "b")},
      {"a text in a thought", thought, {text_event("hm")}, thought},
      {"a signature behind a thought", thought, {signed_event(EventKind::reasoning, "")}, thought},
      {"a thought with an id behind one without", thought, {}, with_id(thought, "rs_1")},
      {"another answer's text behind a text", text, {}, of_answer(text, 1)},
      {"the first answer's text behind another's", of_answer(text, 1), {hm}, text},
      {"another answer's refusal behind a text", text, {}, of_answer(refusal, 2)},
      {"another answer's thought behind a thought", thought, {}, of_answer(thought, 1)},
      {"another answer's call behind a call", arguments, {}, of_answer(arguments, 1)},
      {"a text in arguments", arguments, {text_event("hm")}, arguments},
      {"another call in arguments",
       arguments,
       {call_event(1, EventKind::tool_begun), call_event(1, EventKind::tool_arguments, "{}")},
       arguments},
  };
}

/// No client sees more of the key than the bytes that do not wait, in a stream or put together.
void check_hidden(const Interleaving& row, const std::string& first, const std::string& second) {
  AnswerRedaction redaction(key);
  std::vector<ChatEvent> out;
  redaction.pass(text_event("", EventKind::started), out);
  if (row.first.kind == EventKind::tool_arguments)
    redaction.pass(call_event(0, EventKind::tool_begun), out);
  ChatEvent piece = row.first;
  piece.text = "<" + first;
  redaction.pass(piece, out);
  for (const ChatEvent& event : row.between)
    redaction.pass(event, out);
  piece = row.second;
  piece.text = second + ">";
  redaction.pass(piece, out);
  redaction.pass(text_event("", EventKind::finished), out);

  const auto is_channel = [&](EventKind kind) {
    return kind == row.first.kind || kind == row.second.kind;
  };
  std::string streamed;
  std::size_t others = 0;
  llm::ChatAnswer answer;
  for (const ChatEvent& event : out) {
    llm::fold(answer, event, llm::WireFormat::anthropic);
    if (is_channel(event.kind) && event.index == row.first.index) streamed += event.text;
    if (!is_channel(event.kind)) ++others;
  }
  std::string folded;
  for (const llm::ChatPart& part : answer.parts)
    folded += part.text + part.arguments;
  CAPTURE(streamed);
  CAPTURE(folded);
  CHECK(streamed.find("[redacted]>") != streamed.npos);
  CHECK(streamed.find(key.substr(0, held_bytes_min)) == streamed.npos);
  CHECK(streamed.find(key.substr(key.size() - held_bytes_min)) == streamed.npos);
  CHECK(folded.find(key.substr(0, held_bytes_min)) == folded.npos);
  CHECK(folded.find(key.substr(key.size() - held_bytes_min)) == folded.npos);
  CHECK(answer.finished);
  // What stands between comes whole.
  std::size_t expected = 2;
  for (const ChatEvent& event : row.between)
    if (!is_channel(event.kind)) ++expected;
  if (row.first.kind == EventKind::tool_arguments) ++expected;
  CHECK(others == expected);
}

}  // namespace

TEST_SUITE("answer redaction") {
  TEST_CASE("a key is taken out at every split into two and three events") {
    const std::string whole = "my key is " + key + ", sk-pr and so on";
    for (std::size_t first = 0; first <= whole.size(); ++first) {
      for (std::size_t second = first; second <= whole.size(); second += 3) {
        const std::string out = passed(
            {text_event(whole.substr(0, first)), text_event(whole.substr(first, second - first)),
             text_event(whole.substr(second)), text_event("", EventKind::finished)});
        CAPTURE(first);
        CAPTURE(second);
        CAPTURE(out);
        // Up to three bytes of its beginning may have gone on before.
        const std::size_t at = out.find("[redacted], sk-pr and so on" + mark(EventKind::finished));
        REQUIRE(at != out.npos);
        const std::string before = out.substr(0, at);
        CHECK((before == "|1:my key is " || before == "|1:my key is s" ||
               before == "|1:my key is sk" || before == "|1:my key is sk-"));
      }
    }
  }

  TEST_CASE("byte by byte, and several of them") {
    std::vector<ChatEvent> events;
    for (const char c : key + key + " " + key)
      events.push_back(text_event(std::string(1, c)));
    events.push_back(text_event("", EventKind::finished));
    CHECK(passed(events) == said("sk-[redacted]sk-[redacted] sk-[redacted]"));
  }

  TEST_CASE("a text that only begins like a key comes whole, before what ends it") {
    CHECK(passed({text_event("sk-proj-"), text_event("Qz7 is none"),
                  text_event("", EventKind::finished)}) == said("sk-proj-Qz7 is none"));
    CHECK(passed({text_event("sk-proj-"), text_event("", EventKind::finished)}) ==
          said("sk-proj-"));
    // Parts of a key in two channels are no key; what waited goes out before the end.
    CHECK(passed({text_event("sk-proj-"), text_event(key.substr(8), EventKind::reasoning),
                  text_event("", EventKind::finished)}) ==
          "|3:" + key.substr(8) + said("sk-proj-"));
    CHECK(passed({text_event("sk-proj-"), text_event("{", EventKind::opaque),
                  text_event("", EventKind::failed)}) == "{|1:sk-proj-|11:");
    // What stands between the events of a text does not end it.
    CHECK(passed({text_event("sk-proj-"), text_event("", EventKind::heartbeat),
                  text_event(key.substr(8)), text_event("", EventKind::finished)}) ==
          mark(EventKind::heartbeat) + said("[redacted]"));
  }

  TEST_CASE("the forms in which a key may be written, at every split") {
    // With what JSON and URLs write otherwise; the forms are written out, not made by the program.
    const std::string odd = R"(k/y+"\_~-0123456789=)";
    struct Form {
      const char* what;
      std::string written;
    };
    const Form forms[] = {
        {"as it is", odd},
        {"in JSON", R"(k/y+\"\\_~-0123456789=)"},
        {"in JSON with slashes escaped", R"(k\/y+\"\\_~-0123456789=)"},
        {"in a URL", "k%2Fy%2B%22%5C_~-0123456789%3D"},
        {"in a URL in small letters", "k%2fy%2b%22%5c_~-0123456789%3d"},
        {"in hexadecimal", "6b2f792b225c5f7e2d303132333435363738393d"},
        {"in HEXADECIMAL", "6B2F792B225C5F7E2D303132333435363738393D"},
        // base64 of "", "a" and "ab" before it, with something behind: all but the edges is the
        // same.
        {"in base64", "ay95KyJcX34tMDEyMzQ1Njc4OT"},
        {"in base64 after one byte", "veSsiXF9-LTAxMjM0NTY3ODk9"},
        {"in the other base64 after one byte", "veSsiXF9+LTAxMjM0NTY3ODk9"},
        {"in base64 after two bytes", "L3krIlxffi0wMTIzNDU2Nzg5P"},
    };
    for (const Form& form : forms) {
      CAPTURE(std::string(form.what));
      const std::string whole = "It is <" + form.written + "> indeed.";
      for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        const std::string out =
            passed({text_event(whole.substr(0, cut)), text_event(whole.substr(cut)),
                    text_event("", EventKind::finished)},
                   odd);
        CAPTURE(cut);
        CAPTURE(out);
        REQUIRE(out.find("[redacted]") != out.npos);
        REQUIRE(out.find(form.written.substr(form.written.size() / 2)) == out.npos);
        // Before it up to three bytes of its beginning, or of what base64 mixes with what was
        // there.
        REQUIRE(out.size() <= said("It is <[redacted]> indeed.").size() + 6);
      }
    }
  }

  TEST_CASE("what stands between the pieces of a key hides it in no channel") {
    for (const Interleaving& row : interleavings()) {
      for (std::size_t cut = 0; cut <= key.size(); ++cut) {
        CAPTURE(std::string(row.what));
        CAPTURE(cut);
        check_hidden(row, key.substr(0, cut), key.substr(cut));
      }
    }
  }

  TEST_CASE("texts of an object that is told in pieces") {
    for (const char* name : {"message", "choice"}) {
      for (std::size_t cut = 0; cut <= key.size(); ++cut) {
        std::vector<ChatEvent> out;
        AnswerRedaction redaction(key);
        const std::string pieces[] = {key.substr(0, cut), key.substr(cut)};
        for (const std::string& piece : pieces) {
          ChatEvent event = text_event(
              R"({"n":1,"foo":")" + piece + R"(","a":{"b":"<)" + piece + R"(","l":["x"]}})",
              EventKind::reported);
          event.name = name;
          redaction.pass(event, out);
          redaction.pass(text_event("hm"), out);
        }
        redaction.pass(text_event("", EventKind::finished), out);
        std::vector<std::string> told;
        for (const ChatEvent& event : out)
          if (event.kind == EventKind::reported) told.push_back(event.text);
        const Json json = Json::parse(llm::joined_reported(told, llm::Joining::grow));
        CAPTURE(json.dump());
        const std::string shown = cut > 0 && cut < 4 ? key.substr(0, cut) : "";
        CHECK(json["foo"] == shown + "[redacted]");
        CHECK(json["a"]["l"].size() == 2);
        // "<" stands before each piece here, so that these two are no key.
        if (cut > 0 && cut < key.size()) CHECK(json["a"]["b"] == "<" + pieces[0] + "<" + pieces[1]);
      }
    }
    // What waits to the end is told there, in its place.
    ChatEvent event = text_event(R"({"a":{"b":"sk-proj-"}})", EventKind::reported);
    event.name = "message";
    CHECK(passed({event, text_event("", EventKind::finished)}) ==
          R"(|7:{"a":{"b":""}}{"a":{"b":"sk-proj-"}})" + mark(EventKind::finished));
  }

  TEST_CASE("a key over the texts of a list, and of what stands in one") {
    for (const char* name : {"message", "choice"}) {
      for (std::size_t cut = held_bytes_min; cut < key.size(); ++cut) {
        const std::string first = key.substr(0, cut);
        const std::string second = key.substr(cut);
        CAPTURE(cut);
        const std::string out = passed(
            {named(text_event(R"({"l":["<)" + first + R"(",7,")" + second + R"(>"],"t":[{"w":")" +
                                  first + R"(","n":[1]},{"w":")" + second + R"("}]})",
                              EventKind::reported),
                   name),
             text_event("", EventKind::finished)});
        CHECK(out == mark(EventKind::reported) +
                         R"({"l":["<",7,"[redacted]>"],"t":[{"w":"","n":[1]},)"
                         R"({"w":"[redacted]"}]})" +
                         mark(EventKind::finished));
      }
    }
  }

  TEST_CASE("a key as a member's name, and more beginnings than can wait") {
    CHECK(
        passed({named(text_event("{\"" + key + R"(":"sk-proj-"})", EventKind::reported), "message"),
                text_event("", EventKind::finished)}) ==
        R"(|7:{"[redacted]":""}{"[redacted]":"sk-proj-"})" + mark(EventKind::finished));
    std::vector<ChatEvent> events;
    const auto calls = static_cast<std::int32_t>(open_channels_max) + 2;
    for (const std::string& piece : {key.substr(0, 20), key.substr(20)}) {
      for (std::int32_t call = 0; call < calls; ++call)
        events.push_back(call_event(call, EventKind::tool_arguments, piece));
    }
    events.push_back(text_event("", EventKind::finished));
    const std::string out = passed(events);
    CHECK(out.find(key.substr(0, held_bytes_min)) == out.npos);
    CHECK(out.find("[redacted][redacted]" + key.substr(20)) != out.npos);
  }

  TEST_CASE("nothing waits that does not look like a key") {
    AnswerRedaction redaction(key);
    for (const std::string text : {"Ask", "this sk-", "s", "", "what is"}) {
      std::vector<ChatEvent> out;
      redaction.pass(text_event(text), out);
      REQUIRE(out.size() == 1);
      CHECK(out[0].text == text);
    }
  }

  TEST_CASE("arguments, names, ids and whole blocks") {
    ChatEvent call = text_event("", EventKind::tool_begun);
    call.name = "f_" + key;
    call.id = key;
    std::vector<ChatEvent> out;
    AnswerRedaction redaction(key);
    redaction.pass(call, out);
    redaction.pass(text_event("{\"a\":\"" + key.substr(0, 20), EventKind::tool_arguments), out);
    redaction.pass(text_event(key.substr(20) + "\"}", EventKind::tool_arguments), out);
    redaction.pass(text_event("{\"type\":\"x\",\"y\":\"" + key + "\"}", EventKind::opaque), out);
    REQUIRE(out.size() == 4);
    CHECK(out[0].name == "f_[redacted]");
    CHECK(out[0].id == "[redacted]");
    CHECK(out[1].text + out[2].text == "{\"a\":\"[redacted]\"}");
    CHECK(out[3].text == "{\"type\":\"x\",\"y\":\"[redacted]\"}");
  }

  TEST_CASE(
      "escapes that JSON does not need hide no key in what is told as its provider wrote it") {
    std::string escaped;
    for (const char c : key) {
      constexpr std::string_view digits = "0123456789abcdef";
      escaped += "\\u00";
      escaped += digits[static_cast<unsigned char>(c) >> 4];
      escaped += digits[static_cast<unsigned char>(c) & 15];
    }
    for (const EventKind kind : {EventKind::opaque, EventKind::reported}) {
      CHECK(passed({text_event("{\"a\":\"" + escaped + "\"}", kind)})
                .ends_with("{\"a\":\"[redacted]\"}"));
      // What is needed stays as it is: a quote, a backslash, a line's end, another script.
      const std::string needed = R"({"a":"\u0022 \u005c \u000a \u00fc \\u002d \\\u002d"})";
      CHECK(passed({text_event(needed, kind)})
                .ends_with(R"({"a":"\u0022 \u005c \u000a \u00fc \\u002d \\-"})"));
    }
  }

  TEST_CASE("a placeholder is a word") {
    CHECK(passed({text_event("ollama is a server"), text_event("", EventKind::finished)},
                 "ollama") == said("ollama is a server"));
  }
}
