#include "engine/llm/encode.hpp"

#include <algorithm>
#include <optional>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/fit.hpp"
#include "engine/llm/fit_rules.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/media.hpp"
#include "engine/llm/schema_dialect.hpp"
#include "engine/llm/schema_shape.hpp"

namespace redoubt::llm {
namespace {

// Of all schemas of a request together (growth_max).
constexpr std::size_t schemas_growth_max = 8u << 20;

constexpr std::size_t messages_max = 10'000;

// Of a client's own words, in an error.
constexpr std::size_t shown_bytes_max = 64;

EncodeBody encoder_of(WireFormat format) {
  switch (format) {
    case WireFormat::openai_responses:
      return encode_openai_responses;
    case WireFormat::anthropic:
      return encode_anthropic;
    case WireFormat::gemini:
      return encode_gemini;
    default:
      return encode_openai_chat;
  }
}

std::string url_of(const ChatRequest& request, const Target& target) {
  const std::string base = base_of(target);
  switch (target.dialect->format) {
    case WireFormat::openai_responses:
      return base + "/responses";
    case WireFormat::anthropic:
      return base + "/messages";
    case WireFormat::gemini:
      return joined({base, "/models/", model_of(request, target),
                     request.stream ? ":streamGenerateContent?alt=sse" : ":generateContent"});
    default:
      return base + "/chat/completions";
  }
}

constexpr std::string_view effort_beta = "effort-2025-11-24";

// A Claude model that is told a budget and takes a word beside it does so as a beta, which a client
// that has another model in mind does not ask for.
bool needs_effort_beta(const ChatRequest& request, const Target& target) {
  const std::string_view config = member_text(request.extra, "output_config");
  return request.format == WireFormat::anthropic && target.reasoning == ReasoningStyle::budget &&
         !target.efforts.empty() && !member_text(config, "effort").empty() &&
         std::find(request.betas.begin(), request.betas.end(), effort_beta) == request.betas.end();
}

std::vector<Header> headers_of(const ChatRequest& request, const Target& target) {
  std::vector<Header> headers;
  headers.push_back({"content-type", "application/json"});
  headers.push_back({"accept", request.stream ? "text/event-stream" : "application/json"});
  if (target.dialect->format == WireFormat::anthropic) {
    headers.push_back({"anthropic-version", std::string(anthropic_version)});
    std::string betas;
    for (const std::string& beta : request.betas)
      betas += (betas.empty() ? "" : ",") + beta;
    if (needs_effort_beta(request, target))
      betas += joined({betas.empty() ? "" : ",", effort_beta});
    if (!betas.empty() && request.format == WireFormat::anthropic)
      headers.push_back({"anthropic-beta", std::move(betas)});
  }
  return headers;
}

// Whether the target can hold an answer to the schema.
bool takes_schema(const ChatRequest& request, const Target& target) {
  const Dialect& dialect = *target.dialect;
  if ((dialect.takes & takes_json_schema) == 0) return false;
  // Gemini takes none beside tools; its own clients know which of its models do.
  if (dialect.format == WireFormat::gemini)
    return request.format == dialect.format || request.tools.empty();
  if (dialect.name == "cohere")
    return schema_in_dialect(request.output.schema, SchemaDialect::cohere).ok();
  if (dialect.format != WireFormat::anthropic) return true;
  if (request.format == dialect.format)
    return schema_in_dialect(request.output.schema, SchemaDialect::anthropic).ok();
  StrictWeight most = anthropic_strict_max;
  return fits_strictly(request.output.schema, most);
}

// The form of an answer that the target has no way to be told.
enum class SchemaWay : std::uint8_t { native, by_prompt, by_words_alone };

SchemaWay schema_way(const ChatRequest& request, const Target& target) {
  const Dialect& dialect = *target.dialect;
  if (request.output.kind == OutputKind::text) return SchemaWay::native;
  const FitRules& rules = fit_rules(dialect.name, model_of(request, target));
  if (rules.schema_alone && (!request.tools.empty() || request.stream))
    return SchemaWay::by_words_alone;
  if (request.output.kind == OutputKind::json_schema)
    return takes_schema(request, target) ? SchemaWay::native : SchemaWay::by_prompt;
  const bool beside_tools = dialect.format == WireFormat::gemini &&
                            request.format != dialect.format && !request.tools.empty();
  return beside_tools || dialect.format == WireFormat::anthropic ? SchemaWay::by_prompt
                                                                 : SchemaWay::native;
}

void add_system_words(ChatRequest& request, std::string words) {
  if (!request.messages.empty() && request.messages.front().role == Role::system) {
    request.messages.front().parts.emplace_back().text = std::move(words);
  } else {
    request.messages.insert(request.messages.begin(), text_message(Role::system, std::move(words)));
  }
}

// As a request for JSON with the schema in words; the check is the caller's.
ChatRequest with_schema_prompt(const ChatRequest& request, SchemaWay way) {
  ChatRequest prompted = request;
  std::string words =
      "Answer with one JSON object and nothing else: no words around it, no code fence.";
  if (!request.output.schema.empty()) {
    words += " It must be valid against this JSON Schema:\n";
    words += request.output.schema;
  }
  prompted.output = {};
  if (way == SchemaWay::by_prompt) prompted.output.kind = OutputKind::json;
  add_system_words(prompted, std::move(words));
  return prompted;
}

// Anthropic's models that always think take no forced tool. What another format's client asks for
// is put into words; the tool that it names is offered alone.
bool needs_tool_prompt(const ChatRequest& request, const Target& target) {
  return target.dialect->format == WireFormat::anthropic &&
         target.reasoning == ReasoningStyle::adaptive_always &&
         request.format != WireFormat::anthropic && is_forced(request);
}

ChatRequest with_tool_prompt(const ChatRequest& request) {
  ChatRequest prompted = request;
  std::string words = "Answer by calling one of your tools, and with nothing else.";
  if (request.tool_choice == ToolChoice::named) {
    words = joined(
        {"Answer by calling the tool \"", request.tool_choice_name, "\", and with nothing else."});
    std::erase_if(prompted.tools, [&](const ToolDefinition& tool) {
      return tool.name != request.tool_choice_name;
    });
  }
  prompted.tool_choice = ToolChoice::automatic;
  add_system_words(prompted, std::move(words));
  return prompted;
}

Result<void> encode_body(const ChatRequest& request, const Target& target, WireRequest& wire,
                         JsonWriter& body) {
  if (needs_tool_prompt(request, target))
    return encode_body(with_tool_prompt(request), target, wire, body);
  const Dialect& dialect = *target.dialect;
  const EncodeBody encode = encoder_of(dialect.format);
  const SchemaWay way = schema_way(request, target);
  wire.schema_by_prompt = way != SchemaWay::native;
  return wire.schema_by_prompt ? encode(with_schema_prompt(request, way), target, body)
                               : encode(request, target, body);
}

// The client's own members, but those that an encoder merged with its own or wrote itself.
void write_extra(const ChatRequest& request, const Dialect& dialect, JsonWriter& body) {
  const std::string_view extra = extra_for(request.format, request.extra, dialect.format);
  if (dialect.format == WireFormat::openai_responses) {
    body.members_but(extra, {"reasoning", "text", "store", "include"});
  } else if (dialect.format == WireFormat::anthropic) {
    body.members_but(extra, {"output_config", "thinking"});
  } else if (dialect.format == WireFormat::gemini) {
    body.members_but(extra, {"generationConfig"});
  } else if ((dialect.takes & takes_effort_object) != 0 &&
             (!request.reasoning.effort.empty() || request.reasoning.budget_tokens)) {
    body.members_but(extra, {"reasoning", "store", "stream_options"});
  } else {
    body.members_but(extra, {"store", "stream_options"});
  }
}

Error bad_request(Pieces message, Pieces path) {
  return make_error("bad_chat_request", message, path, {}, {});
}

// Is the tool among those that a Gemini client lets be called? It names some where one must be.
bool is_allowed(const Json* names, const ToolDefinition& tool) {
  return names == nullptr || !names->is_array() || names->empty() ||
         std::any_of(names->begin(), names->end(),
                     [&](const Json& name) { return text_of(&name) == tool.name; });
}

// A Gemini client's request for a target that has no word for what it asks: of the tools those
// alone that may be called. Nothing where it goes as it is.
Result<std::optional<ChatRequest>> without_gemini_wishes(const ChatRequest& request,
                                                         const Target& target) {
  std::optional<ChatRequest> changed;
  if (request.format != WireFormat::gemini || target.dialect->format == WireFormat::gemini)
    return changed;
  const std::string_view config = member_text(request.extra, "generationConfig");
  if (member_text(config, "responseMimeType") == R"("text/x.enum")")
    return unsupported("the responseMimeType text/x.enum. Ask for application/json with an enum",
                       target);
  const auto choice = parse_json(member_text(request.extra, "toolConfig"), wire_json_limits);
  if (request.tool_choice != ToolChoice::required || !choice.ok()) return changed;
  const Json* names =
      member_of(member_of(*choice, "functionCallingConfig"), "allowedFunctionNames");
  const auto allowed = [&](const ToolDefinition& tool) { return is_allowed(names, tool); };
  const auto count = std::count_if(request.tools.begin(), request.tools.end(), allowed);
  if (static_cast<std::size_t>(count) == request.tools.size()) return changed;
  if (count == 0)
    return bad_request({"allowedFunctionNames names none of the tools"},
                       {"toolConfig.functionCallingConfig.allowedFunctionNames"});
  changed = request;
  std::erase_if(changed->tools, [&](const ToolDefinition& tool) { return !allowed(tool); });
  return changed;
}

// How many answers to one prompt the target gives at once.
std::int64_t answers_taken(const Target& target) {
  constexpr std::int64_t gemini_max = 8;  // https://ai.google.dev/api/generate-content
  if ((target.dialect->takes & takes_answers) == 0) return 1;
  return target.dialect->format == WireFormat::gemini ? gemini_max : answers_max;
}

// Every text that goes into a body as JSON must be JSON.
Result<void> check(const ChatRequest& request, const Target& target) {
  if (!is_model_name(model_of(request, target))) {
    return bad_request({"the model's name is missing or has characters that no name has"},
                       {"model"});
  }
  if (target.dialect->base_url.empty() && target.base_url.empty()) {
    return bad_request({"the dialect ", target.dialect->name, " needs a base URL"}, {"base_url"});
  }
  if (request.messages.empty() || request.messages.size() > messages_max) {
    return bad_request({"a request has 1 to ", messages_max, " messages"}, {"messages"});
  }
  if (request.answers > answers_taken(target))
    return unsupported(
        joined({request.answers, " answers to one prompt (",
                request.format == WireFormat::gemini ? "candidateCount" : "n", "); ask ",
                answers_taken(target) == 1 ? "for one" : "for fewer", ", or another model"}),
        target);
  // What the provider keeps of a conversation is no part of the request: another has none of it.
  if (request.format == WireFormat::openai_responses && request.format != target.dialect->format) {
    for (const char* kept : {"previous_response_id", "conversation"}) {
      const std::string_view value = member_text(request.extra, kept);
      if (!value.empty() && value != "null") return unsupported(kept, target);
    }
  }
  for (const ToolDefinition& tool : request.tools) {
    if (tool.name.empty() && !tool.opaque) {
      return bad_request({"a tool has no name"}, {"tools"});
    }
    if (!tool.parameters.empty() && !is_object_text(tool.parameters)) {
      return bad_request({"the tool's parameters are no JSON Schema"}, {"tools.", tool.name});
    }
  }
  std::size_t growth = growth_max(request.output.schema);
  for (const ToolDefinition& tool : request.tools)
    growth += growth_max(tool.parameters);
  if (growth > schemas_growth_max) {
    return bad_request({"the schemas of the tools and of the output are too long where they have "
                        "references or choices: written out they may take ",
                        growth, " bytes more, and ", schemas_growth_max, " are allowed"},
                       {"tools"});
  }
  if (request.output.kind == OutputKind::json_schema && !is_object_text(request.output.schema)) {
    return bad_request({"the output's schema is no JSON Schema"}, {"output.schema"});
  }
  return {};
}

}  // namespace

bool is_forced(const ChatRequest& request) {
  return !request.tools.empty() &&
         (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named);
}

bool is_model_name(std::string_view name) {
  if (name.empty() || name.size() > 200) return false;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("-._:/@+ ").find(c) == std::string_view::npos) return false;
  }
  return name.find("..") == std::string_view::npos;
}

