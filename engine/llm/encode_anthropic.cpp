// ChatRequest as an Anthropic messages request. System messages at the start are `system`; tool
// results are blocks of a user's message, and results that follow one another share one message, as
// the format asks.
#include <algorithm>
#include <cmath>

#include "engine/llm/carried.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/fit.hpp"
#include "engine/llm/schema_dialect.hpp"
#include "engine/llm/schema_shape.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::anthropic;

bool is_system(const ChatMessage& message) {
  return message.role == Role::system || message.role == Role::developer;
}

// The client's own members; of another format's the mark for the prompt cache, which is worth ten
// times the price of a long prompt. `mark` is its message's.
void write_extra(const ChatPart& part, std::string_view mark, JsonWriter& out) {
  const std::string_view own = extra_for(part, own_format);
  out.members(own);
  if (!member_text(own, "cache_control").empty()) return;
  const std::string_view its = cache_mark(part.format, part.extra);
  if (!its.empty() || !mark.empty()) out.raw("cache_control", its.empty() ? mark : its);
}

void write_text_block(const ChatPart& part, std::string_view mark, JsonWriter& out) {
  out.open_object();
  out.text("type", "text");
  out.text("text", part.text);
  write_extra(part, mark, out);
  out.close_object();
}

void write_image(const ChatPart& part, std::string_view mark, JsonWriter& out) {
  out.open_object();
  out.text("type", "image");
  out.open_object("source");
  if (part.data.empty()) {
    out.text("type", "url");
    out.text("url", part.url);
  } else {
    out.text("type", "base64");
    out.text("media_type", part.media_type);
    out.text("data", part.data);
  }
  out.close_object();
  write_extra(part, mark, out);
  out.close_object();
}

// https://docs.anthropic.com/en/docs/build-with-claude/pdf-support
void write_document(const ChatPart& part, std::string_view mark, JsonWriter& out) {
  constexpr std::size_t title_bytes_max = 500;
  const bool plain = part.data.empty();
  out.open_object();
  out.text("type", "document");
  out.open_object("source");
  out.text("type", plain ? "text" : "base64");
  out.text("media_type", part.media_type);
  out.text("data", plain ? part.text : part.data);
  out.close_object();
  if (part.name.size() <= title_bytes_max) out.text_if("title", part.name);
  write_extra(part, mark, out);
  out.close_object();
}

Result<void> write_result(const ChatPart& part, std::string_view mark, const Target& target,
                          JsonWriter& out) {
  out.open_object();
  out.text("type", "tool_result");
  out.text("tool_use_id", part.id);
  if (part.content.empty()) {
    out.text("content", part.text);
  } else {
    out.open_array("content");
    for (const ChatPart& piece : part.content) {
      if (piece.kind == PartKind::image) {
        write_image(piece, {}, out);
      } else if (piece.kind == PartKind::document) {
        write_document(piece, {}, out);
      } else if (piece.kind == PartKind::text) {
        // An empty block is refused.
        if (piece.text.find_first_not_of(" \t\r\n") != std::string::npos)
          write_text_block(piece, {}, out);
      } else if (piece.format == own_format) {
        out.raw(piece.extra);
      } else {
        return unsupported_part(piece, target);
      }
    }
    out.close_array();
  }
  if (part.is_error) out.boolean("is_error", true);
  write_extra(part, mark, out);
  out.close_object();
  return {};
}

bool is_signed_thought(const ChatPart& part) {
  return part.kind == PartKind::reasoning && origin_of(part) == own_format &&
         !part.signature.empty();
}

// A thought without its signature, or signed by another, would be refused.
void write_reasoning(const ChatPart& part, JsonWriter& out) {
  if (!is_signed_thought(part)) return;
  out.open_object();
  if (part.redacted) {
    out.text("type", "redacted_thinking");
    out.text("data", part.signature);
  } else {
    out.text("type", "thinking");
    out.text("thinking", part.text);
    out.text("signature", part.signature);
  }
  out.close_object();
}

Result<void> write_block(const ChatPart& part, Role role, std::string_view mark,
                         const Target& target, JsonWriter& out) {
  switch (part.kind) {
    case PartKind::text:
    case PartKind::refusal:
      if (!part.text.empty()) write_text_block(part, mark, out);  // an empty block is refused
      break;
    case PartKind::image:
      write_image(part, mark, out);
      break;
    case PartKind::document:
      write_document(part, mark, out);
      break;
    case PartKind::audio:  // engine/llm/media.cpp refuses it
      break;
    case PartKind::tool_call:
      out.open_object();
      out.text("type", "tool_use");
      out.text("id", part.id);
      out.text("name", part.name);
      out.raw("input", object_text(part.arguments));
      write_extra(part, mark, out);
      out.close_object();
      break;
    case PartKind::tool_result:
      return write_result(part, mark, target, out);
    case PartKind::reasoning:
      write_reasoning(part, out);
      break;
    case PartKind::opaque:
      if (part.format == own_format) {
        out.raw(part.extra);
      } else if (role != Role::assistant) {
        return unsupported_part(part, target);
      }
      break;
  }
  return {};
}

