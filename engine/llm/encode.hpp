// A neutral request as what a provider's wire wants to see.
//
// What is done where a target cannot take something (docs/providers.md has the table):
// 1. Members of the client's own format (`extra`) go on to targets of that format and are dropped
//    for others; they are wishes.
// 2. What the answer depends on is never dropped silently: a forced tool, a document in a user's
//    message or a provider's own tool that the target cannot take is an error ("unsupported").
// 3. A schema goes natively where the target takes one, else into words (schema_by_prompt).
// 4. Values are brought to what the target takes before anything is written (engine/llm/fit.hpp).
// 5. Signed reasoning goes back only to the format that it came from.
#pragma once

#include "engine/base/result.hpp"
#include "engine/llm/dialect.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// REQUIRES: target.dialect. Errors: bad_chat_request, bad_schema, unsupported.
Result<WireRequest> encode_request(const ChatRequest& asked, const Target& target);

/// One encoder: writes the body into `out`. `schema_by_prompt` was done already by encode_request.
using EncodeBody = Result<void> (*)(const ChatRequest& request, const Target& target,
                                    JsonWriter& out);
Result<void> encode_openai_chat(const ChatRequest& request, const Target& target, JsonWriter& out);
Result<void> encode_openai_responses(const ChatRequest& request, const Target& target,
                                     JsonWriter& out);
Result<void> encode_anthropic(const ChatRequest& request, const Target& target, JsonWriter& out);
Result<void> encode_gemini(const ChatRequest& request, const Target& target, JsonWriter& out);

// What the encoders share.

/// Whether the model must call a tool.
bool is_forced(const ChatRequest& request);
std::string_view model_of(const ChatRequest& request, const Target& target);
/// Whether an address may have the name in it.
bool is_model_name(std::string_view name);
/// The target's base URL without a slash at its end.
std::string base_of(const Target& target);
/// `extra` where it is of the format, else "".
std::string_view extra_for(WireFormat format, const std::string& extra, WireFormat target);
std::string_view extra_for(const ChatPart& part, WireFormat target);
/// "data:TYPE;base64,DATA" or the url.
std::string image_url(const ChatPart& part);
/// A document's name as that of a file, by whose ending OpenAI knows it.
std::string file_name(const ChatPart& document);
/// An object's text as it is; anything else that a model wrote as {"text": ...}.
std::string object_text(std::string_view arguments);
/// The texts of the parts, joined by an empty line.
std::string joined_text(const std::vector<ChatPart>& parts);
/// A tool result's text, with its content's texts where it has some.
std::string result_text(const ChatPart& result);
/// The tool's name of a result: its own, else that of the call with its id; "" where there is none.
std::string_view result_name(const ChatRequest& request, const ChatPart& result);
/// The number of tokens that stands for an effort, for models that are told a budget.
std::int64_t budget_of(std::string_view effort);
/// The word that stands for a budget.
std::string_view effort_of(std::int64_t budget);
/// A member that is an object: what was written for it, and what the client's own format had in it
/// beside that: what was written goes before. Nothing where both are empty. encode_request leaves
/// such members of `extra` out.
void write_merged(JsonWriter& out, std::string_view key, std::string_view own,
                  const ChatRequest& request, WireFormat target);
Error unsupported(std::string_view what, const Target& target);
/// Of a provider's own tool, by its name.
Error unsupported_tool(const ToolDefinition& tool, const Target& target);
/// Of a part or an item of one format, by its type.
Error unsupported_part(const ChatPart& part, const Target& target);
/// The mark for the prompt cache in the extra of a part, message or tool: Anthropic's, which
/// OpenRouter and OpenAI clients have in the same form. "" where there is none.
std::string_view cache_mark(WireFormat format, std::string_view extra);

}  // namespace redoubt::llm
