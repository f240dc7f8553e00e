// ChatRequest as an OpenAI chat completion request, in the accent of the target's dialect.
#include <algorithm>
#include <cmath>

#include "engine/base/ascii.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/fit_rules.hpp"
#include "engine/llm/media.hpp"
#include "engine/llm/schema_dialect.hpp"
#include "engine/llm/schema_shape.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_chat;

bool takes(const Target& target, Takes what) {
  return (target.dialect->takes & what) != 0;
}

// Mistral refuses ids that are not nine letters or digits; another provider's id becomes nine
// digits of its hash, the same in the call and in its result.
std::string call_id(const Target& target, const std::string& id) {
  if (!takes(target, takes_nine_ids)) return id;
  bool fits = id.size() == 9;
  for (const char c : id)
    fits = fits && is_ascii_alnum(c);
  if (fits) return id;
  Hash64 hash;
  hash.add_bytes(id);
  return hex16(hash.value()).substr(0, 9);
}

// Who has only OpenAI's format behind it: what OpenAI would refuse may be what that server wants.
bool own_address(const Target& target) {
  const Dialect& dialect = *target.dialect;
  return dialect.base_url.empty() || target.base_url.empty() || target.base_url == dialect.base_url;
}

// OpenRouter takes an Anthropic client's mark for the prompt cache as it is.
std::string_view foreign_mark(const ChatPart& part, const Target& target) {
  const bool takes_marks = target.dialect->reasoning_back == ReasoningBack::details;
  return takes_marks && part.format != own_format ? cache_mark(part.format, part.extra)
                                                  : std::string_view();
}

void write_file(const ChatPart& part, const Target& target, JsonWriter& out) {
  out.text("type", "file");
  out.open_object("file");
  out.text("filename", file_name(part));
  out.text("file_data", image_url(part));
  out.close_object();
  const std::string_view mark = foreign_mark(part, target);
  if (!mark.empty()) out.raw("cache_control", mark);
}

Result<void> write_part(const ChatPart& part, const Target& target, JsonWriter& out) {
  if (part.kind == PartKind::opaque) {
    if (part.format != own_format) return unsupported_part(part, target);
    out.raw(part.extra);
    return {};
  }
  out.open_object();
  if (part.kind == PartKind::document) {
    write_file(part, target, out);
  } else if (part.kind == PartKind::audio) {
    out.text("type", "input_audio");
    out.open_object("input_audio");
    out.text("data", part.data);
    out.text("format", part.media_type == "audio/wav" ? "wav" : "mp3");
    out.close_object();
  } else if (part.kind == PartKind::image) {
    out.text("type", "image_url");
    out.open_object("image_url");
    out.text("url", image_url(part));
    out.members(extra_for(part, own_format));
    out.close_object();
  } else {
    out.text("type", part.kind == PartKind::refusal ? "refusal" : "text");
    out.text(part.kind == PartKind::refusal ? "refusal" : "text", part.text);
    out.members(extra_for(part, own_format));
    const std::string_view mark = foreign_mark(part, target);
    if (!mark.empty()) out.raw("cache_control", mark);
  }
  out.close_object();
  return {};
}

bool is_media(const ChatPart& part) {
  return part.kind == PartKind::image || part.kind == PartKind::document ||
         part.kind == PartKind::audio;
}

bool is_content(const ChatPart& part) {
  return part.kind == PartKind::text || is_media(part) || part.kind == PartKind::opaque;
}

// One text stands alone, anything more is an array.
Result<void> write_content(const std::vector<ChatPart>& parts, const Target& target,
                           JsonWriter& out) {
  const ChatPart* only = nullptr;
  int count = 0;
  for (const ChatPart& part : parts) {
    if (!is_content(part)) continue;
    only = &part;
    ++count;
  }
  if (count == 1 && only->kind == PartKind::text && extra_for(*only, own_format).empty() &&
      foreign_mark(*only, target).empty()) {
    out.text("content", only->text);
    return {};
  }
  out.open_array("content");
  for (const ChatPart& part : parts) {
    if (!is_content(part)) continue;
    if (auto written = write_part(part, target, out); !written.ok()) return written;
  }
  out.close_array();
  return {};
}