std::string_view role_word(const ChatMessage& message) {
  if (message.role == Role::assistant) return "assistant";
  return is_system(message) ? "system" : "user";
}

// Whether the message goes to the `system` member: at the start, or where another format let it
// stand further down.
bool goes_to_system(const ChatRequest& request, std::size_t index) {
  const ChatMessage& message = request.messages[index];
  if (!is_system(message)) return false;
  if (message.format != own_format) return true;
  for (std::size_t i = 0; i < index; ++i) {
    if (!is_system(request.messages[i])) return false;
  }
  return true;
}

// OpenAI clients may mark a whole message.
std::string_view mark_of(const ChatMessage& message) {
  return message.format == own_format ? std::string_view()
                                      : cache_mark(message.format, message.extra);
}

void write_system(const ChatRequest& request, JsonWriter& out) {
  struct Piece {
    const ChatPart* part;
    std::string_view mark;  // its message's, where it is the last
  };
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const ChatMessage& message = request.messages[i];
    if (!goes_to_system(request, i)) continue;
    for (const ChatPart& part : message.parts) {
      if (part.kind != PartKind::text || part.text.empty()) continue;
      pieces.push_back({&part, &part == &message.parts.back() ? mark_of(message) : ""});
    }
  }
  if (pieces.empty()) return;
  const ChatPart& first = *pieces.front().part;
  const bool plain = pieces.front().mark.empty() && extra_for(first, own_format).empty() &&
                     cache_mark(first.format, first.extra).empty();
  if (pieces.size() == 1 && plain) {
    out.text("system", first.text);
    return;
  }
  out.open_array("system");
  for (const Piece& piece : pieces)
    write_text_block(*piece.part, piece.mark, out);
  out.close_array();
}

// Results of one turn share a message, also with what the user says beside them; so do the pieces
// of an assistant's turn that another format keeps apart.
bool is_joined(const ChatMessage& open, const ChatMessage& next) {
  const bool users = next.role == Role::tool || next.role == Role::user;
  if (open.role == Role::tool) return users;
  if (open.role == Role::user) return users && next.format != own_format;
  return open.role == Role::assistant && next.role == Role::assistant && next.format != own_format;
}

Result<void> write_messages(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const ChatMessage* open = nullptr;  // the message whose content is being written
  out.open_array("messages");
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const ChatMessage& message = request.messages[i];
    if (goes_to_system(request, i)) continue;
    const bool joins = open != nullptr && is_joined(*open, message);
    if (!joins) {
      if (open != nullptr) {
        out.close_array();
        out.close_object();
      }
      out.open_object();
      out.text("role", role_word(message));
      out.open_array("content");
    }
    open = &message;
    for (const ChatPart& part : message.parts) {
      const std::string_view mark = &part == &message.parts.back() ? mark_of(message) : "";
      auto written = write_block(part, message.role, mark, target, out);
      if (!written.ok()) return written;
    }
  }
  if (open != nullptr) {
    out.close_array();
    out.close_object();
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
    std::string schema = tool.format == own_format && !tool.parameters.empty()
                             ? tool.parameters
                             : rooted_schema(tool.parameters.empty() ? "{}" : tool.parameters);
    bool strict = tool.strict.value_or(false);
    if (strict) {
      auto converted = schema_in_dialect(schema, SchemaDialect::anthropic);
      strict = converted.ok();
      if (strict) schema = std::move(converted).value();
    }
    out.open_object();
    out.text("name", tool.name);
    out.text_if("description", tool.description);
    out.raw("input_schema", schema);
    if (strict) out.boolean("strict", true);
    const std::string_view own = extra_for(tool.format, tool.extra, own_format);
    const std::string_view mark = cache_mark(tool.format, tool.extra);
    out.members(own);
    if (own.empty() && !mark.empty()) out.raw("cache_control", mark);
    out.close_object();
  }
  out.close_array();
  return {};
}

void write_tool_choice(const ChatRequest& request, JsonWriter& out) {
  const bool one_at_a_time = request.parallel_tools.has_value() && !*request.parallel_tools;
  ToolChoice choice = request.tool_choice;
  if (request.tools.empty()) return;
  if (choice == ToolChoice::unset) {
    if (!one_at_a_time) return;
    choice = ToolChoice::automatic;
  }
  out.open_object("tool_choice");
  out.text("type", choice == ToolChoice::none       ? "none"
                   : choice == ToolChoice::required ? "any"
                   : choice == ToolChoice::named    ? "tool"
                                                    : "auto");
  if (choice == ToolChoice::named) out.text("name", request.tool_choice_name);
  if (one_at_a_time && choice != ToolChoice::none) out.boolean("disable_parallel_tool_use", true);
  out.close_object();
}

