// Documents and sound inside a request: from every client's format to every target.
#include "engine/llm/media.hpp"

#include <doctest/doctest.h>

#include <array>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "tools/mock-upstream/provider_checks.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

constexpr WireFormat chat = WireFormat::openai_chat;
constexpr WireFormat responses = WireFormat::openai_responses;
constexpr WireFormat anthropic = WireFormat::anthropic;
constexpr WireFormat gemini = WireFormat::gemini;
constexpr std::array formats{chat, responses, anthropic, gemini};

/// One page with a line of text, written for this test.
constexpr std::string_view small_pdf = R"(%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 33>>stream
BT /F 9 Tf 9 50 Td (Oats?) Tj ET~
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
)";

std::string url_of(std::string_view type, std::string_view bytes) {
  return joined({"data:", type, ";base64,", to_base64(bytes)});
}

/// A document as a client of the format has it.
Json document(WireFormat format, std::string_view type, std::string_view bytes) {
  const std::string name = type == "application/pdf" ? "oats.pdf" : "oats.csv";
  switch (format) {
    case responses:
      return {{"type", "input_file"}, {"filename", name}, {"file_data", url_of(type, bytes)}};
    case anthropic:
      return {{"type", "document"},
              {"title", name},
              {"source", {{"type", "base64"}, {"media_type", type}, {"data", to_base64(bytes)}}}};
    case gemini:
      return {{"inlineData", {{"mimeType", type}, {"data", to_base64(bytes)}}}};
    default:
      return {{"type", "file"}, {"file", {{"filename", name}, {"file_data", url_of(type, bytes)}}}};
  }
}

/// A user's message of a question and the part.
Json asking(WireFormat format, const Json& part) {
  const Json words = format == gemini ? Json{{"text", "What is it?"}}
                                      : Json{{"type", format == responses ? "input_text" : "text"},
                                             {"text", "What is it?"}};
  const Json parts = Json::array({words, part});
  if (format == gemini) return {{"contents", {{{"role", "user"}, {"parts", parts}}}}};
  const Json messages = Json::array({{{"role", "user"}, {"content", parts}}});
  if (format == responses) return {{"model", "m"}, {"input", messages}};
  Json body = {{"model", "m"}, {"messages", messages}};
  if (format == anthropic) body["max_tokens"] = 9;
  return body;
}

/// A tool's call, and its result with the part in it.
Json resulting(WireFormat format, const Json& part) {
  const Json none = Json::object();
  if (format == gemini)
    return Json{
        {"contents",
         {{{"role", "user"}, {"parts", {{{"text", "Go"}}}}},
          {{"role", "model"}, {"parts", {{{"functionCall", {{"name", "f"}, {"args", none}}}}}}},
          {{"role", "user"},
           {"parts",
            {{{"functionResponse",
               {{"name", "f"}, {"response", {{"output", "so"}}}, {"parts", {part}}}}}}}}}}};
  if (format == responses)
    return {{"model", "m"},
            {"input",
             {{{"role", "user"}, {"content", "Go"}},
              {{"type", "function_call"}, {"call_id", "c1"}, {"name", "f"}, {"arguments", "{}"}},
              {{"type", "function_call_output"}, {"call_id", "c1"}, {"output", {part}}}}}};
  return {
      {"model", "m"},
      {"max_tokens", 9},
      {"messages",
       {{{"role", "user"}, {"content", "Go"}},
        {{"role", "assistant"},
         {"content", {{{"type", "tool_use"}, {"id", "c1"}, {"name", "f"}, {"input", none}}}}},
        {{"role", "user"},
         {"content", {{{"type", "tool_result"}, {"tool_use_id", "c1"}, {"content", {part}}}}}}}}};
}

Result<WireRequest> sent(WireFormat format, const Json& body, std::string_view dialect) {
  const auto request = decode_client_request(format, body.dump());
  REQUIRE(request.ok());
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m-3";
  if (dialect == "azure") target.base_url = "https://r.example/v1";
  return encode_request(*request, target);
}

Json sent_body(WireFormat format, const Json& body, std::string_view dialect) {
  const auto wire = sent(format, body, dialect);
  REQUIRE_MESSAGE(wire.ok(), wire.error().message);
  CHECK(mock::fault_of(std::string(dialect), "m-3", Json::parse(wire->body)) == "");
  return Json::parse(wire->body);
}