// A list of texts as the client has it, where it is sure to be taken.
bool keeps_list(const ChatPart& result, const Target& target) {
  if (result.format != own_format || result.content.empty()) return false;
  if (!fit_rules(target.dialect->name, "").is_formats_own) return false;
  return std::all_of(result.content.begin(), result.content.end(),
                     [](const ChatPart& part) { return part.kind == PartKind::text; });
}

void write_tool_result(const ChatPart& part, const Target& target, JsonWriter& out) {
  out.open_object();
  out.text("role", "tool");
  out.text("tool_call_id", call_id(target, part.id));
  if (keeps_list(part, target)) {
    (void)write_content(part.content, target, out);  // texts alone are never refused
  } else {
    out.text("content", result_text(part));
  }
  out.members(extra_for(part, own_format));
  out.close_object();
}

void write_google_signature(std::string_view signature, JsonWriter& out) {
  out.open_object("extra_content");
  out.open_object("google");
  out.text("thought_signature", signature);
  out.close_object();
  out.close_object();
}

void write_call(const ChatPart& part, const Target& target, JsonWriter& out) {
  out.open_object();
  out.text("id", call_id(target, part.id));
  if (!member_text(extra_for(part, own_format), "custom").empty()) {
    out.text("type", "custom");
    out.members(extra_for(part, own_format));
    out.close_object();
    return;
  }
  out.text("type", "function");
  out.open_object("function");
  out.text("name", part.name);
  out.text("arguments", part.arguments.empty() ? "{}" : part.arguments);
  out.close_object();
  const std::string_view extra = extra_for(part, own_format);
  if (own_address(target)) {
    out.members_but(extra, {"extra_content"});
  } else {
    // Gemini behind its OpenAI API: https://ai.google.dev/gemini-api/docs/thought-signatures
    const bool lost = member_text(extra, "extra_content").empty() &&
                      origin_of(part) == own_format && !part.signature.empty();
    if (lost) write_google_signature(part.signature, out);
    out.members(extra);
  }
  out.close_object();
}

std::string_view form_of(const ChatPart& part) {
  return part.name.empty() ? details_form(origin_of(part)) : std::string_view(part.name);
}

// The signature of a call of Gemini is a sealed thought with the call's id.
void write_call_detail(const ChatPart& part, JsonWriter& out) {
  if (part.signature.empty() || origin_of(part) != WireFormat::gemini) return;
  out.open_object();
  out.text("type", "reasoning.encrypted");
  out.text("data", part.signature);
  out.text("id", part.id);
  out.text("format", details_form(WireFormat::gemini));
  out.close_object();
}

void write_reasoning_details(const ChatMessage& message, JsonWriter& out) {
  JsonWriter details;
  details.open_array();
  for (const ChatPart& part : message.parts) {
    if (part.kind == PartKind::tool_call) write_call_detail(part, details);
    const bool goes = part.kind == PartKind::reasoning &&
                      (origin_of(part) == own_format || !form_of(part).empty());
    if (!goes) continue;
    details.open_object();
    if (part.redacted) {
      details.text("type", "reasoning.encrypted");
      details.text("data", part.signature);
    } else {
      details.text("type", "reasoning.text");
      details.text("text", part.text);
      details.text_if("signature", part.signature);
    }
    details.text_if("id", part.id);
    details.text_if("format", form_of(part));
    details.close_object();
  }
  details.close_array();
  const std::string written = details.take();
  if (written != "[]") out.raw("reasoning_details", written);
}

