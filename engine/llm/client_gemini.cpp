// A client's Gemini generateContent request as a neutral one. Its members may be named as JSON
// writes them (systemInstruction) or as protocol buffers do (system_instruction): Google's servers
// read both, and its own examples have both.
#include <algorithm>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/openapi_schema.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::gemini;

// What stands below these is the client's own: its keys are no names of Google's.
constexpr std::string_view free_members[] = {
    "args",           "response",           "parameters", "parametersJsonSchema",
    "responseSchema", "responseJsonSchema", "labels",     "partMetadata"};

std::string camel_case(std::string_view key) {
  std::string name;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool joint = key[i] == '_' && i > 0 && i + 1 < key.size();
    const char next = joint ? key[i + 1] : '\0';
    if (next >= 'a' && next <= 'z') {
      name += static_cast<char>(next - 'a' + 'A');
      ++i;
    } else {
      name += key[i];
    }
  }
  return name;
}

// A key without its escapes.
std::string plain_key(std::string_view key) {
  if (key.find('\\') == key.npos) return std::string(key);
  const auto parsed = parse_json(joined({"\"", key, "\""}));
  return parsed.ok() ? std::string(text_of(&*parsed)) : std::string(key);
}

// Nothing of Google's own lies deeper (a picture of a result does at 9).
constexpr int levels_max = 12;

/// The value with its members named in one way, so that a text is found by its key.
void write_renamed(std::string_view value, int level, JsonWriter& out) {
  if (level > levels_max || (value.front() != '[' && value.front() != '{')) {
    out.raw(value);
  } else if (value.front() == '[') {
    out.open_array();
    for (const std::string_view each : element_texts(value))
      write_renamed(each, level + 1, out);
    out.close_array();
  } else {
    out.open_object();
    for (const MemberText& member : member_texts(value)) {
      const std::string name = camel_case(plain_key(member.key));
      const bool is_free = std::find(std::begin(free_members), std::end(free_members), name) !=
                           std::end(free_members);
      out.key(name);
      write_renamed(member.value, is_free ? levels_max + 1 : level + 1, out);
    }
    out.close_object();
  }
}

/// A value of the body, as its tree and as its text.
struct Value {
  const Json* json = nullptr;
  std::string_view text;
};

Value value_in(const Value& object, const char* key) {
  return {member_of(object.json, key), member_text(object.text, key)};
}

// The values of a list, or the one that stands in its place.
std::vector<Value> values_in(const Value& object, const char* key) {
  const Value list = value_in(object, key);
  if (list.json == nullptr) return {};
  if (!list.json->is_array()) return {list};
  std::vector<Value> values;
  const auto texts = element_texts(list.text);
  for (std::size_t i = 0; i < list.json->size(); ++i)
    values.push_back({&(*list.json)[i], nth_text(texts, i)});
  return values;
}

std::string members_text(std::string_view object,
                         std::initializer_list<std::string_view> but_named) {
  JsonWriter rest;
  rest.open_object();
  rest.members_but(object, but_named);
  rest.close_object();
  std::string text = rest.take();
  return text == "{}" ? std::string() : text;
}

/// The calls of a conversation. Gemini's have an id or none: then results are of the first call
/// with their name that has no result yet.
class Calls {
 public:
  std::string begin(std::string_view id, std::string_view name) {
    std::string known =
        id.empty() ? joined({"call_n", waiting_.size() + answered_}) : std::string(id);
    waiting_.push_back({known, std::string(name)});
    return known;
  }

  std::string answer(std::string_view id, std::string_view name) {
    const auto call = std::find_if(waiting_.begin(), waiting_.end(), [&](const Call& each) {
      return id.empty() ? each.name == name : each.id == id;
    });
    if (call == waiting_.end()) return std::string(id);
    std::string known = call->id;
    waiting_.erase(call);
    ++answered_;
    return known;
  }

 private:
  struct Call {
    std::string id;
    std::string name;
  };
  std::vector<Call> waiting_;
  std::size_t answered_ = 0;
};

