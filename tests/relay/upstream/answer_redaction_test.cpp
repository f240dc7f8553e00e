#include "relay/upstream/answer_redaction.hpp"

#include <doctest/doctest.h>

#include <string>

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
    CHECK(passed({text_event("sk-proj-"), text_event(key.substr(8), EventKind::reasoning)}) ==
          "|1:sk-proj-|3:" + key.substr(8));
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

  TEST_CASE("a placeholder is a word") {
    CHECK(passed({text_event("ollama is a server"), text_event("", EventKind::finished)},
                 "ollama") == said("ollama is a server"));
  }
}