// Thought aloud by a model of this format, or signed by nobody.
bool is_plain_thought(const ChatPart& part) {
  return part.kind == PartKind::reasoning &&
         (origin_of(part) == own_format || (part.signature.empty() && !part.redacted));
}

std::string reasoning_text(const ChatMessage& message) {
  std::string text;
  for (const ChatPart& part : message.parts) {
    if (is_plain_thought(part)) text += part.text;
  }
  return text;
}

bool has_kind(const ChatMessage& message, PartKind kind) {
  for (const ChatPart& part : message.parts) {
    if (part.kind == kind) return true;
  }
  return false;
}

// Mistral: thoughts and words in one array.
void write_thinking_content(const ChatMessage& message, JsonWriter& out) {
  out.open_array("content");
  for (const ChatPart& part : message.parts) {
    if (!is_plain_thought(part) && part.kind != PartKind::text) continue;
    out.open_object();
    if (part.kind == PartKind::text) {
      out.text("type", "text");
      out.text("text", part.text);
    } else {
      out.text("type", "thinking");
      out.open_array("thinking");
      out.open_object();
      out.text("type", "text");
      out.text("text", part.text);
      out.close_object();
      out.close_array();
    }
    out.close_object();
  }
  out.close_array();
}

// The client's own members of an assistant's turn, for servers that have them.
void write_assistant_extra(const ChatMessage& message, const Target& target, JsonWriter& out) {
  const std::string_view extra = extra_for(message.format, message.extra, own_format);
  const bool details = target.dialect->reasoning_back == ReasoningBack::details;
  if (details && member_text(extra, "reasoning_details").empty()) {
    write_reasoning_details(message, out);
  }
  if (details) {
    out.members(extra);
  } else {
    out.members_but(extra, {"reasoning_details"});
  }
}

void write_assistant(const ChatRequest& request, const ChatMessage& message, const Target& target,
                     JsonWriter& out) {
  out.open_object();
  out.text("role", "assistant");
  out.text_if("name", message.name);
  const std::string thought = reasoning_text(message);
  const ReasoningBack back = target.dialect->reasoning_back;
  // Other formats' parts in an assistant's history (a server's own search) say nothing here.
  std::vector<ChatPart> parts;
  for (const ChatPart& part : message.parts) {
    if (part.kind == PartKind::text ||
        (part.kind == PartKind::opaque && part.format == own_format)) {
      parts.push_back(part);
    }
  }
  if (back == ReasoningBack::thinking && !thought.empty()) {
    write_thinking_content(message, out);
  } else if (parts.empty() && !has_kind(message, PartKind::tool_call) &&
             !has_kind(message, PartKind::refusal)) {
    out.text("content", "");  // null is refused where nothing else is said
  } else if (parts.empty()) {
    out.key("content");
    out.null();
  } else {
    (void)write_content(parts, target, out);  // nothing left in it can be refused
  }
  for (const ChatPart& part : message.parts) {
    if (part.kind == PartKind::refusal) out.text("refusal", part.text);
  }
  // DeepSeek: beside tools every turn has its thought, be it none.
  if (back == ReasoningBack::content && (!thought.empty() || !request.tools.empty())) {
    out.text("reasoning_content", thought);
  }
  if (has_kind(message, PartKind::tool_call)) {
    out.open_array("tool_calls");
    for (const ChatPart& part : message.parts) {
      if (part.kind == PartKind::tool_call) write_call(part, target, out);
    }
    out.close_array();
  }
  const bool is_last = &message == &request.messages.back();
  if (is_last && takes(target, takes_own_order) &&
      member_text(extra_for(message.format, message.extra, own_format), "prefix").empty())
    out.boolean("prefix", true);
  write_assistant_extra(message, target, out);
  out.close_object();
}

// The format has nothing but texts in tool results: what else there is follows in a message of the
// user.
void collect_media(const ChatPart& result, std::vector<ChatPart>& media) {
  for (const ChatPart& part : result.content) {
    const bool video = part.kind == PartKind::opaque && part.format == own_format &&
                       member_text(part.extra, "type") == R"("video_url")";
    if (is_media(part) || video) media.push_back(part);
  }
}