// No budget may be less, and none may be the whole limit.
constexpr std::int64_t budget_min = 1024;

bool is_adaptive(const Target& target) {
  return target.reasoning == ReasoningStyle::adaptive ||
         target.reasoning == ReasoningStyle::adaptive_always;
}

bool by_word(const Target& target) {
  return target.reasoning == ReasoningStyle::effort || is_adaptive(target);
}

// What a client of this format says of thinking in words that have no neutral form.
std::string_view own_thinking(const ChatRequest& request, std::string_view member) {
  return member_text(member_text(extra_for(request.format, request.extra, own_format), "thinking"),
                     member);
}

// Models before 4.6 are told a budget, whatever the client says: it does not know the model by its
// name, or another was meant to answer.
bool budget_is_given(const ChatRequest& request, const Target& target) {
  const std::string_view type = own_thinking(request, "type");
  return target.reasoning == ReasoningStyle::budget && !type.empty() && type != "\"disabled\"";
}

bool has_kind(const ChatMessage& message, PartKind kind) {
  return std::any_of(message.parts.begin(), message.parts.end(),
                     [&](const ChatPart& part) { return part.kind == kind; });
}

// A turn of tool calls that is under way and did not begin with a thought: a model that is told a
// budget refuses to think on.
bool lacks_thought(const ChatRequest& request) {
  const std::vector<ChatMessage>& messages = request.messages;
  std::size_t end = messages.size();
  bool has_results = false;
  while (end > 0 && messages[end - 1].role != Role::assistant)
    has_results = has_kind(messages[--end], PartKind::tool_result) || has_results;
  bool has_calls = false;
  std::size_t begin = end;
  while (begin > 0 && messages[begin - 1].role == Role::assistant)
    has_calls = has_kind(messages[--begin], PartKind::tool_call) || has_calls;
  if (!has_results || !has_calls) return false;
  const std::vector<ChatPart>& parts = messages[begin].parts;
  return parts.empty() || !is_signed_thought(parts.front());
}

std::int64_t limit_of(const ChatRequest& request, const Target& target) {
  return request.output_tokens_max.value_or(target.output_tokens_default);
}

// Whether a word, or its absence beside adaptive thinking, says how large the budget is to be.
bool is_budget_by_word(const ChatRequest& request, const Target& target) {
  if (request.format != own_format) return !request.reasoning.effort.empty() && !by_word(target);
  return budget_is_given(request, target) && own_thinking(request, "type") == "\"adaptive\"";
}

// Thoughts count within the limit, which is what a client lets a call cost: it is never raised. A
// budget that stands for a word leaves half of it to the answer; 0 where there is no room to think.
std::int64_t thinking_budget(const ChatRequest& request, const Target& target) {
  const ReasoningSetting& reasoning = request.reasoning;
  const std::int64_t limit = limit_of(request, target);
  // A client of this format knows what it may ask for; for others thinking is a wish.
  const bool is_wish = request.format != own_format || budget_is_given(request, target);
  const bool prefilled = request.messages.back().role == Role::assistant;
  if (is_wish && (is_forced(request) || prefilled || lacks_thought(request))) return 0;
  std::int64_t budget = 0;
  if (reasoning.budget_tokens) {
    budget = std::min(*reasoning.budget_tokens, limit - 1);
  } else if (is_budget_by_word(request, target)) {
    budget = std::min(budget_of(reasoning.effort), limit / 2);
  }
  return budget < budget_min ? 0 : budget;
}

// Instead of what the client says in newer words.
void write_budget(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const std::int64_t budget = thinking_budget(request, target);
  if (budget == 0) return;
  out.open_object("thinking");
  out.text("type", "enabled");
  out.integer("budget_tokens", budget);
  const std::string_view display = own_thinking(request, "display");
  if (!display.empty()) out.raw("display", display);
  out.close_object();
}