class ContentReader {
 public:
  ContentReader(ChatRequest& request, RequestFault& fault) : request_(request), fault_(fault) {}

  void content(const Value& value, const std::string& path) {
    const std::string role = read_text(*value.json, "role", path, fault_);
    const bool model = role == "model";
    if (!model && !role.empty() && role != "user" && role != "function")
      fault_.set(path + ".role", "user or model", member_of(value.json, "role"));
    // A client keeps a streamed answer as one content for each chunk.
    const bool goes_on =
        model && !request_.messages.empty() && request_.messages.back().role == Role::assistant;
    ChatMessage& message = goes_on ? request_.messages.back() : request_.messages.emplace_back();
    message.role = model ? Role::assistant : Role::user;
    message.format = own_format;
    std::string more = members_text(value.text, {"role", "parts"});
    if (!more.empty()) message.extra = std::move(more);
    parts(value, path, message);
    if (!model && !message.parts.empty() &&
        std::all_of(message.parts.begin(), message.parts.end(),
                    [](const ChatPart& part) { return part.kind == PartKind::tool_result; }))
      message.role = Role::tool;
  }

  void system(const Value& value) {
    if (!value.json->is_object()) {
      fault_.set("systemInstruction", "an object", value.json);
      return;
    }
    ChatMessage& message = request_.messages.emplace_back();
    message.role = Role::system;
    message.format = own_format;
    parts(value, "systemInstruction", message);
    for (const ChatPart& part : message.parts) {
      if (part.kind != PartKind::text)
        fault_.set("systemInstruction.parts", "texts", member_of(value.json, "parts"));
    }
  }