// What of the messages before the next one depends on.
struct Turns {
  std::vector<ChatPart> media;  // of results
  bool after_tool = false;
};

// Mistral: "Unexpected role 'user' after role 'tool'".
void answer_tools(Turns& turns, const Target& target, JsonWriter& out) {
  if (turns.after_tool && takes(target, takes_own_order)) {
    out.open_object();
    out.text("role", "assistant");
    out.text("content", "OK");
    out.close_object();
  }
  turns.after_tool = false;
}

Result<void> flush_media(Turns& turns, const Target& target, JsonWriter& out) {
  if (turns.media.empty()) return {};
  answer_tools(turns, target, out);
  out.open_object();
  out.text("role", "user");
  auto written = write_content(turns.media, target, out);
  out.close_object();
  turns.media.clear();
  return written;
}

std::string_view role_word(Role role, const Target& target) {
  if (role == Role::developer && takes(target, takes_developer_role)) return "developer";
  return role == Role::user || role == Role::tool ? "user" : "system";
}

Result<void> write_message(const ChatMessage& message, const Target& target, Turns& turns,
                           JsonWriter& out) {
  bool only_results = true;
  for (const ChatPart& part : message.parts) {
    if (part.kind == PartKind::tool_result) {
      write_tool_result(part, target, out);
      collect_media(part, turns.media);
      turns.after_tool = true;
    } else {
      only_results = false;
    }
  }
  if (only_results && !message.parts.empty()) return {};
  if (auto flushed = flush_media(turns, target, out); !flushed.ok()) return flushed;
  const bool system = message.role == Role::system || message.role == Role::developer;
  if (!system) answer_tools(turns, target, out);
  out.open_object();
  out.text("role", role_word(message.role, target));
  out.text_if("name", message.name);
  const bool marked =
      std::any_of(message.parts.begin(), message.parts.end(), [&](const ChatPart& part) {
        return !extra_for(part, own_format).empty() || !foreign_mark(part, target).empty();
      });
  if (system && !marked) {
    out.text("content", joined_text(message.parts));
  } else if (auto written = write_content(message.parts, target, out); !written.ok()) {
    return written;
  }
  out.members(extra_for(message.format, message.extra, own_format));
  out.close_object();
  return {};
}

Result<void> write_messages(const ChatRequest& request, const Target& target, JsonWriter& out) {
  Turns turns;
  out.open_array("messages");
  for (const ChatMessage& message : request.messages) {
    if (message.role == Role::assistant) {
      if (auto flushed = flush_media(turns, target, out); !flushed.ok()) return flushed;
      turns.after_tool = false;
      write_assistant(request, message, target, out);
    } else if (auto written = write_message(message, target, turns, out); !written.ok()) {
      return written;
    }
  }
  if (auto flushed = flush_media(turns, target, out); !flushed.ok()) return flushed;
  out.close_array();
  return {};
}

Result<void> write_tool(const ToolDefinition& tool, const Target& target, JsonWriter& out) {
  if (tool.opaque) {
    if (tool.format != own_format) return unsupported_tool(tool, target);
    out.raw(tool.extra);
    return {};
  }
  std::string parameters = rooted_schema(tool.parameters.empty() ? "{}" : tool.parameters);
  bool strict = tool.strict.value_or(false) && takes(target, takes_strict_tools);
  if (strict) {
    auto converted = schema_in_dialect(parameters, SchemaDialect::openai_strict);
    strict = converted.ok();
    if (strict) parameters = std::move(converted).value();
  }
  out.open_object();
  out.text("type", "function");
  out.open_object("function");
  out.text("name", tool.name);
  out.text_if("description", tool.description);
  out.raw("parameters", parameters);
  if (tool.strict && takes(target, takes_strict_tools)) out.boolean("strict", strict);
  out.close_object();
  out.members(extra_for(tool.format, tool.extra, own_format));
  out.close_object();
  return {};
}