// The newest models refuse a budget: how much they think within the limit is theirs.
void write_thinking(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const ReasoningSetting& reasoning = request.reasoning;
  const bool always = target.reasoning == ReasoningStyle::adaptive_always;
  if (target.reasoning == ReasoningStyle::none) return;
  const std::string_view own_type = own_thinking(request, "type");
  if (always && own_type == "\"disabled\"") return;
  if (budget_is_given(request, target)) {
    write_budget(request, target, out);
    return;
  }
  JsonWriter own;
  own.open_object();
  if (!own_type.empty()) {
    // The client says it itself.
  } else if (reasoning.effort == "none" || (request.format != own_format && is_forced(request))) {
    if (!always && (is_adaptive(target) || reasoning.effort == "none"))
      own.text("type", "disabled");
  } else if (is_adaptive(target)) {
    // An effort alone switches nothing on: a client of this format knows.
    if (reasoning.budget_tokens || (request.format != own_format && !reasoning.effort.empty()))
      own.text("type", "adaptive");
  } else if (const std::int64_t budget = thinking_budget(request, target); budget > 0) {
    own.text("type", "enabled");
    own.integer("budget_tokens", budget);
  }
  own.close_object();
  write_merged(out, "thinking", own.take(), request, own_format);
}

std::string_view own_config(const ChatRequest& request) {
  return member_text(extra_for(request.format, request.extra, own_format), "output_config");
}

// The word that the client says, or that stands for its budget.
std::string asked_effort(const ChatRequest& request, const Target& target) {
  const ReasoningSetting& reasoning = request.reasoning;
  const std::string_view own = member_text(own_config(request), "effort");
  if (own.size() > 2) return std::string(own.substr(1, own.size() - 2));
  if (is_adaptive(target) && reasoning.effort.empty() && reasoning.budget_tokens)
    return std::string(effort_of(*reasoning.budget_tokens));
  return request.format != own_format && by_word(target) ? reasoning.effort : std::string();
}

// The word as the model takes it; "" where it takes none. Of the models that are told a budget one
// takes both: its card says so.
std::string effort_word(const ChatRequest& request, const Target& target) {
  const std::string effort = asked_effort(request, target);
  const bool by_budget_alone = target.reasoning == ReasoningStyle::budget && target.efforts.empty();
  if (effort == "none" || by_budget_alone || target.reasoning == ReasoningStyle::none) return {};
  if (effort == "minimal") return "low";
  // Above "high" no model can be told not to think, as it is for a forced tool.
  const bool held = request.format != own_format && is_forced(request);
  return held && (effort == "xhigh" || effort == "max") ? "high"
                                                        : nearest_effort(effort, target.efforts);
}

// output_config: the effort's word and the answer's schema, beside what else the client says.
Result<void> write_output_config(const ChatRequest& request, const Target& target,
                                 JsonWriter& out) {
  JsonWriter config;
  config.open_object();
  config.text_if("effort", effort_word(request, target));
  if (request.output.kind == OutputKind::json_schema) {
    auto schema = schema_in_dialect(request.output.schema, SchemaDialect::anthropic);
    if (!schema.ok()) return unsupported("a schema with objects of any key", target);
    config.open_object("format");
    config.text("type", "json_schema");
    config.raw("schema", schema.value());
    config.close_object();
  }
  config.members_but(own_config(request), {"effort"});
  config.close_object();
  if (const std::string text = config.take(); text != "{}") out.raw("output_config", text);
  return {};
}

void write_stop(const Sampling& sampling, JsonWriter& out) {
  if (sampling.stop.empty()) return;
  out.open_array("stop_sequences");
  for (const std::string& stop : sampling.stop)
    out.text(stop);
  out.close_array();
}

// Beside thoughts the provider takes no sampling, and of temperature and top_p it takes one: a
// client of this format says for itself what goes with what.
void write_sampling(const ChatRequest& request, const Target& target, JsonWriter& out) {
  const Sampling& sampling = request.sampling;
  const bool foreign = request.format != own_format;
  const bool is_wish = foreign || budget_is_given(request, target);
  if (!target.takes_sampling || (is_wish && thinking_budget(request, target) > 0)) return;
  const bool has_temperature = sampling.temperature && std::isfinite(*sampling.temperature);
  if (has_temperature) {
    out.key("temperature");
    out.number(*sampling.temperature);
  }
  if (sampling.top_p && std::isfinite(*sampling.top_p) && !(foreign && has_temperature)) {
    out.key("top_p");
    out.number(*sampling.top_p);
  }
  if (sampling.top_k) out.integer("top_k", *sampling.top_k);
}

}  // namespace

Result<void> encode_anthropic(const ChatRequest& request, const Target& target, JsonWriter& out) {
  out.text("model", model_of(request, target));
  write_system(request, out);
  if (auto written = write_messages(request, target, out); !written.ok()) return written;
  if (auto written = write_tools(request, target, out); !written.ok()) return written;
  write_tool_choice(request, out);
  write_thinking(request, target, out);
  out.integer("max_tokens", limit_of(request, target));
  if (request.stream) out.boolean("stream", true);
  write_sampling(request, target, out);
  write_stop(request.sampling, out);
  if (!request.user.empty()) {
    out.open_object("metadata");
    out.text("user_id", request.user);
    out.close_object();
  }
  return write_output_config(request, target, out);
}

}  // namespace redoubt::llm