 private:
  void parts(const Value& value, const std::string& path, ChatMessage& message) {
    const std::vector<Value> all = values_in(value, "parts");
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string place = indexed(path + ".parts", i);
      if (!all[i].json->is_object()) {
        fault_.set(place, "an object", all[i].json);
        return;
      }
      ChatPart part = read_part(all[i], place, message.role);
      if (message.role != Role::assistant || !goes_on(message.parts, part))
        message.parts.push_back(std::move(part));
    }
  }

  // The pieces of a streamed text come back one by one, and those of another provider's thought,
  // each of which says whose it is. What Gemini signed or thought stays as it is.
  static bool goes_on(std::vector<ChatPart>& parts, const ChatPart& part) {
    if (parts.empty()) return false;
    ChatPart& last = parts.back();
    const bool is_open = last.kind == part.kind && last.signature.empty() && !last.redacted &&
                         last.signed_by == part.signed_by && last.extra.empty();
    const bool text = part.kind == PartKind::text && part.signature.empty();
    const bool thought = part.kind == PartKind::reasoning && part.signed_by != WireFormat::none;
    const bool is_piece = (text || thought) && part.extra.empty() && !part.redacted;
    const bool same_item = last.id.empty() || part.id.empty() || last.id == part.id;
    if (!is_open || !is_piece || !same_item) return false;
    last.text += part.text;
    last.signature = part.signature;
    if (!part.id.empty()) last.id = part.id;
    if (!part.name.empty()) last.name = part.name;
    return true;
  }

  ChatPart read_part(const Value& value, const std::string& path, Role role) {
    const Json& json = *value.json;
    ChatPart part;
    part.format = own_format;
    const bool has_text = member_of(json, "text") != nullptr;
    if (member_of(json, "functionCall") != nullptr) {
      read_call(value_in(value, "functionCall"), path + ".functionCall", part);
    } else if (member_of(json, "functionResponse") != nullptr) {
      read_result(value_in(value, "functionResponse"), path + ".functionResponse", part);
    } else if (has_text || is_signature_alone(json)) {
      if (true_in(json, "thought")) part.kind = PartKind::reasoning;
      part.text = read_text(json, "text", path, fault_);
      part.extra = members_text(value.text, {"text", "thought", "thoughtSignature"});
    } else if (role == Role::assistant || !read_image(value, part)) {
      // What a model made goes back as it came.
      if (json.empty()) fault_.set(path, "a part with text, inlineData or a call", &json);
      part = opaque_part(json, own_format);
      // An address is compared as it is, without the escapes that some clients write.
      if (member_of(json, "fileData") == nullptr) part.extra = text_or_dump(value.text, json);
      return part;
    }
    read_part_signature(text_in(json, "thoughtSignature"), part);
    if (part.redacted && part.text == silent_thought) part.text.clear();
    return part;
  }

  static bool is_signature_alone(const Json& json) {
    return json.size() == 1 && !text_in(json, "thoughtSignature").empty();
  }

  // A call's id and name are its own; a thought has those of the format that it came from.
  static void read_part_signature(std::string_view text, ChatPart& part) {
    ChatPart carried;
    read_signature(text, carried);
    part.signature = std::move(carried.signature);
    part.signed_by = carried.signed_by;
    if (part.kind != PartKind::reasoning) return;
    part.id = std::move(carried.id);
    part.name = std::move(carried.name);
    part.redacted = carried.redacted;
  }

  void read_call(const Value& call, const std::string& path, ChatPart& part) {
    part.kind = PartKind::tool_call;
    part.name = read_text(*call.json, "name", path, fault_);
    if (part.name.empty()) fault_.set(path + ".name", "a text", nullptr);
    part.id = calls_.begin(read_text(*call.json, "id", path, fault_), part.name);
    const Value args = value_in(call, "args");
    if (args.json != nullptr && !args.json->is_object())
      fault_.set(path + ".args", "an object", args.json);
    part.arguments = args.json == nullptr ? "{}" : text_or_dump(args.text, *args.json);
    part.extra = members_text(call.text, {"id", "name", "args"});
  }

  // {"output": TEXT} and {"error": TEXT} are how a text is a result: the encoder writes them so.
  void read_result(const Value& result, const std::string& path, ChatPart& part) {
    part.kind = PartKind::tool_result;
    part.name = read_text(*result.json, "name", path, fault_);
    part.id = calls_.answer(read_text(*result.json, "id", path, fault_), part.name);
    part.extra = members_text(result.text, {"id", "name", "response", "parts"});
    const Value response = value_in(result, "response");
    if (response.json == nullptr || !response.json->is_object()) {
      fault_.set(path + ".response", "an object", response.json);
      return;
    }
    const bool alone = response.json->size() == 1;
    const std::string_view output = text_in(*response.json, "output");
    const Json* error = member_of(response.json, "error");
    part.is_error = alone && error != nullptr && error->is_string();
    if (part.is_error) {
      part.text = text_of(error);
    } else if (alone && !output.empty() && !is_object_text(output)) {
      part.text = output;
    } else {
      part.text = text_or_dump(response.text, *response.json);
    }
    read_result_parts(result, path, part);
  }

  // Pictures that are a part of a result.
  void read_result_parts(const Value& result, const std::string& path, ChatPart& part) {
    const std::vector<Value> pieces = values_in(result, "parts");
    if (pieces.empty()) return;
    ChatPart text;
    text.text = std::move(part.text);
    part.text.clear();
    part.content.push_back(std::move(text));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ChatPart& piece = part.content.emplace_back();
      if (!pieces[i].json->is_object()) {
        fault_.set(indexed(path + ".parts", i), "an object", pieces[i].json);
      } else if (!read_image(pieces[i], piece)) {
        piece = opaque_part(*pieces[i].json, own_format);
      }
    }
  }

  static bool read_image(const Value& value, ChatPart& part) {
    const Json* inside = member_of(value.json, "inlineData");
    const Json* file = member_of(value.json, "fileData");
    const Json* source = inside != nullptr ? inside : file;
    if (source == nullptr || (inside != nullptr && file != nullptr)) return false;
    const std::string_view type = text_in(*source, "mimeType");
    if (type.substr(0, 6) != "image/") return false;
    part.kind = PartKind::image;
    part.format = own_format;
    part.media_type = type;
    part.name = text_in(*source, "displayName");
    part.data = text_in(*source, "data");
    part.url = text_in(*source, "fileUri");
    part.extra = members_text(value.text, {"inlineData", "fileData", "thoughtSignature"});
    return inside != nullptr ? !part.data.empty() : part.url.substr(0, 4) == "http";
  }

  ChatRequest& request_;
  RequestFault& fault_;
  Calls calls_;
};

