// What a client of the relay asks, in a provider's wire format, as a neutral request.
//
// 1. Members without a neutral name are kept as `extra` of the client's format: they go on to a
//    target of the same format and are dropped for others.
// 2. What cannot be served is refused with its place: more answers at once than answers_max, a
//    conversation kept at a provider, where the target is another. OpenAI chat's `functions` and
//    their calls, which tools replaced, are tools and calls of them.
// 3. Schemas of tools and answers are kept as the client wrote them, byte for byte; Gemini's own
//    kind of schema is JSON Schema here, and as it was written in `extra`.
// 4. A Gemini client names the model, and says whether it wants a stream, in the address: whoever
//    has that sets `model` and `stream`.
// Errors carry code "bad_request" (or bad_json), the member's path, what was expected and found.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"

namespace redoubt::llm {

/// A client's body is at most this long (images travel inside).
constexpr std::size_t client_body_bytes_max = 24u << 20;

/// A client's body as JSON, within its bounds. A text in it that was cut inside of a character is a
/// text all the same: then `mended` is the body that was read, else it stays empty. Errors:
/// bad_json.
Result<nlohmann::json> parse_client_body(std::string_view body, std::string& mended);
Result<nlohmann::json> parse_client_body(std::string_view body);
/// `format`: openai_chat, openai_responses, anthropic or gemini.
Result<ChatRequest> decode_client_request(WireFormat format, std::string_view body);

/// The names in an Anthropic client's header anthropic-beta, betas_max of them at most.
std::vector<std::string> read_betas(std::string_view header);
constexpr std::size_t betas_max = 64;
/// Texts that a request may name to stop at. Providers take 4 to 16, or say no bound.
constexpr std::size_t client_stops_max = 256;

/// The first fault of a request that is being read; what follows it is read for nothing.
struct RequestFault {
  std::optional<Error> error;
  void set(std::string path, std::string_view expected, const nlohmann::json* got);
};

// One reader for each format: `json` is the body's tree, `body` its text.
void read_openai_chat_request(const nlohmann::json& json, std::string_view body,
                              ChatRequest& request, RequestFault& fault);
void read_openai_responses_request(const nlohmann::json& json, std::string_view body,
                                   ChatRequest& request, RequestFault& fault);
void read_anthropic_request(const nlohmann::json& json, std::string_view body, ChatRequest& request,
                            RequestFault& fault);
void read_gemini_request(const nlohmann::json& json, std::string_view body, ChatRequest& request,
                         RequestFault& fault);

// What the readers share. A member that is missing or null is unset; of a wrong type, a fault.

std::string read_text(const nlohmann::json& object, const char* key, const std::string& path,
                      RequestFault& fault);
bool read_flag(const nlohmann::json& object, const char* key, RequestFault& fault);
std::optional<bool> read_optional_flag(const nlohmann::json& object, const char* key,
                                       RequestFault& fault);
std::optional<double> read_number(const nlohmann::json& object, const char* key, double low,
                                  double high, RequestFault& fault);
std::optional<std::int64_t> read_count(const nlohmann::json& object, const char* key,
                                       RequestFault& fault);
std::optional<std::int64_t> read_integer(const nlohmann::json& object, const char* key,
                                         RequestFault& fault);
/// A count, of which -1 is none: clients of local servers say "no limit" so.
std::optional<std::int64_t> read_limit(const nlohmann::json& object, const char* key,
                                       RequestFault& fault);
/// How many answers are asked for: 1 to answers_max, 1 where the member is missing.
std::int64_t read_answers(const nlohmann::json& object, const char* key, std::string_view path,
                          RequestFault& fault);
/// How many others are told beside a token: 0 to logprobs_max, 0 where the member is missing.
std::int64_t read_logprobs(const nlohmann::json& object, const char* key, RequestFault& fault);
constexpr std::int64_t logprobs_max = 20;
/// A text or a list of texts.
void read_texts(const nlohmann::json& object, const char* key, std::vector<std::string>& texts,
                RequestFault& fault);
/// The same, of client_stops_max texts at most.
void read_stops(const nlohmann::json& object, const char* key, Sampling& sampling,
                RequestFault& fault);
/// Texts only; false, and nothing read, where a value is something else.
bool read_metadata(const nlohmann::json& object, ChatRequest& request);
/// What a data: URL (RFC 2397) holds as base64; its type is without parameters.
struct DataUrl {
  std::string_view media_type;
  std::string_view data;
};
/// Nothing for any other text.
std::optional<DataUrl> read_data_url(std::string_view url);
/// An image's url: an address, or the image itself. A fault for what is neither, as bare base64.
void read_image_url(const nlohmann::json* url, const std::string& path, ChatPart& part,
                    RequestFault& fault);
/// Of an image that is in the request: a type that its client does not say is found by its first
/// bytes, and a PDF becomes a document. A fault where nothing tells the type.
void settle_image_type(const std::string& path, ChatPart& part, RequestFault& fault);
/// Reads one tool, whose place is `path`, with its text in the body; empty where that was not
/// found.
using ToolReader = void (*)(const nlohmann::json& tool, std::string_view text,
                            const std::string& path, ToolDefinition& definition,
                            RequestFault& fault);
/// The list `tools`, each of them of `format`.
void read_tools(const nlohmann::json& json, std::string_view body, WireFormat format,
                ToolReader read_tool, ChatRequest& request, RequestFault& fault);
/// The part as a whole, for the format that it came in.
ChatPart opaque_part(const nlohmann::json& part, WireFormat format);
std::string indexed(std::string_view path, std::size_t index);

}  // namespace redoubt::llm
