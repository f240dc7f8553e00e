#include "engine/llm/text_completion.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/answer_heads.hpp"
#include "engine/llm/client_request.hpp"

namespace redoubt::llm {
namespace {

constexpr std::int64_t output_tokens_usual = 16;
// Of a request with several prompts, without them: it is sent on with each of them.
constexpr std::size_t list_rest_bytes_max = 64 * 1024;

// Empty where they are no texts.
std::vector<std::string> prompts_of(const Json& json) {
  const Json* prompt = member_of(json, "prompt");
  if (prompt == nullptr) return {};
  if (prompt->is_string()) return {prompt->get<std::string>()};
  if (!prompt->is_array()) return {};
  std::vector<std::string> prompts;
  for (const Json& each : *prompt) {
    if (!each.is_string()) return {};
    prompts.push_back(each.get<std::string>());
  }
  return prompts;
}

// What a chat model is not asked for. Null and what asks for nothing are as good as absent.
void refuse_unserved(const Json& json, RequestFault& fault) {
  if (const Json* suffix = member_of(json, "suffix"); suffix != nullptr && *suffix != "")
    fault.set("suffix", "none: chat models answer, which cannot go on before a text", suffix);
  if (const Json* echo = member_of(json, "echo"); echo != nullptr && *echo != false)
    fault.set("echo", "false", echo);
  if (const Json* probabilities = member_of(json, "logprobs"))
    fault.set("logprobs", "null: chat models answer, which do not tell them so", probabilities);
  if (const Json* best = member_of(json, "best_of"); best != nullptr && *best != 1)
    fault.set("best_of", "1", best);
}

std::string_view reason_word(FinishReason reason) {
  return openai_reason_word(reason == FinishReason::tool_calls ? FinishReason::stop : reason);
}

void write_head(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  out.open_object();
  write_openai_head(answer, stamp, "text_completion", out);
  out.open_array("choices");
}

void write_choice(std::string_view text, std::string_view reason, std::int64_t index,
                  JsonWriter& out) {
  out.open_object();
  out.integer("index", index);
  out.text("text", text);
  out.key("logprobs");
  out.null();
  out.key("finish_reason");
  if (reason.empty()) {
    out.null();
  } else {
    out.text(reason);
  }
  out.close_object();
}

void write_usage(const Usage& usage, JsonWriter& out) {
  out.open_object("usage");
  out.integer("prompt_tokens", usage.input);
  out.integer("completion_tokens", usage.output);
  out.integer("total_tokens", usage.input + usage.output);
  out.close_object();
}

void append_chunk(const AnswerStream& stream, std::string_view text, std::string_view reason,
                  std::int32_t index, std::string& out) {
  JsonWriter chunk;
  write_head(stream.answer, stream.stamp, chunk);
  write_choice(text, reason, index, chunk);
  chunk.close_array();
  chunk.close_object();
  append_sse(out, {}, chunk.take());
}

void append_end(const AnswerStream& stream, std::string& out) {
  if (stream.include_usage) {
    JsonWriter chunk;
    write_head(stream.answer, stream.stamp, chunk);
    chunk.close_array();
    write_usage(stream.answer.usage, chunk);
    chunk.close_object();
    append_sse(out, {}, chunk.take());
  }
  append_sse(out, {}, "[DONE]");
}

}  // namespace

Result<TextCompletionRequest> decode_text_completion_request(std::string_view body) {
  auto parsed = parse_client_body(body);
  if (!parsed.ok()) return std::move(parsed.error());
  Json& json = *parsed;
  RequestFault fault;
  if (!json.is_object()) {
    fault.set("body", "an object", &json);
    return std::move(*fault.error);
  }
  std::vector<std::string> prompts = prompts_of(json);
  if (prompts.empty()) fault.set("prompt", "a text, or a list of texts", member_of(json, "prompt"));
  refuse_unserved(json, fault);
  for (const char* chats : {"messages", "tools", "functions", "response_format"}) {
    if (const Json* member = member_of(json, chats))
      fault.set(chats, "nothing: it is of /v1/chat/completions", member);
  }
  if (fault.error) return std::move(*fault.error);

  const Json given = json["prompt"];
  for (const char* done : {"prompt", "suffix", "echo", "logprobs", "best_of"})
    json.erase(done);
  // Without its prompt, which may be most of the body.
  json["messages"] = Json::array({{{"role", "user"}, {"content", ""}}});
  if (member_of(json, "max_tokens") == nullptr) json["max_tokens"] = output_tokens_usual;
  const std::string rest = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (prompts.size() > 1 && rest.size() > list_rest_bytes_max) {
    fault.set(
        "prompt",
        joined({"one text, where the rest of the request is over ", list_rest_bytes_max, " bytes"}),
        &given);
    return std::move(*fault.error);
  }
  auto common = decode_client_request(WireFormat::openai_chat, rest);
  if (!common.ok()) return std::move(common.error());
  if (static_cast<std::int64_t>(prompts.size()) > answers_max / common->answers) {
    fault.set("prompt", joined({"prompts for ", answers_max, " answers together (n of each)"}),
              &given);
    return std::move(*fault.error);
  }
  return TextCompletionRequest{std::move(*common), std::move(prompts)};
}

void put_prompt(ChatRequest& request, std::string prompt) {
  request.messages.front().parts.front().text = std::move(prompt);
}

std::string encode_text_completion(const ChatAnswer& answer, const AnswerStamp& stamp) {
  JsonWriter out;
  write_head(answer, stamp, out);
  write_choice(answer_text(answer), reason_word(answer.reason), 0, out);
  for (std::size_t i = 0; i < answer.others.size(); ++i) {
    const ChatAnswer& other = answer.others[i];
    write_choice(answer_text(other), reason_word(other.reason), static_cast<std::int64_t>(i) + 1,
                 out);
  }
  out.close_array();
  if (answer.usage.reported) write_usage(answer.usage, out);
  out.close_object();
  return out.take();
}

void encode_text_completion_event(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  switch (event.kind) {
    case EventKind::started:
      hear_start(stream, event);
      break;
    case EventKind::text:
      if (!event.text.empty()) append_chunk(stream, event.text, {}, event.answer, out);
      break;
    case EventKind::usage:
      stream.answer.usage = event.usage;
      break;
    case EventKind::answer_finished:
      append_chunk(stream, {}, reason_word(event.reason), event.answer, out);
      break;
    case EventKind::finished:
      append_chunk(stream, {}, reason_word(event.reason), event.answer, out);
      append_end(stream, out);
      break;
    case EventKind::failed: {
      JsonWriter error;
      if (event.failure) write_openai_error(*event.failure, error);
      append_sse(out, {}, error.take());
      break;
    }
    case EventKind::heartbeat:
      out += ": waiting\n\n";
      break;
    default:  // thoughts, calls and what a provider tells have no place in a text
      break;
  }
}

}  // namespace redoubt::llm