// A schema of either kind, as JSON Schema.
std::string schema_of(const Value& own, const Value& json_schema, const std::string& path,
                      RequestFault& fault) {
  const Value& given = json_schema.json != nullptr ? json_schema : own;
  if (given.json == nullptr) return {};
  if (!given.json->is_object()) {
    fault.set(path, "an object", given.json);
    return {};
  }
  const std::string text = text_or_dump(given.text, *given.json);
  return json_schema.json != nullptr ? text : json_schema_of_openapi(text);
}

void read_function(const Value& function, const std::string& path, ChatRequest& request,
                   RequestFault& fault) {
  ToolDefinition& tool = request.tools.emplace_back();
  tool.format = own_format;
  tool.name = read_text(*function.json, "name", path, fault);
  if (tool.name.empty()) fault.set(path + ".name", "a text", nullptr);
  tool.description = read_text(*function.json, "description", path, fault);
  tool.parameters =
      schema_of(value_in(function, "parameters"), value_in(function, "parametersJsonSchema"),
                path + ".parameters", fault);
  tool.extra = members_text(function.text, {"name", "description"});
}

// Each of a tool's members is a tool of its own, or the list of the client's functions.
void read_tool(const Value& tool, const std::string& path, ChatRequest& request,
               RequestFault& fault) {
  const std::vector<Value> functions = values_in(tool, "functionDeclarations");
  for (std::size_t i = 0; i < functions.size(); ++i)
    read_function(functions[i], indexed(path + ".functionDeclarations", i), request, fault);
  for (const MemberText& member : member_texts(tool.text)) {
    if (member.key == "functionDeclarations" || member.value == "null") continue;
    ToolDefinition& own = request.tools.emplace_back();
    own.format = own_format;
    own.opaque = true;
    own.extra = joined({"{\"", member.key, "\":", member.value, "}"});
  }
}

void read_tool_choice(const Value& body, ChatRequest& request, RequestFault& fault) {
  const Value config = value_in(value_in(body, "toolConfig"), "functionCallingConfig");
  if (config.json == nullptr) return;
  const std::string mode =
      read_text(*config.json, "mode", "toolConfig.functionCallingConfig", fault);
  std::vector<std::string> names;
  read_texts(*config.json, "allowedFunctionNames", names, fault);
  if (mode == "AUTO" || mode == "VALIDATED") {
    request.tool_choice = ToolChoice::automatic;
  } else if (mode == "NONE") {
    request.tool_choice = ToolChoice::none;
  } else if (mode == "ANY") {
    request.tool_choice = names.size() == 1 ? ToolChoice::named : ToolChoice::required;
    if (names.size() == 1) request.tool_choice_name = names.front();
  } else if (!mode.empty() && mode != "MODE_UNSPECIFIED") {
    fault.set("toolConfig.functionCallingConfig.mode", "AUTO, ANY, NONE or VALIDATED",
              member_of(config.json, "mode"));
  }
}

void read_output(const Value& config, ChatRequest& request, RequestFault& fault) {
  const std::string type = read_text(*config.json, "responseMimeType", "generationConfig", fault);
  request.output.schema =
      schema_of(value_in(config, "responseSchema"), value_in(config, "responseJsonSchema"),
                "generationConfig.responseSchema", fault);
  if (type != "application/json") {
    request.output.schema.clear();
  } else {
    request.output.kind =
        request.output.schema.empty() ? OutputKind::json : OutputKind::json_schema;
  }
}