std::string base_of(const Target& target) {
  std::string base =
      target.base_url.empty() ? std::string(target.dialect->base_url) : target.base_url;
  while (!base.empty() && base.back() == '/')
    base.pop_back();
  return base;
}

std::string_view model_of(const ChatRequest& request, const Target& target) {
  return target.model.empty() ? request.model : target.model;
}

std::string_view extra_for(WireFormat format, const std::string& extra, WireFormat target) {
  return format == target ? std::string_view(extra) : std::string_view();
}

std::string_view extra_for(const ChatPart& part, WireFormat target) {
  return extra_for(part.format, part.extra, target);
}

std::string image_url(const ChatPart& part) {
  if (part.data.empty()) return part.url;
  return joined({"data:", part.media_type, ";base64,", part.data});
}

std::string file_name(const ChatPart& document) {
  const bool is_pdf = document.media_type == "application/pdf";
  constexpr std::string_view ending = ".pdf";
  const std::string_view name = document.name;
  const bool ends =
      name.size() >= ending.size() && name.substr(name.size() - ending.size()) == ending;
  return joined({name.empty() ? "document" : name, is_pdf && !ends ? ending : ""});
}

std::string object_text(std::string_view arguments) {
  if (arguments.empty()) return "{}";
  if (is_object_text(arguments)) return std::string(arguments);
  if (std::string mended = mended_json(arguments); is_object_text(mended)) return mended;
  JsonWriter wrapped;
  wrapped.open_object();
  wrapped.text("text", arguments);
  wrapped.close_object();
  return wrapped.take();
}

