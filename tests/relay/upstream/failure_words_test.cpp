#include "relay/upstream/failure_words.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/llm/context_overflow.hpp"
#include "engine/llm/failure.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::upstream;
using enum llm::FailureClass;

namespace {
const std::string key = "sk-proj-Qz7xK2m9_vB4tLw8RfYc1HdJ6nPs3Ga5";
const SecretTexts keys{key};

llm::ChatFailure of(llm::FailureClass failure_class, std::string message, std::string code = "",
                    std::string param = "") {
  llm::ChatFailure failure = llm::local_failure(failure_class, std::move(message));
  failure.code = std::move(code);
  failure.param = std::move(param);
  failure.request_id = "req_secret";
  return failure;
}
}  // namespace

TEST_SUITE("failure words") {
  TEST_CASE("no text of a provider leaves but of a request that is at fault") {
    const std::string text = "a text of the provider's";
    for (int i = 0; i <= static_cast<int>(cut); ++i) {
      const auto failure_class = static_cast<llm::FailureClass>(i);
      CAPTURE(llm::failure_name(failure_class));
      const auto for_client =
          failure_for_client(of(failure_class, text, "their_code", "tools"), keys);
      const bool own_fault = failure_class == bad_request || failure_class == too_large;
      CHECK((for_client.message == text) == own_fault);
      CHECK((for_client.code == "their_code") == own_fault);
      CHECK((for_client.param == "tools") == own_fault);
      CHECK_FALSE(for_client.message.empty());
      CHECK(for_client.request_id.empty());
    }
    CHECK(failure_for_client(of(unauthorized, text), keys).failure_class == server_error);
    CHECK(failure_for_client(of(no_quota, text), keys).failure_class == server_error);
    CHECK(failure_for_client(of(not_found, text), keys).failure_class == server_error);
  }

  TEST_CASE("what helps who asked is told") {
    for (const std::string text : {
             "Missing required parameter: 'messages[0].content[0].type'.",
             "messages.1.content.0.type: Field required",
             "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
             "default (1) value is supported.",
             "max_tokens is too large: 300000. This model supports at most 16384 completion "
             "tokens, whereas you provided 300000.",
             "prompt is too long: 210543 tokens > 200000 maximum",
             "* GenerateContentRequest.contents: contents is not specified\n",
             "Invalid schema for function 'move': In context=('properties', 'to'), "
             "'additionalProperties' is required to be supplied and to be false.",
             "Invalid MIME type. Only image/png, image/jpeg and/or image/svg+xml are supported",
             "The model gemini-2.5-flash or claude-3-5-sonnet-20241022 does not take top_k.",
             "No tool output found for function call call_9fK2mX7bQ1zL4tW8rY3n.",
             "tool_use ids were found without tool_result blocks immediately after: "
             "toolu_01A09q90qw90lq917835lq9. Each must have one.",
             "no such tool",
             // Recorded.
             "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got "
             "-1 "
             "instead.",
             "The file type you uploaded is not supported. Please try again with a pdf",
             "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
             "This model does not support effort level 'xhigh'. Supported levels: high, low, max, "
             "medium.",
             "Tool call validation failed: tool call validation failed: parameters for tool move "
             "did "
             "not match schema: errors: [missing properties: 'name', additionalProperties 'to' not "
             "allowed]",
         }) {
      CAPTURE(text);
      CHECK(is_harmless(text));
      const std::string_view own[] = {"move"};
      CHECK(has_known_words_only(text, own));
    }
    const auto for_client = failure_for_client(
        of(bad_request, "* a: is\n  wrong\n", "invalid_value", "tools[0].function.name"), keys);
    CHECK(for_client.message == "* a: is wrong");
    CHECK(for_client.code == "invalid_value");
    CHECK(for_client.param == "tools[0].function.name");
    const auto long_one = failure_for_client(of(
                                                 bad_request, std::string("word") +
                                                                  [] {
                                                                    std::string words;
                                                                    for (int i = 0; i < 300; ++i)
                                                                      words += " word";
                                                                    return words;
                                                                  }()),
                                             keys);
    CHECK(long_one.message.ends_with(" word ..."));
    CHECK(long_one.message.size() <= client_text_bytes_max + 4);
  }

  // As the providers' documentation, SDKs and answers have them.
  constexpr std::string_view standard_texts[] = {
      // clang-format off
      R"(Invalid schema for function 'ping': In context=(), 'required' is required to be supplied and to be an array including every key in properties. Missing 'unit'.)",
      R"(Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.)",
      R"(An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_abc123)",
      R"(Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.)",
      R"(Invalid image data.)",
      R"(You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].)",
      R"(The image data you provided does not represent a valid image. Please check your input and try again with one of the following image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].)",
      R"(Error while downloading the image. Check that the URL points to an image.)",
      R"(Unknown parameter: 'reasoning.format'.)",
      R"(Invalid value: 'foo'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.)",
      R"(Invalid type for 'temperature': expected a decimal, but got a string instead.)",
      R"(Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, but got an empty string instead.)",
      R"(Invalid 'messages': array too long. Expected an array with maximum length 2048, but got an array with length 3000 instead.)",
      R"(Duplicate item found with id rs_123. Remove duplicate items from your input and try again.)",
      R"(Item 'rs_68c42de022c881948db7ed1cc2529f2e0202c9ad459e0d23' of type 'reasoning' was provided without its required following item.)",
      R"(No tool call found for function call output with call_id call_abc123.)",
      R"(Previous response with id 'resp_abc123' not found.)",
      R"('messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.)",
      R"(Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.)",
      R"(The requested combination of 'stop' and 'stream' is not available for reasoning models.)",
      R"(Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.)",
      R"(messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.)",
      R"(`temperature` and `top_p` cannot both be specified for this model. Please use only one.)",
      R"(This model does not support assistant message prefill. The conversation must end with a user message.)",
      R"(messages.0.content.0.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels)",
      R"(messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes)",
      R"(tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use.)",
      R"(Thinking may not be enabled when tool_choice forces tool use.)",
      R"(messages: final assistant content cannot end with trailing whitespace)",
      R"(messages: text content blocks must contain non-whitespace text)",
      R"(messages: text content blocks must be non-empty)",
      R"(messages.0.content.0.text: cache_control cannot be set for empty text blocks)",
      R"(A maximum of 4 blocks with cache_control may be provided. Found 5.)",
      R"(tools: Tool names must be unique.)",
      R"(messages: first message must use the "user" role)",
      R"(messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row)",
      R"(messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`.)",
      R"(messages.1.content.0: Invalid `signature` in `thinking` block)",
      R"(`max_tokens` must be greater than `thinking.budget_tokens`.)",
      R"(thinking.enabled.budget_tokens: Input should be greater than or equal to 1024)",
      R"(`temperature` may only be set to 1 when thinking is enabled.)",
      R"(max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet-20241022)",
      R"(`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.)",
      R"(system: Input should be a valid string)",
      R"(messages.0.role: Input should be 'user' or 'assistant')",
      R"(foo: Extra inputs are not permitted)",
      R"(Streaming is strongly recommended for operations that may take longer than 10 minutes.)",
      R"(Unable to download the file. Please verify the URL and try again.)",
      R"(Could not process image)",
      R"(Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.)",
      R"(Please ensure that function call turn comes immediately after a user turn or after a function response turn.)",
      R"(Please ensure that single turn requests end with a user role or the role field is empty.)",
      R"(Please use a valid role: user, model.)",
      R"(Invalid JSON payload received. Unknown name "const" at 'tools[0].function_declarations[0].parameters': Cannot find field.)",
      R"(Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), Base64 decoding failed for "x")",
      R"(Invalid value at 'generation_config.temperature' (TYPE_FLOAT), "x")",
      R"(* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type)",
      R"(* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.)",
      R"(* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.)",
      R"(Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting)",
      R"(Unable to submit request because it must have a text parameter. Add a text parameter and try again.)",
      R"(Function calling with a response mime type: 'application/json' is unsupported)",
      R"(Tool use with function calling is unsupported)",
      R"(Budget 0 is invalid. This model only works in thinking mode.)",
      R"(The thinking budget 50000 is invalid. Please choose a value between 512 and 24576.)",
      R"(Thinking level is not supported for this model.)",
      R"(Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance.)",
      R"(The specified schema produces a constraint that has too many states for serving. Typical causes of this error are schemas with lots of text, schemas with very long property or enum names, schemas with long array length limits, or schemas using complex value matchers.)",
      R"(Multiple candidates is not enabled for this model)",
      R"(Developer instruction is not enabled for models/gemma-3-27b-it)",
      R"(Logprobs is not enabled for this model)",
      R"(The input token count exceeds the maximum number of tokens allowed.)",
      R"(Unsupported MIME type: video/mp4)",
      R"(Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.)",
      R"(Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.)",
      R"('messages.0' : for 'role:user' the following must be satisfied[('messages.0.content' : value must be a string)])",
      R"(property 'foo' is unsupported)",
      R"(`reasoning_effort` must be one of `none` or `default`)",
      R"(response_format `json_schema` is not supported with this model. See supported models at https://console.groq.com/docs/structured-outputs)",
      R"(json mode cannot be combined with tool/function calling)",
      R"(Please reduce the length of the messages or completion.)",
      R"(Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant)",
      R"(Not the same number of function calls and responses)",
      R"(Tool call id has to be defined)",
      R"(Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.)",
      R"(Unexpected role 'user' after role 'tool')",
      R"(Unexpected tool call id call_1 in tool results)",
      R"(Assistant message must have either content or tool_calls, but not none.)",
      R"(Conversation roles must alternate user/assistant/user/assistant/...)",
      R"(Extra inputs are not permitted)",
      R"(Input should be a valid list)",
      R"(Field required)",
      R"("auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set)",
      R"(This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (1000 in the messages, 8000 in the completion). Please reduce the length of the messages or completion.)",
      R"(The `reasoning_content` in the thinking mode must be passed back to the API.)",
      R"(Messages with role 'tool' must be a response to a preceding message with 'tool_calls')",
      R"(deepseek-reasoner does not support this tool_choice)",
      R"(Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.)",
      R"(Invalid max_tokens value, the valid range of max_tokens is [1, 8192])",
      R"(Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected `text` at column 93)",
      R"(Argument not supported on this model: presencePenalty)",
      R"(Model grok-4 does not support parameter reasoning_effort.)",
      R"(Image URL must be a valid URL or a base64 encoded image.)",
      R"(Each message must have at least one content element.)",
      R"(Each tool must have a unique name.)",
      R"(Provider returned error)",
      R"(No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs)",
      R"(No endpoints found that support image input)",
      R"(Input required: specify "prompt" or "messages")",
      R"(Reasoning is mandatory for this endpoint and cannot be disabled.)",
      R"(The tools field exceeds the maximum array length of 128.)",
      R"(Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified)",
      // clang-format on
  };

  TEST_CASE("the standard texts of the providers about a request are told") {
    const std::string_view own[] = {"ping", "unit", "foo", "x"};
    for (const std::string_view text : standard_texts) {
      CAPTURE(text);
      const auto for_client = failure_for_client(of(bad_request, std::string(text)), keys, own);
      CHECK(for_client.message == text);
    }
  }

  TEST_CASE("the recorded refusals of requests are told") {
    int for_client = 0;
    int all = 0;
    for (const char* provider : {"anthropic", "openai", "google", "mistral", "groq", "deepseek",
                                 "openrouter", "cohere", "huggingface"}) {
      for (const auto& exchange : llm::testing::recorded(provider)) {
        if (exchange.status != 400 && exchange.status != 422) continue;
        const auto failure =
            llm::failure_from_body(exchange.status, exchange.body, exchange.headers, 0);
        if (failure.failure_class != bad_request) continue;
        // The names of its tools and of what they take are the client's own.
        const std::string_view own[] = {"get_something_by_name", "foo"};
        CAPTURE(exchange.id);
        CHECK(failure_for_client(failure, keys, own).message == failure.message);
        for_client += failure_for_client(failure, keys, own).message == failure.message ? 1 : 0;
        ++all;
      }
    }
    MESSAGE(for_client, " of ", all, " recorded texts are told");
  }

  TEST_CASE("of an overflow of the context only the numbers are the provider's") {
    llm::ChatFailure failure =
        of(too_large, "acme: prompt is too long: 210000 tokens > 200000 maximum",
           std::string(llm::context_overflow_code), "messages");
    const auto for_client = failure_for_client(failure, keys);
    CHECK(llm::is_context_overflow(for_client));
    CHECK(for_client.message == "prompt is too long: 210000 tokens > 200000 maximum");
    CHECK(for_client.param == "messages");
    CHECK(for_client.status == 400);
    // With a key of ours about, not even those; clients know it all the same.
    failure.message += " " + key;
    const auto silent = failure_for_client(failure, keys);
    CHECK(llm::is_context_overflow(silent));
    CHECK_FALSE(llm::context_numbers(silent.message));
    CHECK(silent.param.empty());
  }

  TEST_CASE("a refusal by policy keeps the code that clients know, and no other") {
    for (const char* code : {"content_policy_violation", "content_filter", "invalid_prompt"}) {
      const auto for_client = failure_for_client(of(filtered, "flagged by acme", code), keys);
      CHECK(for_client.code == code);
      CHECK(for_client.message == llm::failure_words(filtered));
    }
    CHECK(failure_for_client(of(filtered, "x", "acme_policy"), keys).code ==
          llm::failure_name(filtered));
  }

  TEST_CASE("what does no better a second later is told so, whatever class it is told as") {
    for (int i = 0; i <= static_cast<int>(cut); ++i) {
      const auto failure_class = static_cast<llm::FailureClass>(i);
      CAPTURE(llm::failure_name(failure_class));
      llm::ChatFailure failure = of(failure_class, "x");
      CHECK(failure_for_client(failure, keys).should_retry == llm::class_retries(failure_class));
      failure.should_retry = false;
      CHECK_FALSE(failure_for_client(failure, keys).should_retry);
    }
  }

  TEST_CASE("what is the operator's is not") {
    for (const std::string text : {
             "headers: {'Authorization': 'x'}",
             "Incorrect API key provided: sk-abc***xyz.",
             "key sk-ab...wxyz",
             "your token XXXXXXXXwxyz",
             "its last characters, ending in 3Ga5",
             "the one that ends with the characters 7, and no other",
             "see https://docs.claude.com/en/docs/tool-use/acme",
             "see https://json-schema.org.internal",
             "user/assistant/keys",
             "for org-9fK2mX7bQ1zL on requests",
             "in proj_9fK2mX7bQ1",
             "user-7f3 may not",
             "number 123456789012 has no access",
             "request 550e8400-e29b-41d4-a716-446655440000",
             "see https://platform.example/account",
             "upstream llm-7.prod said no",
             "upstream vllm.internal said no",
             "api.openai.com said no",
             "10.0.3.4 said no",
             "10.0.3.4:8080 said no",
             "vllm:8000 said no",
             "fe80::1 said no",
             "[2001:db8::7]:443 said no",
             "port 8080 is closed",
             "localhost is closed",
             "open /etc/provider/keys: denied",
             "open ../keys: denied",
             "C:\\keys is closed",
             "models/v1/weights",
             "projects/acme-internal",
             "Traceback (most recent call last)",
             "f\n    at Object.run (main)",
             "server.py: bad",
             "server.go:123: bad",
             "error in line 12, in run",
             "<html>Bad Gateway</html>",
             "write to admin@acme",
             "a\x1b[31mred",
             "turned \xE2\x80\xAE around",
             "un\xE2\x80\x8Bseen",
             "not \xff UTF-8",
             "9fK2mX7bQ1zL4tW8",
             "aHR0cHM6Ly9leGFtcGxl",
         }) {
      CAPTURE(text);
      CHECK_FALSE(is_harmless(text));
      const auto for_client = failure_for_client(of(bad_request, text, "code", "tools"), keys);
      CHECK(for_client.message == llm::failure_words(bad_request));
      CHECK(for_client.param == "tools");
    }
  }

  TEST_CASE("what nobody foresaw is not told, whatever it looks like") {
    for (const std::string text : {
             "Acme has no contract for this model",
             "the tenant globex is over its share",
             "ask Maria about it",
             "replica blue is down",
             "gateway eu west said no",
             "the value hunter2 is not valid",
             "the value is correct horse battery staple",
             "the name is tungsten",
             "internal host said no",
             "function 'move' is not valid",
             "the value is a1b2-c3d4-e5f6",
             "the value is a1b2-c3d4",
             "the number is 123456789",
             "the number is 1234-5678-9012",
             "d\xC3\xA9ploiement",
             "a \xE4\xB8\xAD text",
         }) {
      CAPTURE(text);
      CHECK_FALSE(has_known_words_only(text, {}));
      const auto for_client =
          failure_for_client(of(bad_request, text, "acme_code", "acme.name"), keys);
      CHECK(for_client.message == llm::failure_words(bad_request));
      CHECK(for_client.code == llm::failure_name(bad_request));
      CHECK(for_client.param.empty());
    }
    const std::string_view own[] = {"move"};
    CHECK(failure_for_client(of(bad_request, "function 'move' is not valid", "", "move"), keys, own)
              .message == "function 'move' is not valid");
  }

  TEST_CASE("a key that is spread over message, code and param takes them all away") {
    const auto for_client = failure_for_client(
        of(bad_request, "the first is " + key.substr(9, 6), "invalid_value", key.substr(17, 8)),
        keys);
    CHECK(for_client.message == llm::failure_words(bad_request));
    CHECK(for_client.code == llm::failure_name(bad_request));
    CHECK(for_client.param.empty());
  }
}