/// The last part of the last message.
Json last_part(WireFormat format, const Json& body) {
  if (format == gemini) return body["contents"].back()["parts"].back();
  return body[format == responses ? "input" : "messages"].back()["content"].back();
}

/// The bytes of a file, wherever the format has them.
std::string bytes_in(const Json& part) {
  for (const Json& value : part.flatten()) {
    if (!value.is_string()) continue;
    const auto text = value.get<std::string>();
    const std::size_t mark = text.find("base64,");
    const auto bytes = from_base64(mark == text.npos ? text : text.substr(mark + 7));
    if (bytes && bytes->rfind("%PDF", 0) == 0) return *bytes;
  }
  return "";
}

bool takes_pdf(const Dialect& dialect) {
  for (const char* name : {"openai", "openai-responses", "anthropic", "gemini", "openrouter"})
    if (dialect.name == name) return true;
  return false;
}

}  // namespace

TEST_SUITE("llm media") {
  TEST_CASE("a PDF goes whole from every client's format to every target that takes one") {
    int whole = 0;
    int refused = 0;
    for (const WireFormat from : formats) {
      const Json body = asking(from, document(from, "application/pdf", small_pdf));
      for (const Dialect& dialect : dialects()) {
        const std::string name(dialect.name);
        CAPTURE(format_name(from));
        CAPTURE(name);
        if (!takes_pdf(dialect)) {
          const auto wire = sent(from, body, name);
          REQUIRE(!wire.ok());
          CHECK(wire.error().code == "unsupported");
          CHECK(wire.error().message.find(name + " cannot take a document in the request (") == 0);
          CHECK(wire.error().message.find("application/pdf") != std::string::npos);
          ++refused;
          continue;
        }
        const Json part = last_part(dialect.format, sent_body(from, body, name));
        CHECK(bytes_in(part) == small_pdf);
        if (from == dialect.format) CHECK(part == last_part(from, body));
        ++whole;
      }
    }
    CHECK(whole == 20);
    CHECK(refused == 40);
  }

  TEST_CASE("a PDF keeps its name, and what Anthropic says about it") {
    Json part = document(anthropic, "application/pdf", small_pdf);
    part["title"] = "Oats";
    part["context"] = "Of 1905.";
    part["citations"] = {{"enabled", true}};
    part["cache_control"] = {{"type", "ephemeral"}};
    const Json body = asking(anthropic, part);
    const Json chats = sent_body(anthropic, body, "openai")["messages"][0]["content"];
    CHECK(chats.size() == 3);
    CHECK(chats[1]["text"] == "Of 1905.");
    CHECK(chats[2]["file"]["filename"] == "Oats.pdf");
    const Json router = sent_body(anthropic, body, "openrouter")["messages"][0]["content"];
    CHECK(router[2]["cache_control"]["type"] == "ephemeral");
    const Json google = sent_body(anthropic, body, "gemini")["contents"][0]["parts"];
    CHECK(google[1]["text"] == "Oats\nOf 1905.");
    CHECK(google[2]["inlineData"].size() == 2);
    const Json file = document(chat, "application/pdf", small_pdf);
    CHECK(last_part(anthropic, sent_body(chat, asking(chat, file), "anthropic"))["title"] ==
          "oats.pdf");
    CHECK(
        last_part(responses,
                  sent_body(gemini, asking(gemini, document(gemini, "application/pdf", small_pdf)),
                            "openai-responses"))["filename"] == "document.pdf");
  }

  TEST_CASE("OpenRouter is told to have the model read a document, not a service paid apart") {
    for (const WireFormat from : formats) {
      const Json body = asking(from, document(from, "application/pdf", small_pdf));
      CHECK(sent_body(from, body, "openrouter")["plugins"].dump() == native_documents);
      const Json words = asking(from, document(from, "text/plain", "a;b"));
      if (from != chat) CHECK(!sent_body(from, words, "openrouter").contains("plugins"));
    }
    Json own = asking(chat, document(chat, "application/pdf", small_pdf));
    own["plugins"] = {{{"id", "file-parser"}, {"pdf", {{"engine", "mistral-ocr"}}}}};
    CHECK(sent_body(chat, own, "openrouter")["plugins"] == own["plugins"]);
  }

  TEST_CASE("a PDF of a tool's result goes with it, or follows it") {
    for (const WireFormat from : {responses, anthropic, gemini}) {
      const Json body = resulting(from, document(from, "application/pdf", small_pdf));
      for (const Dialect& dialect : dialects()) {
        const std::string name(dialect.name);
        CAPTURE(format_name(from));
        CAPTURE(name);
        if (!takes_pdf(dialect)) {
          CHECK(sent(from, body, name).error().code == "unsupported");
          continue;
        }
        const auto wire = sent(from, body, name);
        REQUIRE(wire.ok());
        CHECK(bytes_in(Json::parse(wire->body)) == small_pdf);
        if (from != dialect.format)
          CHECK(mock::fault_of(name, "m-3", Json::parse(wire->body)) == "");
      }
    }
    const Json body = resulting(anthropic, document(anthropic, "application/pdf", small_pdf));
    CHECK(sent_body(anthropic, body, "openai")["messages"].back()["role"] == "user");
    CHECK(sent_body(anthropic, body, "openai-responses")["input"].back()["output"][0]["type"] ==
          "input_file");
  }

  TEST_CASE("a text is a document at Anthropic, and a text elsewhere") {
    const Json plain = {
        {"type", "document"},
        {"title", "Oats"},
        {"context", "Of 1905."},
        {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", "a;b"}}}};
    Json blocks = plain;
    blocks["source"] = {{"type", "content"}, {"content", {{{"type", "text"}, {"text", "a;b"}}}}};
    for (const Json& part : {plain, blocks}) {
      const Json body = asking(anthropic, part);
      CHECK(last_part(anthropic, sent_body(anthropic, body, "anthropic")) == part);
      for (const char* name : {"openai", "openai-responses", "gemini", "groq", "deepseek"}) {
        CAPTURE(name);
        const WireFormat format = find_dialect(name)->format;
        CHECK(last_part(format, sent_body(anthropic, body, name))["text"] ==
              "Oats\nOf 1905.\n\na;b");
      }
    }
    for (const WireFormat from : {chat, responses, gemini}) {
      CAPTURE(format_name(from));
      const Json body = asking(from, document(from, "text/csv", "a;b"));
      const Json source = last_part(anthropic, sent_body(from, body, "anthropic"))["source"];
      CHECK(source == Json{{"type", "text"}, {"media_type", "text/plain"}, {"data", "a;b"}});
      CHECK(last_part(chat, sent_body(from, body, "mistral"))["text"] ==
            (from == gemini ? "a;b" : "oats.csv\n\na;b"));
    }
  }

  TEST_CASE("a request that was made here may have documents") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "What is it?"));
    ChatPart part;
    part.kind = PartKind::document;
    part.name = "oats";
    for (const bool as_text : {true, false}) {
      part.text = as_text ? "a;b" : "";
      part.media_type = as_text ? "" : "application/pdf";
      part.data = as_text ? "" : to_base64(small_pdf);
      request.messages[0].parts.resize(1);
      request.messages[0].parts.push_back(part);
      for (const char* name : {"openai", "openai-responses", "anthropic", "gemini"}) {
        CAPTURE(name);
        Target target;
        target.dialect = find_dialect(name);
        target.model = "m-3";
        const auto wire = encode_request(request, target);
        REQUIRE(wire.ok());
        const Json body = Json::parse(wire->body);
        CHECK(mock::fault_of(name, "m-3", body) == "");
        if (!as_text) CHECK(bytes_in(body) == small_pdf);
        if (as_text) CHECK(body.dump().find("a;b") != std::string::npos);
      }
    }
  }

  TEST_CASE("both alphabets of base64 are read, as Google's SDK writes the other one") {
    for (const char* type : {"application/pdf", "image/png"}) {
      const Json body = asking(gemini, {{"inlineData", {{"mimeType", type}, {"data", "-_-_"}}}});
      CHECK(last_part(gemini, sent_body(gemini, body, "gemini"))["inlineData"]["data"] == "-_-_");
      CHECK(last_part(anthropic, sent_body(gemini, body, "anthropic"))["source"]["data"] == "+/+/");
      CHECK(sent_body(gemini, body, "openai").dump().find("base64,+/+/") != std::string::npos);
    }
  }

  TEST_CASE("Gemini's video goes to OpenRouter and vLLM in their words") {
    const Json inside = {{"inlineData", {{"mimeType", "video/mp4"}, {"data", "-_-_"}}},
                         {"videoMetadata", {{"fps", 1}}}};
    const Json far = {{"fileData", {{"fileUri", "https://youtu.be/a"}}}};
    for (const auto& [part, url] :
         {std::pair(inside, "data:video/mp4;base64,+/+/"), std::pair(far, "https://youtu.be/a")}) {
      for (const bool as_result : {false, true}) {
        for (const char* dialect : {"openrouter", "vllm"}) {
          CAPTURE(dialect);
          CAPTURE(as_result);
          const Json body = as_result ? resulting(gemini, part) : asking(gemini, part);
          auto request = decode_client_request(gemini, body.dump());
          REQUIRE(request.ok());
          Target target;
          target.dialect = find_dialect(dialect);
          target.model = "google/gemini-2.5-flash";
          target.prices_sound = false;
          CHECK(!encode_request(*request, target).ok());
          target.prices_sound = true;
          const auto wire = encode_request(*request, target);
          REQUIRE_MESSAGE(wire.ok(), wire.error().message);
          CHECK(last_part(chat, Json::parse(wire->body)) ==
                Json{{"type", "video_url"}, {"video_url", {{"url", url}}}});
        }
      }
    }
    Json clip = inside;
    clip["videoMetadata"]["startOffset"] = "5s";
    CHECK(sent(gemini, asking(gemini, clip), "openrouter").error().message.find("a clip") !=
          std::string::npos);
  }

  TEST_CASE("a video that is refused is told who takes one") {
    const Json url = {{"type", "video_url"}, {"video_url", {{"url", "https://a.example/b.mp4"}}}};
    const Json inside = {{"inlineData", {{"mimeType", "video/mp4"}, {"data", "QUJD"}}}};
    const Json far = {{"fileData", {{"fileUri", "https://youtu.be/a"}}}};
    for (const auto& [from, part] :
         {std::pair(chat, url), std::pair(gemini, inside), std::pair(gemini, far)}) {
      for (const char* dialect : {"openai", "openai-responses", "anthropic"}) {
        if (from == find_dialect(dialect)->format) continue;
        const auto wire = sent(from, asking(from, part), dialect);
        REQUIRE(!wire.ok());
        CAPTURE(wire.error().message);
        CHECK(wire.error().message.find(
                  "goes to targets of the dialects gemini, openrouter and vllm") !=
              std::string::npos);
        CHECK(wire.error().message.find("PDF") == std::string::npos);
      }
    }
  }

  TEST_CASE("what a client's search found is words to targets of other formats") {
    const Json reference = {{"type", "tool_reference"}, {"tool_name", "mcp__hub__get"}};
    const Json found = {{"type", "search_result"},
                        {"title", "Oats"},
                        {"source", "https://a.example/oats"},
                        {"content", {{{"type", "text"}, {"text", "Of 1905."}}}}};
    for (const auto& [part, words] :
         {std::pair(reference, "Tool found: mcp__hub__get"),
          std::pair(found, "Oats\\nhttps://a.example/oats\\n\\nOf 1905.")}) {
      const Json body = resulting(anthropic, part);
      for (const Dialect& dialect : dialects()) {
        CAPTURE(std::string(dialect.name));
        const std::string out = sent_body(anthropic, body, dialect.name).dump();
        if (dialect.format == anthropic)
          CHECK(out.find(part.dump()) != std::string::npos);
        else
          CHECK(out.find(words) != std::string::npos);
      }
    }
  }

  TEST_CASE("video goes to Gemini where its sound has a price, and is refused elsewhere") {
    const Json inside = {{"inlineData", {{"mimeType", "video/mp4"}, {"data", "QUJD"}}}};
    const Json far = {{"fileData", {{"fileUri", "https://youtu.be/a"}}}};
    const Json url = {{"type", "video_url"},
                      {"video_url", {{"url", "data:video/mp4;base64,QUJD"}}}};
    Json address = url;
    address["video_url"]["url"] = "https://a.example/b.mp4?c=1";
    Target google;
    google.dialect = find_dialect("gemini");
    google.model = "gemini-2.5-flash";
    struct Case {
      WireFormat from;
      Json part;
      Json arrives;
    };
    const Case cases[] = {
        {gemini, inside, inside},
        {gemini, far, far},
        {chat, url, inside},
        {chat,
         address,
         {{"fileData", {{"fileUri", "https://a.example/b.mp4?c=1"}, {"mimeType", "video/mp4"}}}}}};
    for (const Case& each : cases) {
      CAPTURE(each.part.dump());
      auto request = decode_client_request(each.from, asking(each.from, each.part).dump());
      REQUIRE(request.ok());
      request->model = "m";
      REQUIRE(hold_to_allowed(*request, {}).ok());
      google.prices_sound = true;
      const auto wire = encode_request(*request, google);
      REQUIRE_MESSAGE(wire.ok(), wire.error().message);
      CHECK(last_part(gemini, Json::parse(wire->body)) == each.arrives);
      google.prices_sound = false;
      const auto unpriced = encode_request(*request, google);
      REQUIRE(!unpriced.ok());
      CHECK(unpriced.error().code == "unsupported");
      for (const char* dialect : {"anthropic", "openai-responses"}) {
        const auto other = encode_request(
            *request, {.dialect = find_dialect(dialect), .base_url = {}, .model = "m"});
        REQUIRE(!other.ok());
        CHECK(other.error().code == "unsupported");
      }
    }
    // OpenRouter has it in the same words.
    auto request = decode_client_request(chat, asking(chat, url).dump());
    REQUIRE(request.ok());
    Target router;
    router.dialect = find_dialect("openrouter");
    router.model = "google/gemini-2.5-flash";
    router.prices_sound = true;
    const auto wire = encode_request(*request, router);
    REQUIRE(wire.ok());
    CHECK(last_part(chat, Json::parse(wire->body)) == url);
    router.prices_sound = false;
    CHECK(!encode_request(*request, router).ok());
    address["video_url"]["url"] = "gs://bucket/b.mp4";
    auto stored = decode_client_request(chat, asking(chat, address).dump());
    REQUIRE(stored.ok());
    CHECK(!hold_to_allowed(*stored, {}).ok());
  }

  TEST_CASE("what is not inside, or of another kind, is refused with its name") {
    struct Case {
      WireFormat from;
      Json part;
      const char* dialect;
      const char* words;
    };
    const std::string docx = "application/vnd.oasis.opendocument.text";
    const Case cases[] = {
        {chat, {{"type", "file"}, {"file", {{"file_id", "f"}}}}, "gemini", R"("file")"},
        {responses,
         {{"type", "input_file"}, {"file_url", "https://a.example/b"}},
         "anthropic",
         R"("input_file")"},
        {anthropic,
         {{"type", "document"}, {"source", {{"type", "url"}, {"url", "https://a.example/b"}}}},
         "openai",
         R"("document")"},
        {gemini, {{"fileData", {{"fileUri", "https://a.example/b"}}}}, "openai", R"("fileData")"},
        {gemini,
         {{"inlineData", {{"mimeType", "video/mp4"}, {"data", "QUJD"}}}},
         "openai",
         "video/mp4"},
        {responses, document(responses, docx, "x"), "anthropic", "opendocument"},
        {responses, document(responses, docx, "x"), "gemini", "opendocument"},
        {gemini, document(gemini, "text/plain", ""), "openai", R"("inlineData")"},
        {gemini,
         {{"inlineData", {{"mimeType", "text/plain"}, {"data", "?"}}}},
         "openai",
         "no base64"},
    };
    for (const Case& each : cases) {
      CAPTURE(each.part.dump());
      for (const bool as_result : {false, true}) {
        if (as_result && each.from == chat) continue;
        const Json body =
            as_result ? resulting(each.from, each.part) : asking(each.from, each.part);
        const auto wire = sent(each.from, body, each.dialect);
        REQUIRE(!wire.ok());
        CHECK(wire.error().code == "unsupported");
        CHECK(wire.error().message.find(each.words) != std::string::npos);
      }
    }
    // Of its own format the provider itself says what it thinks of it.
    const Json named = {{"type", "file"}, {"file", {{"file_id", "f"}}}};
    CHECK(last_part(chat, Json::parse(sent(chat, asking(chat, named), "groq")->body)) == named);
    // OpenAI's two formats know the same files.
    CHECK(sent(chat, asking(chat, document(chat, docx, "x")), "openai-responses").ok());
  }

  TEST_CASE("sound goes between OpenAI's chat and Gemini, and is refused elsewhere") {
    const std::string data = to_base64("RIFF, a sound that is a text");
    const Json heard = {{"type", "input_audio"},
                        {"input_audio", {{"data", data}, {"format", "wav"}}}};
    const Json spoken = {{"inlineData", {{"mimeType", "audio/mpeg"}, {"data", data}}}};
    CHECK(last_part(gemini, sent_body(chat, asking(chat, heard), "gemini")) ==
          Json{{"inlineData", {{"mimeType", "audio/wav"}, {"data", data}}}});
    CHECK(last_part(chat, sent_body(gemini, asking(gemini, spoken), "openai")) ==
          Json{{"type", "input_audio"}, {"input_audio", {{"data", data}, {"format", "mp3"}}}});
    CHECK(last_part(chat, sent_body(chat, asking(chat, heard), "openai")) == heard);
    CHECK(last_part(gemini, sent_body(gemini, asking(gemini, spoken), "gemini")) == spoken);
    for (const char* name : {"anthropic", "openai-responses"}) {
      const auto wire = sent(chat, asking(chat, heard), name);
      CHECK(wire.error().message ==
            std::string(name) + " cannot take audio in the request (audio/wav)");
    }
    // What it costs is not known: whoever says it, and in whichever place.
    Json history = asking(chat, heard);
    history["messages"][0]["role"] = "assistant";
    Json thought = asking(gemini, spoken);
    thought["contents"][0]["role"] = "model";
    const std::pair<WireFormat, Json> unpriced[] = {{chat, asking(chat, heard)},
                                                    {chat, history},
                                                    {gemini, asking(gemini, spoken)},
                                                    {gemini, thought},
                                                    {gemini, resulting(gemini, spoken)}};
    for (const auto& each : unpriced) {
      const auto request = decode_client_request(each.first, each.second.dump());
      REQUIRE(request.ok());
      for (const char* name : {"openai", "gemini"}) {
        if (find_dialect(name)->format != each.first &&
            each.second.dump().find("user") == std::string::npos)
          continue;  // another format's history is left behind
        Target target;
        target.dialect = find_dialect(name);
        target.model = "m-3";
        target.prices_sound = false;
        CAPTURE(name);
        CAPTURE(each.second.dump());
        CHECK(encode_request(*request, target).error().message ==
              std::string(name) +
                  " cannot take audio for the model m-3: what it costs there is not known");
      }
    }
    const Json flac = {{"inlineData", {{"mimeType", "audio/flac"}, {"data", data}}}};
    CHECK(sent(gemini, asking(gemini, flac), "openai").error().code == "unsupported");
    CHECK(sent(gemini, asking(gemini, spoken), "groq").error().code == "unsupported");
  }

  TEST_CASE("a model whose card reads no documents is sent none, in whatever format") {
    for (const WireFormat format : formats) {
      const Json pdf = asking(format, document(format, "application/pdf", small_pdf));
      const auto request = decode_client_request(format, pdf.dump());
      REQUIRE(request.ok());
      for (const char* name : {"openai", "openai-responses", "anthropic", "gemini"}) {
        Target target;
        target.dialect = find_dialect(name);
        target.model = "m-3";
        CAPTURE(name);
        CHECK(encode_request(*request, target).ok());
        target.takes_documents = false;
        const auto refused = encode_request(*request, target);
        REQUIRE(!refused.ok());
        CHECK(refused.error().code == "unsupported");
        CHECK(refused.error().message ==
              std::string(name) + " cannot take a document for the model m-3, which reads none");
      }
    }
  }
}
