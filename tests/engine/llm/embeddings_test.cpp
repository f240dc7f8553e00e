#include "engine/llm/embeddings.hpp"

#include <doctest/doctest.h>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/decoder.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

EmbeddingRequest request_of(std::string_view members) {
  auto request = decode_embedding_request(R"({"model":"small",)" + std::string(members) + "}");
  REQUIRE_MESSAGE(request.ok(), request.error().message);
  return std::move(*request);
}

constexpr std::int64_t read_bytes_max = 4 << 20;

Result<WireRequest> sent(const EmbeddingRequest& request, std::string_view dialect,
                         std::int64_t dimensions = 0) {
  return encode_embedding_request(request,
                                  {.dialect = find_dialect(dialect), .model = "target-model"},
                                  dimensions, read_bytes_max);
}

std::string body_of(const EmbeddingRequest& request, std::string_view dialect) {
  const auto wire = sent(request, dialect);
  REQUIRE_MESSAGE(wire.ok(), wire.error().message);
  return wire->body;
}

// What a provider's whole answer is told as.
ChatAnswer answer_of(std::string_view dialect, std::string_view body, int status = 200) {
  Decoder decoder(*find_dialect(dialect));
  decoder.read_by(embedding_decoder(find_dialect(dialect)->format));
  decoder.head(status, {}, 0);
  ChatEvents events;
  decoder.feed(body, events);
  decoder.end(events);
  ChatAnswer answer;
  for (const ChatEvent& event : events)
    fold(answer, event, decoder.format());
  return answer;
}

}  // namespace