std::string joined_text(const std::vector<ChatPart>& parts) {
  std::string text;
  for (const ChatPart& part : parts) {
    if (part.kind != PartKind::text || part.text.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += part.text;
  }
  return text;
}

std::string result_text(const ChatPart& result) {
  return result.content.empty() ? result.text : joined_text(result.content);
}

std::string_view result_name(const ChatRequest& request, const ChatPart& result) {
  if (!result.name.empty()) return result.name;
  for (const ChatMessage& message : request.messages) {
    for (const ChatPart& part : message.parts) {
      if (part.kind == PartKind::tool_call && part.id == result.id) return part.name;
    }
  }
  return {};
}

std::string_view effort_of(std::int64_t budget) {
  if (budget <= 0) return "none";
  if (budget <= 1024) return "minimal";
  if (budget <= 4096) return "low";
  return budget <= 12'288 ? "medium" : "high";
}

std::int64_t budget_of(std::string_view effort) {
  if (effort == "none") return 0;
  if (effort == "minimal") return 1024;
  if (effort == "low") return 2048;
  if (effort == "medium") return 8192;
  return 16384;
}

void write_merged(JsonWriter& out, std::string_view key, std::string_view own,
                  const ChatRequest& request, WireFormat target) {
  const std::string_view rest = member_text(extra_for(request.format, request.extra, target), key);
  if (own == "{}" && rest.empty()) return;
  out.open_object(key);
  out.members(own);
  out.members_beside(rest, own);
  out.close_object();
}

Error unsupported_tool(const ToolDefinition& tool, const Target& target) {
  const auto text = [&](std::string_view member) {
    const std::string_view value = member_text(tool.extra, member);
    return value.size() > 2 && value.front() == '"' ? value.substr(1, value.size() - 2)
                                                    : std::string_view();
  };
  const std::string_view name = text("name").empty() ? text("type") : text("name");
  return unsupported(joined({"the tool \"", name, "\": it is one of ", format_name(tool.format),
                             " alone. Leave it out, or ask for a model of that format"}),
                     target);
}

Error unsupported_part(const ChatPart& part, const Target& target) {
  const std::string_view value = member_text(part.extra, "type");
  const std::vector<MemberText> members = member_texts(part.extra);
  // A part of Gemini's is what its member is.
  const std::string type = value.size() > 2   ? std::string(value.substr(1, value.size() - 2))
                           : !members.empty() ? std::string(members.front().key)
                                              : std::string();
  return unsupported(
      joined({"content of type \"", type.substr(0, shown_bytes_max), "\": it is of the format ",
              format_name(part.format), " alone. Leave it out, or ask for a model of that format"}),
      target);
}

std::string_view cache_mark(WireFormat format, std::string_view extra) {
  const bool has_marks = format == WireFormat::anthropic || format == WireFormat::openai_chat;
  return has_marks ? member_text(extra, "cache_control") : std::string_view();
}

Error unsupported(std::string_view what, const Target& target) {
  return make_error("unsupported", {target.dialect->name, " cannot take ", what}, {}, {}, {});
}

namespace {

// A model without a card is asked as its family is.
Target with_family(const Target& target, const Family& family, const ChatRequest& request) {
  Target known = target;
  known.reasoning = family.reasoning;
  const bool can_be_off = target.dialect->format != WireFormat::anthropic;
  known.takes_sampling =
      target.takes_sampling &&
      (family.takes_sampling || (can_be_off && request.reasoning.effort == "none"));
  return known;
}

Result<WireRequest> encode_fitted(const ChatRequest& asked, const Target& target) {
  auto fit = fitted(asked, target);
  if (!fit.ok()) return std::move(fit.error());
  const ChatRequest& request = fit->request ? *fit->request : asked;
  const Dialect& dialect = *target.dialect;
  WireRequest wire;
  wire.url = url_of(request, target);
  wire.headers = headers_of(request, target);
  wire.auth = dialect.auth;
  wire.tool_names = std::move(fit->tool_names);
  JsonWriter body;
  body.open_object();
  auto encoded = encode_body(request, target, wire, body);
  if (!encoded.ok()) return std::move(encoded.error());
  write_extra(request, dialect, body);
  body.close_object();
  wire.body = body.take();
  return wire;
}

}  // namespace

Result<WireRequest> encode_request(const ChatRequest& given, const Target& target) {
  if (auto checked = check(given, target); !checked.ok()) return std::move(checked.error());
  const auto said = without_gemini_wishes(given, target);
  if (!said.ok()) return said.error();
  const ChatRequest& wished = *said ? **said : given;
  const std::optional<ChatRequest> functions = with_functions(wished, target);
  const ChatRequest& worded = functions ? *functions : wished;
  const auto settled = with_media(worded, target);
  if (!settled.ok()) return settled.error();
  const ChatRequest& asked = *settled ? **settled : worded;
  const Family* family = target.reasoning == ReasoningStyle::by_default
                             ? find_family(target.dialect->name, model_of(asked, target))
                             : nullptr;
  return family == nullptr ? encode_fitted(asked, target)
                           : encode_fitted(asked, with_family(target, *family, asked));
}

}  // namespace redoubt::llm
