#include "tools/mock-upstream/answers.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "tools/mock-upstream/provider_checks.hpp"

namespace redoubt::mock {

namespace {

constexpr std::size_t body_bytes_max = 64 << 20;
constexpr std::int64_t created_s = 1'767'225'600;  // 2026-01-01T00:00:00Z

struct Tokens {
  std::int64_t input;
  std::int64_t output;
};

Tokens tokens_of(const Prompt& prompt, const Answer& answer) {
  std::size_t said = answer.text.size();
  for (const auto& call : answer.tool_calls)
    said += call.name.size() + call.arguments.size();
  const std::int64_t each =
      answer.output_tokens >= 0 ? answer.output_tokens : static_cast<std::int64_t>(said / 4 + 1);
  return {answer.input_tokens >= 0 ? answer.input_tokens
                                   : static_cast<std::int64_t>(prompt.bytes / 4 + 1),
          each * static_cast<std::int64_t>(prompt.answers)};
}

std::vector<std::string> pieces(const std::string& text, std::size_t bytes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.size(), at + bytes);
    // Not in the middle of a character.
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      ++end;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string call_id(std::size_t index) {
  return "call_mock_" + std::to_string(index);
}

std::string data(const Json& json) {
  return "data: " + json.dump() + "\n\n";
}
std::string named(const Json& json) {
  return "event: " + json["type"].get<std::string>() + "\ndata: " + json.dump() + "\n\n";
}

Json arguments_of(const Answer::ToolCall& call) {
  Json value = Json::parse(call.arguments, nullptr, false);
  return value.is_discarded() ? Json(call.arguments) : value;
}

// --- OpenAI chat completions --------------------------------------------------------------------

Json chat_usage(const Tokens& tokens) {
  return {{"prompt_tokens", tokens.input},
          {"completion_tokens", tokens.output},
          {"total_tokens", tokens.input + tokens.output},
          {"prompt_tokens_details", {{"cached_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

std::string chat_whole(const Prompt& prompt, const Answer& answer) {
  Json message{{"role", "assistant"}, {"content", answer.text}, {"refusal", nullptr}};
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i) {
    const auto& call = answer.tool_calls[i];
    message["tool_calls"].push_back(
        {{"id", call_id(i)},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  if (answer.text.empty()) message["content"] = nullptr;
  const char* reason = answer.tool_calls.empty() ? "stop" : "tool_calls";
  Json choices = Json::array();
  for (std::size_t i = 0; i < prompt.answers; ++i)
    choices.push_back({{"index", i}, {"message", message}, {"finish_reason", reason}});
  return Json{{"id", "chatcmpl-mock"},         {"object", "chat.completion"},
              {"created", created_s},          {"model", prompt.model},
              {"choices", std::move(choices)}, {"usage", chat_usage(tokens_of(prompt, answer))}}
      .dump();
}

std::vector<std::string> chat_events(const Prompt& prompt, const Answer& answer) {
  // Each piece once for every answer.
  const auto chunk = [&](Json delta, Json reason) {
    std::string all;
    for (std::size_t i = 0; i < prompt.answers; ++i)
      all += data({{"id", "chatcmpl-mock"},
                   {"object", "chat.completion.chunk"},
                   {"created", created_s},
                   {"model", prompt.model},
                   {"choices", {{{"index", i}, {"delta", delta}, {"finish_reason", reason}}}}});
    return all;
  };
  std::vector<std::string> out{chunk({{"role", "assistant"}, {"content", ""}}, nullptr)};
  for (const std::string& piece : pieces(answer.text, answer.piece_bytes))
    out.push_back(chunk({{"content", piece}}, nullptr));
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i) {
    const auto& call = answer.tool_calls[i];
    Json begun{{"index", i},
               {"id", call_id(i)},
               {"type", "function"},
               {"function", {{"name", call.name}, {"arguments", ""}}}};
    out.push_back(chunk({{"tool_calls", Json::array({begun})}}, nullptr));
    for (const std::string& piece : pieces(call.arguments, answer.piece_bytes)) {
      Json more{{"index", i}, {"function", {{"arguments", piece}}}};
      out.push_back(chunk({{"tool_calls", Json::array({more})}}, nullptr));
    }
  }
  out.push_back(chunk(Json::object(), answer.tool_calls.empty() ? "stop" : "tool_calls"));
  if (prompt.stream_usage) {
    out.push_back(data({{"id", "chatcmpl-mock"},
                        {"object", "chat.completion.chunk"},
                        {"created", created_s},
                        {"model", prompt.model},
                        {"choices", Json::array()},
                        {"usage", chat_usage(tokens_of(prompt, answer))}}));
  }
  out.push_back("data: [DONE]\n\n");
  return out;
}

// --- OpenAI Responses ---------------------------------------------------------------------------

Json response_output(const Answer& answer) {
  Json output = Json::array();
  if (!answer.text.empty()) {
    output.push_back(
        {{"type", "message"},
         {"id", "msg_mock"},
         {"status", "completed"},
         {"role", "assistant"},
         {"content",
          {{{"type", "output_text"}, {"text", answer.text}, {"annotations", Json::array()}}}}});
  }
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i) {
    const auto& call = answer.tool_calls[i];
    output.push_back({{"type", "function_call"},
                      {"id", "fc_mock_" + std::to_string(i)},
                      {"call_id", call_id(i)},
                      {"status", "completed"},
                      {"name", call.name},
                      {"arguments", call.arguments}});
  }
  return output;
}

Json response(const Prompt& prompt, const Answer& answer, bool done) {
  const Tokens tokens = tokens_of(prompt, answer);
  Json out{{"id", "resp_mock"},
           {"object", "response"},
           {"created_at", created_s},
           {"status", done ? "completed" : "in_progress"},
           {"model", prompt.model},
           {"error", nullptr},
           {"incomplete_details", nullptr},
           {"output", done ? response_output(answer) : Json::array()}};
  if (done) {
    out["usage"] = {{"input_tokens", tokens.input},
                    {"input_tokens_details", {{"cached_tokens", 0}}},
                    {"output_tokens", tokens.output},
                    {"output_tokens_details", {{"reasoning_tokens", 0}}},
                    {"total_tokens", tokens.input + tokens.output}};
  }
  return out;
}

std::vector<std::string> response_events(const Prompt& prompt, const Answer& answer) {
  std::vector<std::string> out;
  int sequence = 0;
  const auto emit = [&](Json json) {
    json["sequence_number"] = sequence++;
    out.push_back(named(json));
  };
  emit({{"type", "response.created"}, {"response", response(prompt, answer, false)}});
  emit({{"type", "response.in_progress"}, {"response", response(prompt, answer, false)}});
  const Json items = response_output(answer);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Json& item = items[i];
    const bool text = item["type"] == "message";
    Json begun = item;
    begun["status"] = "in_progress";
    begun[text ? "content" : "arguments"] = text ? Json::array() : Json("");
    emit({{"type", "response.output_item.added"}, {"output_index", i}, {"item", begun}});
    const std::string whole = text ? answer.text : item["arguments"].get<std::string>();
    Json base{{"item_id", item["id"]}, {"output_index", i}};
    if (text) base["content_index"] = 0;
    if (text) {
      Json part = base;
      part["type"] = "response.content_part.added";
      part["part"] = {{"type", "output_text"}, {"text", ""}, {"annotations", Json::array()}};
      emit(part);
    }
    for (const std::string& piece : pieces(whole, answer.piece_bytes)) {
      Json delta = base;
      delta["type"] =
          text ? "response.output_text.delta" : "response.function_call_arguments.delta";
      delta["delta"] = piece;
      emit(delta);
    }
    Json done = base;
    done["type"] = text ? "response.output_text.done" : "response.function_call_arguments.done";
    done[text ? "text" : "arguments"] = whole;
    emit(done);
    if (text) {
      Json part = base;
      part["type"] = "response.content_part.done";
      part["part"] = item["content"][0];
      emit(part);
    }
    emit({{"type", "response.output_item.done"}, {"output_index", i}, {"item", item}});
  }
  emit({{"type", "response.completed"}, {"response", response(prompt, answer, true)}});
  return out;
}

// --- Anthropic messages -------------------------------------------------------------------------

Json message_content(const Answer& answer) {
  Json content = Json::array();
  if (!answer.text.empty()) content.push_back({{"type", "text"}, {"text", answer.text}});
  for (std::size_t i = 0; i < answer.tool_calls.size(); ++i) {
    content.push_back({{"type", "tool_use"},
                       {"id", "toolu_mock_" + std::to_string(i)},
                       {"name", answer.tool_calls[i].name},
                       {"input", arguments_of(answer.tool_calls[i])}});
  }
  return content;
}

Json message(const Prompt& prompt, const Answer& answer, bool done) {
  const Tokens tokens = tokens_of(prompt, answer);
  return {{"id", "msg_mock"},
          {"type", "message"},
          {"role", "assistant"},
          {"model", prompt.model},
          {"content", done ? message_content(answer) : Json::array()},
          {"stop_reason",
           done ? Json(answer.tool_calls.empty() ? "end_turn" : "tool_use") : Json(nullptr)},
          {"stop_sequence", nullptr},
          {"usage",
           {{"input_tokens", tokens.input},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", 0},
            {"output_tokens", done ? tokens.output : 1}}}};
}

std::vector<std::string> message_events(const Prompt& prompt, const Answer& answer) {
  std::vector<std::string> out;
  out.push_back(named({{"type", "message_start"}, {"message", message(prompt, answer, false)}}));
  out.push_back(named({{"type", "ping"}}));
  const Json content = message_content(answer);
  for (std::size_t i = 0; i < content.size(); ++i) {
    const bool text = content[i]["type"] == "text";
    Json begun = content[i];
    begun[text ? "text" : "input"] = text ? Json("") : Json::object();
    out.push_back(named({{"type", "content_block_start"}, {"index", i}, {"content_block", begun}}));
    const std::string whole = text ? answer.text : content[i]["input"].dump();
    for (const std::string& piece : pieces(whole, answer.piece_bytes)) {
      const Json delta = text ? Json{{"type", "text_delta"}, {"text", piece}}
                              : Json{{"type", "input_json_delta"}, {"partial_json", piece}};
      out.push_back(named({{"type", "content_block_delta"}, {"index", i}, {"delta", delta}}));
    }
    out.push_back(named({{"type", "content_block_stop"}, {"index", i}}));
  }
  const Json whole = message(prompt, answer, true);
  out.push_back(
      named({{"type", "message_delta"},
             {"delta", {{"stop_reason", whole["stop_reason"]}, {"stop_sequence", nullptr}}},
             {"usage", {{"output_tokens", whole["usage"]["output_tokens"]}}}}));
  out.push_back(named({{"type", "message_stop"}}));
  return out;
}

// --- Gemini -------------------------------------------------------------------------------------

Json gemini(const Prompt& prompt, const Answer& answer, Json parts, bool last) {
  const Tokens tokens = tokens_of(prompt, answer);
  Json candidate{{"content", {{"role", "model"}, {"parts", std::move(parts)}}}, {"index", 0}};
  if (last) candidate["finishReason"] = "STOP";
  Json candidates = Json::array();
  for (std::size_t i = 0; i < prompt.answers; ++i) {
    candidate["index"] = i;
    candidates.push_back(candidate);
  }
  return {{"candidates", std::move(candidates)},
          {"modelVersion", prompt.model},
          {"responseId", "gemini-mock"},
          {"usageMetadata",
           {{"promptTokenCount", tokens.input},
            {"candidatesTokenCount", last ? tokens.output : 1},
            {"totalTokenCount", tokens.input + (last ? tokens.output : 1)}}}};
}

Json gemini_calls(const Answer& answer) {
  Json parts = Json::array();
  for (const auto& call : answer.tool_calls)
    parts.push_back({{"functionCall", {{"name", call.name}, {"args", arguments_of(call)}}}});
  return parts;
}

std::vector<std::string> gemini_events(const Prompt& prompt, const Answer& answer) {
  const auto line = [](const Json& json) { return "data: " + json.dump() + "\r\n\r\n"; };
  std::vector<std::string> out;
  const std::vector<std::string> texts = pieces(answer.text, answer.piece_bytes);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const bool last = answer.tool_calls.empty() && i + 1 == texts.size();
    out.push_back(line(gemini(prompt, answer, Json::array({{{"text", texts[i]}}}), last)));
  }
  if (!answer.tool_calls.empty() || texts.empty())
    out.push_back(line(gemini(prompt, answer, gemini_calls(answer), true)));
  return out;
}

// --- embeddings ---------------------------------------------------------------------------------

// Every input has a vector that tells how long it was.
std::array<float, 3> vector_of(std::size_t bytes) {
  return {0.5F, -0.25F, static_cast<float>(bytes)};
}

Json packed(const std::array<float, 3>& vector) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof vector, '\0');
  std::memcpy(bytes.data(), vector.data(), sizeof vector);
  return to_base64(bytes);
}

std::string embeddings(const Prompt& prompt, const Answer& answer) {
  Json list = Json::array();
  for (std::size_t i = 0; i < prompt.inputs.size(); ++i) {
    const auto vector = vector_of(prompt.inputs[i]);
    if (prompt.format == Format::gemini_embeddings) {
      list.push_back({{"values", vector}});
    } else {
      list.push_back({{"object", "embedding"},
                      {"index", i},
                      {"embedding", prompt.base64 ? packed(vector) : Json(vector)}});
    }
  }
  if (prompt.format == Format::gemini_embeddings)
    return Json{{"embeddings", std::move(list)}}.dump(2);
  const std::int64_t tokens = tokens_of(prompt, answer).input;
  return Json{{"object", "list"},
              {"data", std::move(list)},
              {"model", prompt.model},
              {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}}
      .dump();
}

void read_embeddings_prompt(const Json& json, Prompt& prompt) {
  if (prompt.format == Format::gemini_embeddings) {
    for (const Json& each : json.value("requests", Json::array()))
      prompt.inputs.push_back(each["content"]["parts"][0].value("text", std::string()).size());
    return;
  }
  prompt.base64 = json.value("encoding_format", "float") == "base64";
  const Json input = json.value("input", Json());
  for (const Json& each : input.is_array() ? input : Json::array({input}))
    prompt.inputs.push_back(each.is_string() ? each.get_ref<const std::string&>().size()
                                             : each.size());
}

std::string embeddings_fault(const Prompt& prompt, const Json& json) {
  constexpr std::size_t inputs_max = 2'048;
  constexpr std::size_t gemini_inputs_max = 100;
  if (prompt.format == Format::gemini_embeddings)
    return prompt.inputs.size() > gemini_inputs_max
               ? "BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch"
               : "";
  for (const auto& [key, value] : json.items()) {
    const bool known = key == "model" || key == "input" || key == "encoding_format" ||
                       key == "dimensions" || key == "user";
    if (!known) return "Unrecognized request argument supplied: " + key;
  }
  const bool empty =
      std::find(prompt.inputs.begin(), prompt.inputs.end(), 0) != prompt.inputs.end();
  return empty || prompt.inputs.size() > inputs_max ? "'$.input' is invalid." : "";
}

}  // namespace

Format format_of(std::string_view path) {
  if (path.ends_with("/embeddings")) return Format::openai_embeddings;
  if (path.ends_with(":batchEmbedContents")) return Format::gemini_embeddings;
  if (path.ends_with("/chat/completions")) return Format::openai_chat;
  if (path.ends_with("/responses")) return Format::openai_responses;
  if (path.ends_with("/messages")) return Format::anthropic;
  if (path.find("enerateContent") != std::string_view::npos) return Format::gemini;
  return Format::unknown;
}

Prompt read_prompt(std::string_view path, std::string_view body) {
  Prompt prompt;
  prompt.format = format_of(path);
  prompt.bytes = body.size();
  if (prompt.format == Format::gemini || prompt.format == Format::gemini_embeddings) {
    const std::size_t name = path.rfind('/') + 1;
    prompt.model = path.substr(name, path.rfind(':') - name);
  }
  const auto json = parse_json(body, {.bytes_max = body_bytes_max, .depth_max = 128});
  const bool is_object = json && json->is_object();
  if (prompt.format == Format::gemini) {
    if (is_object && json->contains("generationConfig"))
      prompt.answers = (*json)["generationConfig"].value("candidateCount", std::size_t{1});
    prompt.stream = path.find(":stream") != std::string_view::npos;
    return prompt;
  }
  if (!is_object) return prompt;
  prompt.answers = json->value("n", std::size_t{1});
  if (prompt.format == Format::openai_embeddings || prompt.format == Format::gemini_embeddings)
    read_embeddings_prompt(*json, prompt);
  if (const auto at = json->find("model"); at != json->end() && at->is_string())
    prompt.model = at->get<std::string>();
  if (const auto at = json->find("stream"); at != json->end()) prompt.stream = *at == true;
  if (const auto at = json->find("stream_options"); at != json->end() && at->is_object())
    prompt.stream_usage = at->value("include_usage", false);
  return prompt;
}

std::string whole(const Prompt& prompt, const Answer& answer) {
  switch (prompt.format) {
    case Format::openai_chat:
      return chat_whole(prompt, answer);
    case Format::openai_responses:
      return response(prompt, answer, true).dump();
    case Format::anthropic:
      return message(prompt, answer, true).dump();
    case Format::gemini: {
      Json parts = gemini_calls(answer);
      if (!answer.text.empty()) parts.insert(parts.begin(), Json{{"text", answer.text}});
      return gemini(prompt, answer, parts, true).dump();
    }
    case Format::openai_embeddings:
    case Format::gemini_embeddings:
      return embeddings(prompt, answer);
    case Format::unknown:
      break;
  }
  return R"({"error":{"message":"the mock knows no such path","code":404}})";
}

std::vector<std::string> events(const Prompt& prompt, const Answer& answer) {
  switch (prompt.format) {
    case Format::openai_chat:
      return chat_events(prompt, answer);
    case Format::openai_responses:
      return response_events(prompt, answer);
    case Format::anthropic:
      return message_events(prompt, answer);
    case Format::gemini:
      return gemini_events(prompt, answer);
    case Format::openai_embeddings:
    case Format::gemini_embeddings:
    case Format::unknown:
      break;
  }
  return {};
}

std::string refusal_of(const Prompt& prompt, const Answer& answer, std::string_view body) {
  if (answer.checks == "none" || prompt.format == Format::unknown) return "";
  const auto json = parse_json(body, {.bytes_max = body_bytes_max, .depth_max = 128});
  if (!json) return "We could not parse the JSON body of your request.";
  if (prompt.format == Format::openai_embeddings || prompt.format == Format::gemini_embeddings)
    return embeddings_fault(prompt, *json);
  const std::string_view own = prompt.format == Format::anthropic          ? "anthropic"
                               : prompt.format == Format::gemini           ? "gemini"
                               : prompt.format == Format::openai_responses ? "openai-responses"
                                                                           : "openai";
  return fault_of(answer.checks.empty() ? own : answer.checks, prompt.model, *json);
}

std::string refused(Format format, const std::string& fault) {
  if (format == Format::anthropic)
    return Json{{"type", "error"},
                {"error", {{"type", "invalid_request_error"}, {"message", fault}}}}
        .dump();
  if (format == Format::gemini || format == Format::gemini_embeddings)
    return Json{{"error", {{"code", 400}, {"message", fault}, {"status", "INVALID_ARGUMENT"}}}}
        .dump();
  return Json{{"error",
               {{"message", fault},
                {"type", "invalid_request_error"},
                {"param", nullptr},
                {"code", nullptr}}}}
      .dump();
}

}  // namespace redoubt::mock