TEST_SUITE("llm/embeddings") {
  TEST_CASE("an input is a text, texts, tokens or lists of tokens") {
    CHECK(request_of(R"("input":"north")").inputs == std::vector<std::string>{"north"});
    const EmbeddingRequest texts = request_of(R"("input":["north","south"],"user":"ada",
        "encoding_format":"base64","dimensions":256,"input_type":"query","dimensions_":null)");
    CHECK(texts.inputs == std::vector<std::string>{"north", "south"});
    CHECK(!texts.by_tokens);
    CHECK(texts.as_base64);
    CHECK(texts.dimensions == 256);
    const EmbeddingRequest tokens = request_of(R"("input":[5, 7],"encoding_format":"float")");
    CHECK(tokens.by_tokens);
    CHECK(!tokens.as_base64);
    CHECK(tokens.inputs == std::vector<std::string>{"[5,7]"});
    CHECK(request_of(R"("input":[[5],[7,8]])").inputs == std::vector<std::string>{"[5]", "[7,8]"});
  }

  TEST_CASE("what is no input is refused with its place") {
    const std::pair<const char*, const char*> bad[] = {
        {R"("encoding_format":"float")", "input"},
        {R"("input":[])", "input"},
        {R"("input":7)", "input"},
        {R"("input":["a",7])", "input[1]"},
        {R"("input":[7,"a"])", "input[0]"},
        {R"("input":[[7],[-1]])", "input[1]"},
        {R"("input":[[7],[]])", "input[1]"},
        {R"("input":"a","encoding_format":"int8")", "encoding_format"},
        {R"("input":"a","dimensions":0)", "dimensions"},
        {R"("input":"a","dimensions":70000)", "dimensions"},
    };
    for (const auto& bad_one : bad) {
      const auto request =
          decode_embedding_request(R"({"model":"m",)" + std::string(bad_one.first) + "}");
      CAPTURE(bad_one.first);
      REQUIRE(!request.ok());
      CHECK(request.error().code == "bad_request");
      CHECK(request.error().path == bad_one.second);
    }
    CHECK(decode_embedding_request(R"({"input":"a"})").error().path == "model");
    std::string many = R"({"model":"m","input":[)";
    for (std::size_t i = 0; i <= embedding_inputs_max; ++i)
      many += i == 0 ? "\"a\"" : ",\"a\"";
    const auto request = decode_embedding_request(many + "]}");
    REQUIRE(!request.ok());
    CHECK(request.error().message.find("2048 inputs at most") != std::string::npos);
  }

  TEST_CASE("Google's clients ask for one embedding or a batch, of any target") {
    const std::string a = R"("content":{"role":"user","parts":[{"text":"a"}]})";
    const std::string b = R"("content":{"parts":[{"text":"b"}]})";
    const std::string set = R"(,"taskType":"CLUSTERING","outputDimensionality":8)";
    const auto one = decode_gemini_embedding_request("{" + a + set + "}", false);
    REQUIRE_MESSAGE(one.ok(), one.error().message);
    CHECK(one->inputs == std::vector<std::string>{"a"});
    CHECK(body_of(*one, "gemini") ==
          R"({"requests":[{"model":"models/target-model","content":{"parts":[{"text":"a"}]},)"
          R"("taskType":"CLUSTERING","outputDimensionality":8}]})");
    CHECK(sent(*one, "openai").error().message == "taskType: openai takes none.");
    const auto both = decode_gemini_embedding_request(
        R"({"requests":[{"model":"models/x",)" + a + "},{" + b + "}]}", true);
    REQUIRE_MESSAGE(both.ok(), both.error().message);
    CHECK(both->inputs == std::vector<std::string>{"a", "b"});
    CHECK(body_of(*both, "openai") ==
          R"({"model":"target-model","input":["a","b"],"encoding_format":"base64"})");
    const std::pair<std::string, const char*> bad[] = {
        {"{}", "requests"},
        {R"({"requests":[]})", "requests"},
        {R"({"requests":[5]})", "requests[0]"},
        {R"({"requests":[{"content":{"parts":[]}}]})", "requests[0].content.parts"},
        {R"({"requests":[{"content":{"parts":[{"text":"a"},{"inlineData":{}}]}}]})",
         "requests[0].content.parts[1]"},
        {R"({"requests":[{)" + a + R"(,"title":5}]})", "requests[0].title"},
        {R"({"requests":[{)" + a + R"(,"title":"t","embedContentConfig":{}}]})",
         "requests[0].title"},
        {R"({"requests":[{)" + a + R"(,"embedContentConfig":{"documentOcr":true}}]})",
         "requests[0].embedContentConfig.documentOcr"},
        {R"({"requests":[{)" + a + "},{" + a + R"(,"title":"t"}]})", "requests[1].title"},
        {R"({"requests":[{)" + a + R"(,"output_dimensionality":0}]})",
         "requests[0].outputDimensionality"},
        {R"({"requests":[{)" + a + "},{" + b + set + "}]}", "requests[1].taskType"},
    };
    for (const auto& bad_one : bad) {
      const auto request = decode_gemini_embedding_request(bad_one.first, true);
      CAPTURE(bad_one.first);
      REQUIRE(!request.ok());
      CHECK(request.error().path == bad_one.second);
    }
    const ChatAnswer answer = answer_of(
        "openai", R"({"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[0.5,1]}],)"
                  R"("usage":{"prompt_tokens":3,"total_tokens":3}})");
    CHECK(encode_gemini_embeddings(answer, true, 9) ==
          R"({"embeddings":[{"values":[0.5,1]},{"values":[2]}],)"
          R"("usageMetadata":{"promptTokenCount":3}})");
    CHECK(encode_gemini_embeddings(answer, false, 9) ==
          R"({"embedding":{"values":[0.5,1]},"usageMetadata":{"promptTokenCount":3}})");
  }

  TEST_CASE("one content has one vector, whatever its parts; several contents have several") {
    const std::string two = R"("content":{"parts":[{"text":"a"},{"text":""},{"text":"b\nc"}]})";
    const auto one = decode_gemini_embedding_request(
        R"({"requests":[{"content":{"parts":[{"text":"x"}]}},{)" + two + "}]}", true);
    REQUIRE_MESSAGE(one.ok(), one.error().message);
    CHECK(one->inputs == std::vector<std::string>{"x", "a\n\nb\nc"});
    CHECK(body_of(*one, "gemini") ==
          R"({"requests":[{"model":"models/target-model","content":{"parts":[{"text":"x"}]}},)"
          R"({"model":"models/target-model","content":{"parts":[{"text":"a"},{"text":""},)"
          R"({"text":"b\nc"}]}}]})");
    CHECK(body_of(*one, "openai") ==
          R"({"model":"target-model","input":["x","a\n\nb\nc"],"encoding_format":"base64"})");
  }

  TEST_CASE("a task and a title go to Gemini's models, wherever they stand") {
    const char* const told =
        R"({"requests":[{"model":"models/target-model","content":{"parts":[{"text":"a"}]},)"
        R"("taskType":"RETRIEVAL_DOCUMENT","title":"t","outputDimensionality":8}]})";
    const std::string content = R"({"content":{"parts":[{"text":"a"}]},)";
    for (const char* settings :
         {R"("taskType":"RETRIEVAL_DOCUMENT","title":"t","outputDimensionality":8})",
          R"("embedContentConfig":{"taskType":"RETRIEVAL_DOCUMENT","title":"t",)"
          R"("outputDimensionality":8,"autoTruncate":true}})"}) {
      const auto request = decode_gemini_embedding_request(content + settings, false);
      REQUIRE_MESSAGE(request.ok(), request.error().message);
      CHECK(body_of(*request, "gemini") == told);
      CHECK(sent(*request, "openai").error().message == "taskType: openai takes none.");
    }
    const auto titled = decode_gemini_embedding_request(content + R"("title":"t"})", false);
    CHECK(sent(*titled, "mistral").error().message == "title: mistral takes none.");
    CHECK(body_of(request_of(R"("input":"a","task_type":"CLUSTERING")"), "gemini") ==
          R"({"requests":[{"model":"models/target-model","content":{"parts":[{"text":"a"}]},)"
          R"("taskType":"CLUSTERING"}]})");
  }

  TEST_CASE("each provider is asked in its own words") {
    const EmbeddingRequest request = request_of(R"("input":["a"],"dimensions":8,"truncate":"END")");
    CHECK(sent(request, "openai")->url == "https://api.openai.com/v1/embeddings");
    CHECK(body_of(request, "openai") ==
          R"({"model":"target-model","input":["a"],"encoding_format":"base64","dimensions":8,)"
          R"("truncate":"END"})");
    CHECK(body_of(request, "mistral").find(R"("output_dimension":8)") != std::string::npos);
    CHECK(
        sent(request, "gemini")->url ==
        "https://generativelanguage.googleapis.com/v1beta/models/target-model:batchEmbedContents");
    CHECK(body_of(request, "gemini") ==
          R"({"requests":[{"model":"models/target-model","content":{"parts":[{"text":"a"}]},)"
          R"("outputDimensionality":8}]})");
    CHECK(body_of(request_of(R"("input":[[5],[7,8]])"), "vllm") ==
          R"({"model":"target-model","input":[[5],[7,8]],"encoding_format":"base64"})");
  }

  TEST_CASE("what a target cannot give is refused before it is asked") {
    const auto refused = [](std::string_view members, std::string_view dialect,
                            std::int64_t dimensions = 0) {
      const auto wire = sent(request_of(members), dialect, dimensions);
      REQUIRE(!wire.ok());
      CHECK(wire.error().code == "unsupported");
      return wire.error().message;
    };
    for (const char* none : {"anthropic", "groq", "deepseek", "xai", "huggingface"})
      CHECK(refused(R"("input":"a")", none) ==
            std::string(none) + " has no embeddings: ask a model of another provider.");
    for (const char* texts_alone : {"gemini", "mistral", "cohere", "ollama", "nim"})
      CHECK(refused(R"("input":[5])", texts_alone) ==
            "input: " + std::string(texts_alone) + " takes texts, not tokens.");
    CHECK(refused(R"("input":"a","dimensions":8)", "cohere") == "dimensions: cohere takes none.");
    std::string many = R"("input":["a")";
    for (std::size_t i = 0; i < gemini_embedding_inputs_max; ++i)
      many += ",\"a\"";
    CHECK(refused(many + "]", "gemini").find("100 texts in one request at most") !=
          std::string::npos);
    // An answer that could not be read would be paid all the same.
    std::string longest = R"("input":["a")";
    for (int i = 0; i < 1'999; ++i)
      longest += ",\"a\"";
    longest += "]";
    CHECK(refused(longest, "openai", 3'072) ==
          "input: 2000 vectors of 3072 numbers are more than the 349525 of one answer; ask with "
          "fewer inputs, or with encoding_format base64.");
    CHECK(refused(longest + R"(,"encoding_format":"base64")", "openai", 3'072)
              .find("699050 of one answer; ask with fewer inputs.") != std::string::npos);
    // 512 vectors of 1,536 numbers are 4.2 MB of base64: refused before they are paid.
    CHECK(refused(longest + R"(,"encoding_format":"base64","dimensions":400)", "openai")
              .find("2000 vectors of 400 numbers") != std::string::npos);
    CHECK(sent(request_of(longest + R"(,"encoding_format":"base64","dimensions":256)"), "openai",
               3'072)
              .ok());
  }

  TEST_CASE("members beside are closed by default") {
    const auto nobody = PassThrough::parse({});
    EmbeddingRequest taken = request_of(
        R"("input":"a","user":"ada","input_type":"query","truncate":null,"priority":false)");
    REQUIRE(hold_to_allowed(taken, *nobody).ok());
    CHECK(taken.extra == R"({"input_type":"query","truncate":null})");
    EmbeddingRequest refused = request_of(R"("input":"a","service_tier":"priority")");
    const auto held = hold_to_allowed(refused, *nobody);
    REQUIRE(!held.ok());
    CHECK(held.error().code == "not_allowed");
    CHECK(held.error().message.find("models.pass_through: [\"openai:embeddings.service_tier\"]") !=
          std::string::npos);
    const std::vector<std::string> opened{"openai:embeddings.service_tier"};
    CHECK(hold_to_allowed(refused, *PassThrough::parse(opened)).ok());
  }

  TEST_CASE("an answer's vectors come in the order of the inputs, as the client wants them") {
    const ChatAnswer base64 =
        answer_of("openai",
                  R"({"object":"list","model":"text-embedding-3-small","data":[
            {"object":"embedding","index":1,"embedding":"AACAPw=="},
            {"object":"embedding","index":0,"embedding":"AACAPwAAIMDNzMw9"}],
            "usage":{"prompt_tokens":9,"total_tokens":9}})");
    REQUIRE(base64.finished);
    REQUIRE(!base64.failure);
    CHECK(base64.usage.input == 9);
    CHECK(base64.usage.output == 0);
    // Mistral's SDKs read no answer without an id: the same answer has the same.
    CHECK(encode_embeddings(base64, {.model = "small"}, true, 0) ==
          R"({"id":"embd-1874af0909fba25b","object":"list","data":[)"
          R"({"object":"embedding","index":0,"embedding":"AACAPwAAIMDNzMw9"},)"
          R"({"object":"embedding","index":1,"embedding":"AACAPw=="}],)"
          R"("model":"small","usage":{"prompt_tokens":9,"total_tokens":9}})");
    CHECK(encode_embeddings(base64, {.id = "e1", .model = {}}, false, 0) ==
          R"({"id":"e1","object":"list","data":[)"
          R"({"object":"embedding","index":0,"embedding":[1.0,-2.5,0.1]},)"
          R"({"object":"embedding","index":1,"embedding":[1.0]}],)"
          R"("model":"text-embedding-3-small","usage":{"prompt_tokens":9,"total_tokens":9}})");

    const ChatAnswer listed =
        answer_of("gemini", R"({"embeddings":[{"values":[1, -2.5, 0.1]}, {"values":[1e0]}]})");
    REQUIRE(listed.finished);
    CHECK(!listed.usage.reported);
    const std::string told = encode_embeddings(listed, {.model = "small"}, true, 7);
    CHECK(told.find(R"("AACAPwAAIMDNzMw9")") != std::string::npos);
    CHECK(told.find(R"("prompt_tokens":7)") != std::string::npos);
    CHECK(encode_embeddings(listed, {}, false, 7).find("[1, -2.5, 0.1]") != std::string::npos);
    CHECK(answer_of("gemini", R"({"embeddings":[{"values":[1]}],
        "usageMetadata":{"promptTokenCount":4}})")
              .usage.input == 4);
  }

  TEST_CASE("what is no list of vectors is a failure") {
    for (const char* body :
         {R"({"data":[]})", R"({"data":[{"embedding":["a"]}]})", R"({"data":[{"embedding":[]}]})",
          R"({"data":[{"index":5,"embedding":[1]}]})", R"({"object":"list"})",
          R"({"data":[{"embedding":{"float":[1]}}]})",
          // No base64, no whole floats, and floats that are no numbers.
          R"({"data":[{"embedding":"so it goes"}]})", R"({"data":[{"embedding":"AACA"}]})",
          R"({"data":[{"embedding":"AACAPwA="}]})", R"({"data":[{"embedding":"AADAfw=="}]})",
          R"({"data":[{"embedding":"AACAfw=="}]})", R"({"data":[{"embedding":[1e300]}]})",
          R"({"data":[{"embedding":[1,"AACAPw=="]}]})"}) {
      CAPTURE(body);
      const ChatAnswer answer = answer_of("openai", body);
      REQUIRE(answer.failure);
      CHECK(answer.failure->failure_class == FailureClass::malformed);
    }
    // As some writers of JSON and of base64 have it.
    const ChatAnswer escaped = answer_of("openai", R"({"data":[{"embedding":"zcz\/Pw"}]})");
    REQUIRE(!escaped.failure);
    CHECK(encode_embeddings(escaped, {}, true, 0).find(R"("zcz/Pw==")") != std::string::npos);
    const ChatAnswer refused = answer_of(
        "openai", R"({"error":{"message":"too long","type":"invalid_request_error"}})", 400);
    REQUIRE(refused.failure);
    CHECK(refused.failure->failure_class == FailureClass::bad_request);
  }
}
