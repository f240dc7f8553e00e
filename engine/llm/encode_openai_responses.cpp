// ChatRequest as an OpenAI Responses request: a list of items. The first system message is
// `instructions`. Nothing is stored at the provider unless the client's own request says so in as
// many words (the provider's default is to store), and encrypted reasoning is asked for, so that it
// can go back.
#include <algorithm>
#include <cmath>

#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/schema_dialect.hpp"
#include "engine/llm/schema_shape.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_responses;

Result<void> write_input_part(const ChatPart& part, const Target& target, JsonWriter& out) {
  if (part.kind == PartKind::opaque) {
    if (part.format != own_format) return unsupported_part(part, target);
    out.raw(part.extra);
    return {};
  }
  out.open_object();
  if (part.kind == PartKind::image) {
    out.text("type", "input_image");
    out.text("image_url", image_url(part));
  } else if (part.kind == PartKind::document) {
    out.text("type", "input_file");
    out.text("filename", file_name(part));
    out.text("file_data", image_url(part));
  } else {
    out.text("type", "input_text");
    out.text("text", part.text);
  }
  out.members(extra_for(part, own_format));
  out.close_object();
  return {};
}

bool is_input(const ChatPart& part) {
  return part.kind == PartKind::text || part.kind == PartKind::image ||
         part.kind == PartKind::document || part.kind == PartKind::opaque;
}

Result<void> write_input_content(const std::vector<ChatPart>& parts, const Target& target,
                                 JsonWriter& out) {
  const ChatPart* only = nullptr;
  int count = 0;
  for (const ChatPart& part : parts) {
    if (!is_input(part)) continue;
    only = &part;
    ++count;
  }
  if (count == 1 && only->kind == PartKind::text && extra_for(*only, own_format).empty()) {
    out.text(only->text);
    return {};
  }
  out.open_array();
  for (const ChatPart& part : parts) {
    if (!is_input(part)) continue;
    if (auto written = write_input_part(part, target, out); !written.ok()) return written;
  }
  out.close_array();
  return {};
}

// Calls of freeform tools, and their results, say their own type.
bool is_freeform(std::string_view extra) {
  return !member_text(extra, "type").empty();
}

void write_call(const ChatPart& part, JsonWriter& out) {
  const std::string_view extra = extra_for(part, own_format);
  out.open_object();
  if (!is_freeform(extra)) out.text("type", "function_call");
  out.text("call_id", part.id);
  out.text("name", part.name);
  if (!is_freeform(extra)) out.text("arguments", part.arguments.empty() ? "{}" : part.arguments);
  out.members(extra);
  out.close_object();
}

Result<void> write_result(const ChatPart& part, const Target& target, JsonWriter& out) {
  out.open_object();
  const std::string_view extra = extra_for(part, own_format);
  if (!is_freeform(extra)) out.text("type", "function_call_output");
  out.text("call_id", part.id);
  out.key("output");
  if (part.content.empty()) {
    out.text(part.text);
  } else if (auto written = write_input_content(part.content, target, out); !written.ok()) {
    return written;
  }
  out.members(extra);
  out.close_object();
  return {};
}

// An item without an id is told by what is sealed in it; one with an id alone lies at the provider,
// and is the client's own to name.
bool goes_back(const ChatPart& part) {
  if (origin_of(part) != own_format) return false;
  return !part.signature.empty() || (part.format == own_format && !part.id.empty());
}

void write_reasoning_item(const ChatPart& part, JsonWriter& out) {
  out.open_object();
  out.text("type", "reasoning");
  out.text_if("id", part.id);
  out.open_array("summary");
  if (!part.text.empty()) {
    out.open_object();
    out.text("type", "summary_text");
    out.text("text", part.text);
    out.close_object();
  }
  out.close_array();
  out.text_if("encrypted_content", part.signature);
  out.members(extra_for(part, own_format));
  out.close_object();
}

bool is_said(const ChatPart& part) {
  return part.kind == PartKind::text || part.kind == PartKind::refusal;
}

void write_output_part(const ChatPart& part, JsonWriter& out) {
  out.open_object();
  const bool refusal = part.kind == PartKind::refusal;
  out.text("type", refusal ? "refusal" : "output_text");
  out.text(refusal ? "refusal" : "text", part.text);
  out.members(extra_for(part, own_format));
  out.close_object();
}