Result<void> write_tools(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const ToolChoice choice = request.tool_choice;
  const bool can_choose = takes(target, takes_tool_choice);
  if (request.tools.empty() || (choice == ToolChoice::none && !can_choose)) return {};
  const bool forced = choice == ToolChoice::required || choice == ToolChoice::named;
  if (forced && !can_choose) return unsupported("a forced tool call", target);
  // Where no tool can be named, the others are not offered.
  const bool alone = choice == ToolChoice::named && !takes(target, takes_tool_name);
  out.open_array("tools");
  for (const ToolDefinition& tool : request.tools) {
    if (alone && tool.name != request.tool_choice_name) continue;
    if (auto written = write_tool(tool, target, out); !written.ok()) return written;
  }
  out.close_array();
  if (choice == ToolChoice::automatic && can_choose) out.text("tool_choice", "auto");
  if (choice == ToolChoice::none) out.text("tool_choice", "none");
  if (choice == ToolChoice::required || alone) {
    out.text("tool_choice", target.dialect->word_required);
  } else if (choice == ToolChoice::named) {
    out.open_object("tool_choice");
    out.text("type", "function");
    out.open_object("function");
    out.text("name", request.tool_choice_name);
    out.close_object();
    out.close_object();
  }
  if (request.parallel_tools && takes(target, takes_parallel)) {
    out.boolean("parallel_tool_calls", *request.parallel_tools);
  }
  return {};
}

Result<void> write_output(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const OutputFormat& output = request.output;
  if (output.kind == OutputKind::text) return {};
  if (output.kind == OutputKind::json) {
    if (!takes(target, takes_json_object)) return {};
    out.open_object("response_format");
    out.text("type", "json_object");
    out.close_object();
    return {};
  }
  std::string schema = output.schema;
  bool strict = output.strict.value_or(true) && takes(target, takes_strict_tools);
  if (strict) {
    auto converted = schema_in_dialect(schema, SchemaDialect::openai_strict);
    strict = converted.ok();
    if (strict) schema = std::move(converted).value();
  }
  if (target.dialect->name == "cohere") {
    auto converted = schema_in_dialect(schema, SchemaDialect::cohere);
    if (converted.ok()) schema = std::move(converted).value();
  }
  out.open_object("response_format");
  out.text("type", "json_schema");
  out.open_object("json_schema");
  out.text("name", output.name.empty() ? "answer" : output.name);
  out.text_if("description", output.description);
  out.raw("schema", schema);
  out.boolean("strict",
              strict || (output.strict.value_or(false) && !takes(target, takes_strict_tools)));
  out.close_object();
  out.close_object();
  return {};
}

void write_number(JsonWriter& out, std::string_view name, const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return;
  out.key(name);
  out.number(*value);
}

void write_sampling(const Sampling& sampling, const Target& target, JsonWriter& out) {
  if (target.takes_sampling) {
    write_number(out, "temperature", sampling.temperature);
    write_number(out, "top_p", sampling.top_p);
  }
  if (target.takes_sampling && takes(target, takes_penalties)) {
    write_number(out, "frequency_penalty", sampling.frequency_penalty);
    write_number(out, "presence_penalty", sampling.presence_penalty);
  }
  if (sampling.top_k && takes(target, takes_top_k)) out.integer("top_k", *sampling.top_k);
  if (sampling.seed && takes(target, takes_seed)) {
    out.integer(target.dialect->word_seed, *sampling.seed);
  }
  if (sampling.stop.empty()) return;
  out.open_array("stop");
  for (const std::string& stop : sampling.stop)
    out.text(stop);
  out.close_array();
}

