// ChatRequest as a Gemini generateContent request. Signatures (thoughtSignature) go back on the
// part that they came with: without them newer models refuse a tool's result.
#include <cmath>

#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/schema_dialect.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::gemini;

// What stands for a signature that was lost, by the provider's own word:
// https://ai.google.dev/gemini-api/docs/thought-signatures
constexpr std::string_view no_signature = "skip_thought_signature_validator";

void write_signature(const ChatPart& part, JsonWriter& out) {
  if (origin_of(part) == own_format) out.text_if("thoughtSignature", part.signature);
}

// Models before the third do not ask for signatures.
bool wants_signatures(std::string_view model) {
  for (const std::string_view old : {"gemini-1", "gemini-2", "gemma"}) {
    if (model.substr(0, old.size()) == old) return false;
  }
  return true;
}

// The first call of a step must be signed, the others may be.
const ChatPart* first_call(const ChatMessage& message) {
  for (const ChatPart& part : message.parts) {
    if (part.kind == PartKind::tool_call) return &part;
  }
  return nullptr;
}

bool is_signed(const ChatPart& call) {
  return origin_of(call) == own_format && !call.signature.empty();
}

bool is_media(const ChatPart& part) {
  return part.kind == PartKind::image || part.kind == PartKind::document ||
         part.kind == PartKind::audio;
}

void write_media(const ChatPart& part, JsonWriter& out) {
  out.open_object();
  if (part.data.empty()) {
    out.open_object("fileData");
    out.text_if("mimeType", part.media_type);
    out.text("fileUri", part.url);
  } else {
    out.open_object("inlineData");
    out.text("mimeType", part.media_type);
    out.text("data", part.data);
  }
  if (part.format == own_format) out.text_if("displayName", part.name);
  out.close_object();
  out.members(extra_for(part, own_format));
  out.close_object();
}

void write_call(const ChatPart& part, bool must_be_signed, JsonWriter& out) {
  out.open_object();
  out.open_object("functionCall");
  out.text_if("id", part.id);
  out.text("name", part.name);
  out.raw("args", object_text(part.arguments));
  out.members(extra_for(part, own_format));
  out.close_object();
  if (must_be_signed && !is_signed(part)) {
    out.text("thoughtSignature", no_signature);
  } else {
    write_signature(part, out);
  }
  out.close_object();
}

// Pictures of a result: in it where the client has them there, which only newer models take, else
// beside it.
void write_result_parts(const ChatPart& result, JsonWriter& out) {
  for (const ChatPart& piece : result.content) {
    if (is_media(piece)) write_media(piece, out);
    if (piece.kind == PartKind::opaque && piece.format == own_format) out.raw(piece.extra);
  }
}

// The response must be an object: an answer that is one goes as it is.
void write_result(const ChatRequest& request, const ChatPart& part, JsonWriter& out) {
  const std::string text = result_text(part);
  out.open_object();
  out.open_object("functionResponse");
  out.text_if("id", part.id);
  out.text("name", result_name(request, part));
  if (!part.is_error && is_object_text(text)) {
    out.raw("response", text);
  } else {
    out.open_object("response");
    out.text(part.is_error ? "error" : "output", text);
    out.close_object();
  }
  const bool inside = part.format == own_format && !part.content.empty();
  if (inside) {
    out.open_array("parts");
    write_result_parts(part, out);
    out.close_array();
  }
  out.members(extra_for(part, own_format));
  out.close_object();
  out.close_object();
  if (!inside) write_result_parts(part, out);
}

Result<void> write_part(const ChatRequest& request, const ChatMessage& message,
                        const ChatPart& part, const Target& target, JsonWriter& out) {
  switch (part.kind) {
    case PartKind::text:
    case PartKind::refusal:
      out.open_object();
      out.text("text", part.text);
      write_signature(part, out);
      out.members(extra_for(part, own_format));
      out.close_object();
      break;
    case PartKind::image:
    case PartKind::document:
    case PartKind::audio:
      write_media(part, out);
      break;
    case PartKind::tool_call:
      write_call(part, &part == first_call(message) && wants_signatures(model_of(request, target)),
                 out);
      break;
    case PartKind::tool_result:
      write_result(request, part, out);
      break;
    case PartKind::reasoning:
      if (origin_of(part) != own_format) break;
      out.open_object();
      out.text("text", part.text);
      out.boolean("thought", true);
      write_signature(part, out);
      out.close_object();
      break;
    case PartKind::opaque:
      if (part.format == own_format) {
        out.raw(part.extra);
      } else if (message.role != Role::assistant) {
        return unsupported_part(part, target);
      }
      break;
  }
  return {};
}

bool is_system(const ChatMessage& message) {
  return message.role == Role::system || message.role == Role::developer;
}

void write_system(const ChatRequest& request, JsonWriter& out) {
  bool any = false;
  for (const ChatMessage& message : request.messages)
    any = any || is_system(message);
  if (!any) return;
  out.open_object("systemInstruction");
  out.open_array("parts");
  for (const ChatMessage& message : request.messages) {
    if (!is_system(message)) continue;
    for (const ChatPart& part : message.parts) {
      if (part.kind != PartKind::text) continue;
      out.open_object();
      out.text("text", part.text);
      out.close_object();
    }
  }
  out.close_array();
  out.close_object();
}