void write_assistant_text(const ChatPart& part, JsonWriter& out) {
  out.open_object();
  out.text("role", "assistant");
  if (part.kind == PartKind::text && extra_for(part, own_format).empty()) {
    out.text("content", part.text);
  } else {
    out.open_array("content");
    write_output_part(part, out);
    out.close_array();
  }
  out.close_object();
}

// A message of this format with members of its own is one item, whatever it is made of.
void write_own_message(const ChatMessage& message, JsonWriter& out) {
  out.open_object();
  out.text("role", "assistant");
  out.open_array("content");
  for (const ChatPart& part : message.parts)
    write_output_part(part, out);
  out.close_array();
  out.members(message.extra);
  out.close_object();
}

void write_assistant(const ChatMessage& message, JsonWriter& out) {
  const bool own = !extra_for(message.format, message.extra, own_format).empty();
  if (own && std::all_of(message.parts.begin(), message.parts.end(), is_said)) {
    write_own_message(message, out);
    return;
  }
  for (const ChatPart& part : message.parts) {
    switch (part.kind) {
      case PartKind::text:
      case PartKind::refusal:
        write_assistant_text(part, out);
        break;
      case PartKind::tool_call:
        write_call(part, out);
        break;
      case PartKind::reasoning:
        if (goes_back(part)) write_reasoning_item(part, out);
        break;
      case PartKind::opaque:
        if (part.format == own_format) out.raw(part.extra);
        break;
      default:
        break;
    }
  }
}

bool is_opaque_item(const ChatMessage& message) {
  return message.role == Role::tool && message.parts.size() == 1 &&
         message.parts.front().kind == PartKind::opaque && message.format == own_format;
}

Result<void> write_message(const ChatMessage& message, const Target& target, JsonWriter& out) {
  if (message.role == Role::assistant) {
    write_assistant(message, out);
    return {};
  }
  if (is_opaque_item(message)) {
    out.raw(message.parts.front().extra);
    return {};
  }
  bool only_results = !message.parts.empty();
  for (const ChatPart& part : message.parts) {
    only_results = only_results && part.kind == PartKind::tool_result;
    if (part.kind != PartKind::tool_result) continue;
    if (auto written = write_result(part, target, out); !written.ok()) return written;
  }
  if (only_results) return {};
  out.open_object();
  out.text("role", message.role == Role::system      ? "system"
                   : message.role == Role::developer ? "developer"
                                                     : "user");
  out.key("content");
  if (auto written = write_input_content(message.parts, target, out); !written.ok()) return written;
  out.members(extra_for(message.format, message.extra, own_format));
  out.close_object();
  return {};
}

Result<void> write_messages(const ChatRequest& request, const Target& target, JsonWriter& out) {
  std::size_t first = 0;
  // There is no request without an item.
  if (request.messages.front().role == Role::system && request.messages.size() > 1) {
    out.text("instructions", joined_text(request.messages.front().parts));
    first = 1;
  }
  out.open_array("input");
  for (std::size_t i = first; i < request.messages.size(); ++i) {
    auto written = write_message(request.messages[i], target, out);
    if (!written.ok()) return written;
  }
  out.close_array();
  return {};
}

Result<void> write_tools(const ChatRequest& request, const Target& target, JsonWriter& out) {
  if (request.tools.empty()) return {};
  out.open_array("tools");
  for (const ToolDefinition& tool : request.tools) {
    if (tool.opaque) {
      if (tool.format != own_format) return unsupported_tool(tool, target);
      out.raw(tool.extra);
      continue;
    }
    std::string parameters = rooted_schema(tool.parameters.empty() ? "{}" : tool.parameters);
    bool strict = tool.strict.value_or(false);
    if (strict) {
      auto converted = schema_in_dialect(parameters, SchemaDialect::openai_strict);
      strict = converted.ok();
      if (strict) parameters = std::move(converted).value();
    }
    out.open_object();
    out.text("type", "function");
    out.text("name", tool.name);
    out.text_if("description", tool.description);
    out.raw("parameters", parameters);
    out.boolean("strict", strict);  // this format's default is true
    out.members(extra_for(tool.format, tool.extra, own_format));
    out.close_object();
  }
  out.close_array();
  if (request.parallel_tools) out.boolean("parallel_tool_calls", *request.parallel_tools);
  return {};
}