// DeepSeek's thinking is on unless it is switched off, takes no forced tool, and knows three words.
void write_thinking_switch(const ChatRequest& request, JsonWriter& out) {
  const std::string_view extra = extra_for(request.format, request.extra, own_format);
  const bool own_words = !member_text(extra, "thinking").empty();
  const std::string effort =
      is_forced(request) && !own_words ? std::string("none") : request.reasoning.effort;
  if (effort.empty()) return;
  if (!own_words) {
    out.open_object("thinking");
    out.text("type", effort == "none" ? "disabled" : "enabled");
    out.close_object();
  }
  if (effort == "none") return;
  const bool low = effort == "minimal" || effort == "low";
  const bool most = effort == "xhigh" || effort == "max";
  out.text("reasoning_effort", low ? "low" : most ? "max" : "high");
}

void write_reasoning(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const ReasoningSetting& reasoning = request.reasoning;
  if (target.reasoning == ReasoningStyle::none) return;
  if (takes(target, takes_thinking_switch)) {
    write_thinking_switch(request, out);
  } else if (takes(target, takes_effort)) {
    out.text_if("reasoning_effort", reasoning.effort);
  } else if (takes(target, takes_effort_object) &&
             (!reasoning.effort.empty() || reasoning.budget_tokens)) {
    JsonWriter own;
    own.open_object();
    if (reasoning.budget_tokens) {
      own.integer("max_tokens", *reasoning.budget_tokens);
    } else {
      own.text("effort", reasoning.effort);
    }
    own.close_object();
    write_merged(out, "reasoning", own.take(), request, own_format);
  }
}

// OpenAI keeps a call unless it is told not to (new accounts' default). Who has only OpenAI's
// format may refuse what it does not know: to other addresses it goes where the client has said it.
void write_storing(const ChatRequest& request, const Target& target, JsonWriter& out) {
  if (!takes(target, takes_store)) return;
  const std::string_view asked =
      member_text(extra_for(request.format, request.extra, own_format), "store");
  if (own_address(target) || !asked.empty()) out.boolean("store", asked == "true");
}

void write_plugins(const ChatRequest& request, const Target& target, JsonWriter& out) {
  if (!takes(target, takes_plugins) || !has_documents(request)) return;
  const std::string_view extra = extra_for(request.format, request.extra, own_format);
  if (member_text(extra, "plugins").empty()) out.raw("plugins", native_documents);
}

void write_settings(const ChatRequest& request, const Target& target, JsonWriter& out) {
  write_storing(request, target, out);
  if (request.stream) {
    out.boolean("stream", true);
    if (takes(target, takes_stream_options))
      write_merged(out, "stream_options", R"({"include_usage":true})", request, own_format);
  }
  if (request.output_tokens_max) {
    out.integer(takes(target, takes_max_completion) ? "max_completion_tokens" : "max_tokens",
                *request.output_tokens_max);
  }
  if (request.answers > 1) out.integer("n", request.answers);
  if (request.logprobs && request.format != own_format) {
    out.boolean("logprobs", true);
    if (*request.logprobs > 0) out.integer("top_logprobs", *request.logprobs);
  }
  write_sampling(request.sampling, target, out);
  write_reasoning(request, target, out);
  if (takes(target, takes_user)) out.text_if("user", request.user);
  if (request.metadata.empty() || !takes(target, takes_metadata)) return;
  out.open_object("metadata");
  for (const auto& [key, value] : request.metadata)
    out.text(key, value);
  out.close_object();
}

}  // namespace

Result<void> encode_openai_chat(const ChatRequest& request, const Target& target, JsonWriter& out) {
  out.text("model", model_of(request, target));
  if (auto written = write_messages(request, target, out); !written.ok()) return written;
  if (auto written = write_tools(request, target, out); !written.ok()) return written;
  if (auto written = write_output(request, target, out); !written.ok()) return written;
  write_settings(request, target, out);
  write_plugins(request, target, out);
  return {};
}

}  // namespace redoubt::llm