// A budget of -1 leaves it to the model, as no budget does.
void read_thinking(const Value& config, ChatRequest& request, RequestFault& fault) {
  const Json* thinking = member_of(config.json, "thinkingConfig");
  if (thinking == nullptr) return;
  const std::string path = "generationConfig.thinkingConfig";
  const std::string level = ascii_lower(read_text(*thinking, "thinkingLevel", path, fault));
  if (level != "thinking_level_unspecified") request.reasoning.effort = level;
  if (const Json* budget = member_of(thinking, "thinkingBudget")) {
    const std::int64_t tokens = integer_of(budget, -2);
    if (tokens < -1) fault.set(path + ".thinkingBudget", "a whole number, -1 or more", budget);
    if (tokens == 0) request.reasoning.effort = "none";
    if (tokens > 0) request.reasoning.budget_tokens = tokens;
  }
  request.reasoning.summary = true_in(*thinking, "includeThoughts");
}

// What of the configuration has no neutral name for every target, and how the answer is to look and
// to be thought about: it goes on to a target of this format.
std::string config_extra(std::string_view config) {
  return members_text(config, {"temperature", "topP", "topK", "maxOutputTokens", "stopSequences",
                               "candidateCount", "seed", "presencePenalty", "frequencyPenalty"});
}

void read_config(const Value& config, ChatRequest& request, RequestFault& fault) {
  if (!config.json->is_object()) {
    fault.set("generationConfig", "an object", config.json);
    return;
  }
  const Json& json = *config.json;
  Sampling& sampling = request.sampling;
  request.output_tokens_max = read_count(json, "maxOutputTokens", fault);
  sampling.temperature = read_number(json, "temperature", 0, 2, fault);
  sampling.top_p = read_number(json, "topP", 0, 1, fault);
  sampling.top_k = read_count(json, "topK", fault);
  sampling.presence_penalty = read_number(json, "presencePenalty", -2, 2, fault);
  sampling.frequency_penalty = read_number(json, "frequencyPenalty", -2, 2, fault);
  read_stops(json, "stopSequences", sampling, fault);
  sampling.seed = read_integer(json, "seed", fault);
  request.answers = read_answers(json, "candidateCount", "generationConfig.candidateCount", fault);
  if (true_in(json, "responseLogprobs")) request.logprobs = read_logprobs(json, "logprobs", fault);
  read_output(config, request, fault);
  read_thinking(config, request, fault);
}

void read_camel_case(const Value& body, ChatRequest& request, RequestFault& fault) {
  ContentReader reader(request, fault);
  const Value system = value_in(body, "systemInstruction");
  if (system.json != nullptr) reader.system(system);
  const std::vector<Value> contents = values_in(body, "contents");
  if (contents.empty()) fault.set("contents", "a list of one content or more", nullptr);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const std::string path = indexed("contents", i);
    if (!contents[i].json->is_object()) {
      fault.set(path, "an object", contents[i].json);
      return;
    }
    reader.content(contents[i], path);
  }
  const std::vector<Value> tools = values_in(body, "tools");
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (!tools[i].json->is_object()) fault.set(indexed("tools", i), "an object", tools[i].json);
    read_tool(tools[i], indexed("tools", i), request, fault);
  }
  read_tool_choice(body, request, fault);
  const Value config = value_in(body, "generationConfig");
  if (config.json != nullptr) read_config(config, request, fault);
  JsonWriter extra;
  extra.open_object();
  extra.members_but(body.text,
                    {"model", "contents", "systemInstruction", "tools", "generationConfig"});
  const std::string more = config_extra(config.text);
  if (!more.empty()) extra.raw("generationConfig", more);
  extra.close_object();
  request.extra = extra.take();
  if (request.extra == "{}") request.extra.clear();
}

}  // namespace

void read_gemini_request(const Json& json, std::string_view body, ChatRequest& request,
                         RequestFault& fault) {
  if (body.find_first_of("_\\") == body.npos) return read_camel_case({&json, body}, request, fault);
  JsonWriter renamed;
  write_renamed(body.substr(body.find('{')), 1, renamed);
  const std::string text = renamed.take();
  auto again = parse_client_body(text);  // both names of one member are one too many
  if (!again.ok()) {
    fault.error = std::move(again.error());
    return;
  }
  read_camel_case({&*again, text}, request, fault);
}

}  // namespace redoubt::llm