// Beside the tools: items may bring tools of their own, so a choice may stand without a list.
void write_tool_choice(const ChatRequest& request, JsonWriter& out) {
  switch (request.tool_choice) {
    case ToolChoice::unset:
      break;
    case ToolChoice::automatic:
      out.text("tool_choice", "auto");
      break;
    case ToolChoice::none:
      out.text("tool_choice", "none");
      break;
    case ToolChoice::required:
      out.text("tool_choice", "required");
      break;
    case ToolChoice::named:
      out.open_object("tool_choice");
      out.text("type", "function");
      out.text("name", request.tool_choice_name);
      out.close_object();
      break;
  }
}

void write_format(const OutputFormat& output, JsonWriter& out) {
  out.open_object("format");
  if (output.kind == OutputKind::json) {
    out.text("type", "json_object");
  } else {
    bool strict = output.strict.value_or(true);
    std::string schema = output.schema;
    if (strict) {
      auto converted = schema_in_dialect(schema, SchemaDialect::openai_strict);
      strict = converted.ok();
      if (strict) schema = std::move(converted).value();
    }
    out.text("type", "json_schema");
    out.text("name", output.name.empty() ? "answer" : output.name);
    out.text_if("description", output.description);
    out.raw("schema", schema);
    out.boolean("strict", strict);
  }
  out.close_object();
}

// Stored is what the client's own request says. What is not stored comes back only if its thoughts
// are asked for sealed, which models that do not think refuse to do.
void write_storing(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const std::string_view extra = extra_for(request.format, request.extra, own_format);
  const bool stored = member_text(extra, "store") == "true";
  constexpr std::string_view sealed = "\"reasoning.encrypted_content\"";
  const std::vector<std::string_view> asked = element_texts(member_text(extra, "include"));
  const bool thinks = target.reasoning != ReasoningStyle::none;
  const bool add_sealed =
      !stored && thinks && std::find(asked.begin(), asked.end(), sealed) == asked.end();
  const bool add_logprobs = request.logprobs && request.format != own_format;
  out.boolean("store", stored);
  if (add_logprobs && *request.logprobs > 0) out.integer("top_logprobs", *request.logprobs);
  if (asked.empty() && !add_sealed && !add_logprobs) return;
  out.open_array("include");
  for (const std::string_view each : asked)
    out.raw(each);
  if (add_sealed) out.raw(sealed);
  if (add_logprobs) out.text("message.output_text.logprobs");
  out.close_array();
}

void write_settings(const ChatRequest& request, const Target& target, JsonWriter& out) {
  if (request.stream) out.boolean("stream", true);
  write_storing(request, target, out);
  if (request.output_tokens_max) out.integer("max_output_tokens", *request.output_tokens_max);
  if (target.takes_sampling && request.sampling.temperature &&
      std::isfinite(*request.sampling.temperature)) {
    out.key("temperature");
    out.number(*request.sampling.temperature);
  }
  if (target.takes_sampling && request.sampling.top_p && std::isfinite(*request.sampling.top_p)) {
    out.key("top_p");
    out.number(*request.sampling.top_p);
  }
  JsonWriter text;
  text.open_object();
  if (request.output.kind != OutputKind::text) write_format(request.output, text);
  text.close_object();
  write_merged(out, "text", text.take(), request, own_format);
  JsonWriter reasoning;
  reasoning.open_object();
  if (target.reasoning != ReasoningStyle::none) {
    reasoning.text_if("effort", request.reasoning.effort);
    if (request.reasoning.summary) reasoning.text("summary", "auto");
  }
  reasoning.close_object();
  write_merged(out, "reasoning", reasoning.take(), request, own_format);
  out.text_if("user", request.user);
  if (request.metadata.empty()) return;
  out.open_object("metadata");
  for (const auto& [key, value] : request.metadata)
    out.text(key, value);
  out.close_object();
}

}  // namespace

Result<void> encode_openai_responses(const ChatRequest& request, const Target& target,
                                     JsonWriter& out) {
  out.text("model", model_of(request, target));
  if (auto written = write_messages(request, target, out); !written.ok()) return written;
  if (auto written = write_tools(request, target, out); !written.ok()) return written;
  write_tool_choice(request, out);
  write_settings(request, target, out);
  return {};
}

}  // namespace redoubt::llm