// Turns must alternate: messages of one side that follow one another are one turn.
Result<void> write_contents(const ChatRequest& request, const Target& target, JsonWriter& out) {
  std::string_view open;
  out.open_array("contents");
  for (const ChatMessage& message : request.messages) {
    if (is_system(message)) continue;
    const std::string_view side = message.role == Role::assistant ? "model" : "user";
    if (side != open) {
      if (!open.empty()) {
        out.close_array();
        out.close_object();
      }
      out.open_object();
      out.text("role", side);
      out.open_array("parts");
      open = side;
    }
    for (const ChatPart& part : message.parts) {
      auto written = write_part(request, message, part, target, out);
      if (!written.ok()) return written;
    }
  }
  if (!open.empty()) {
    out.close_array();
    out.close_object();
  }
  out.close_array();
  return {};
}

// A client of this format has its schemas as it wrote them.
Result<void> write_functions(const ChatRequest& request, JsonWriter& out) {
  out.open_object();
  out.open_array("functionDeclarations");
  for (const ToolDefinition& tool : request.tools) {
    if (tool.opaque) continue;
    out.open_object();
    out.text("name", tool.name);
    out.text_if("description", tool.description);
    if (tool.format == own_format) {
      out.members(tool.extra);
    } else if (!tool.parameters.empty()) {
      auto schema = schema_in_dialect(tool.parameters, SchemaDialect::gemini);
      if (!schema.ok()) return std::move(schema.error());
      out.raw("parametersJsonSchema", schema.value());
    }
    out.close_object();
  }
  out.close_array();
  out.close_object();
  return {};
}

Result<void> write_tools(const ChatRequest& request, const Target& target, JsonWriter& out) {
  if (request.tools.empty()) return {};
  out.open_array("tools");
  bool any_function = false;
  for (const ToolDefinition& tool : request.tools) {
    any_function = any_function || !tool.opaque;
    if (tool.opaque && tool.format != own_format) return unsupported_tool(tool, target);
    if (tool.opaque) out.raw(tool.extra);
  }
  if (any_function) {
    if (auto written = write_functions(request, out); !written.ok()) return written;
  }
  out.close_array();
  // A client of this format says it in members that go on as they are.
  if (request.tool_choice == ToolChoice::unset || request.format == own_format) return {};
  out.open_object("toolConfig");
  out.open_object("functionCallingConfig");
  const bool named = request.tool_choice == ToolChoice::named;
  out.text("mode", request.tool_choice == ToolChoice::automatic ? "AUTO"
                   : request.tool_choice == ToolChoice::none    ? "NONE"
                                                                : "ANY");
  if (named) {
    out.open_array("allowedFunctionNames");
    out.text(request.tool_choice_name);
    out.close_array();
  }
  out.close_object();
  out.close_object();
  return {};
}

void write_thinking(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const ReasoningSetting& reasoning = request.reasoning;
  const bool set = !reasoning.effort.empty() || reasoning.budget_tokens || reasoning.summary;
  if (!set || target.reasoning == ReasoningStyle::none) return;
  out.open_object("thinkingConfig");
  if (target.reasoning == ReasoningStyle::effort && !reasoning.budget_tokens) {
    out.text_if("thinkingLevel", reasoning.effort == "none" ? "minimal" : reasoning.effort);
  } else if (reasoning.budget_tokens || !reasoning.effort.empty()) {
    out.integer("thinkingBudget", reasoning.budget_tokens.value_or(budget_of(reasoning.effort)));
  }
  if (reasoning.summary) out.boolean("includeThoughts", true);
  out.close_object();
}

void write_number(JsonWriter& out, std::string_view name, const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return;
  out.key(name);
  out.number(*value);
}

Result<void> write_config(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const Sampling& sampling = request.sampling;
  out.open_object("generationConfig");
  // What a client of this format wants the answer to be, and how it is thought about.
  out.members(
      member_text(extra_for(request.format, request.extra, own_format), "generationConfig"));
  if (request.output_tokens_max) out.integer("maxOutputTokens", *request.output_tokens_max);
  if (request.answers > 1) out.integer("candidateCount", request.answers);
  if (request.logprobs && request.format != own_format) {
    out.boolean("responseLogprobs", true);
    if (*request.logprobs > 0) out.integer("logprobs", *request.logprobs);
  }
  write_number(out, "temperature", sampling.temperature);
  write_number(out, "topP", sampling.top_p);
  if (sampling.top_k) out.integer("topK", *sampling.top_k);
  if (sampling.seed) out.integer("seed", *sampling.seed);
  write_number(out, "frequencyPenalty", sampling.frequency_penalty);
  write_number(out, "presencePenalty", sampling.presence_penalty);
  if (!sampling.stop.empty()) {
    out.open_array("stopSequences");
    for (const std::string& stop : sampling.stop)
      out.text(stop);
    out.close_array();
  }
  const bool own = request.format == own_format;
  if (request.output.kind != OutputKind::text && request.tools.empty() && !own) {
    out.text("responseMimeType", "application/json");
    if (request.output.kind == OutputKind::json_schema) {
      auto schema = schema_in_dialect(request.output.schema, SchemaDialect::gemini);
      if (!schema.ok()) return std::move(schema.error());
      out.raw("responseJsonSchema", schema.value());
    }
  }
  if (!own) write_thinking(request, target, out);
  out.close_object();
  return {};
}

}  // namespace

Result<void> encode_gemini(const ChatRequest& request, const Target& target, JsonWriter& out) {
  write_system(request, out);
  if (auto written = write_contents(request, target, out); !written.ok()) return written;
  if (auto written = write_tools(request, target, out); !written.ok()) return written;
  return write_config(request, target, out);
}

}  // namespace redoubt::llm
