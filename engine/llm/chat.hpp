// A call of a language model, said neutrally: what is asked (ChatRequest), what comes back piece
// by piece (ChatEvent), and the pieces put together (ChatAnswer).
//
// 1. Nothing here knows a provider. An encoder (encode.hpp) turns a request into a
//    provider's bytes, a decoder (decoder.hpp) a provider's bytes into events; the same events
//    become the bytes that a client of the relay expects.
// 2. JSON that is only carried (tool parameters, arguments, schemas, members without a neutral
//    name) is kept as text: cheap to copy, and read only where it is needed.
// 3. What a provider signs or encrypts (a reasoning block, Gemini's thoughtSignature) is opaque
//    here and goes back unchanged, to the wire format that it came from and to no other, through
//    clients of any format (engine/llm/carried.hpp).
// 4. `extra` is a JSON object's text with the members of one wire format that have no neutral name.
//    It is sent on where the target speaks the same format (ChatRequest::format) and dropped
//    elsewhere; "" is none.
// 5. Units: tokens, milliseconds, bytes; money is in engine/llm/usage.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace redoubt::llm {

/// The wire formats that a codec exists for. `none` marks a request that was made here.
enum class WireFormat : std::uint8_t {
  none,
  openai_chat,
  openai_responses,
  anthropic,
  gemini,
};

enum class Role : std::uint8_t { system, developer, user, assistant, tool };

enum class PartKind : std::uint8_t {
  text,         ///< text, signature
  image,        ///< data and media_type, or url; name: what a tool's result calls it (Gemini)
  tool_call,    ///< id, name, arguments, signature
  tool_result,  ///< id, name, text or content, is_error
  reasoning,    ///< text (a summary or the thought itself), id, name, signature; redacted
  refusal,      ///< text: the model's own words for why not
  opaque,       ///< extra: the whole block or item of one wire format (a server tool, a file)
  document,     ///< data and media_type, or text; name: its file's name or title
  audio,        ///< data and media_type
};

/// One piece of a message. Flat: a member that its kind does not name is empty.
struct ChatPart {
  PartKind kind = PartKind::text;
  std::string text;
  std::string id;    ///< tool_call and tool_result: the call's id; reasoning: the item's id
  std::string name;  ///< the tool's name; reasoning: what its signature is, in the provider's words
  std::string arguments;  ///< tool_call: a JSON object's text, as the model wrote it
  std::string media_type;
  std::string data;                      ///< image, document, audio: base64
  std::string url;                       ///< image: where it lies
  std::string signature;                 ///< opaque to us (invariant 3)
  bool redacted = false;                 ///< reasoning: there is nothing to read but the signature
  bool is_error = false;                 ///< tool_result: the tool failed, and the text says how
  std::vector<ChatPart> content;         ///< tool_result: other kinds of parts, instead of `text`
  WireFormat format = WireFormat::none;  ///< whose extra this is, and signature unless signed_by
  WireFormat signed_by = WireFormat::none;  ///< whose signature, where a client's format carried it
  std::string extra;                        ///< invariant 4
  /// Of an answer: objects' texts, what its provider told of this part without a neutral name. For
  /// clients of its format; never part of a request.
  std::vector<std::string> reported;
};

struct ChatMessage {
  Role role = Role::user;
  std::string name;  ///< a participant's name, where the format has one
  std::vector<ChatPart> parts;
  WireFormat format = WireFormat::none;
  std::string extra;
};

struct ToolDefinition {
  std::string name;
  std::string description;
  std::string parameters;  ///< a JSON Schema's text; "" is a tool without parameters
  std::optional<bool>
      strict;  ///< arguments must match the schema, where the provider can see to it
  WireFormat format = WireFormat::none;
  std::string extra;
  bool opaque = false;  ///< `extra` is the whole tool, of one wire format (a provider's own tool)
};

enum class ToolChoice : std::uint8_t { unset, automatic, none, required, named };

enum class OutputKind : std::uint8_t { text, json, json_schema };

/// What the answer's text must be.
struct OutputFormat {
  OutputKind kind = OutputKind::text;
  std::string name;  ///< some providers ask for one; "" becomes "answer"
  std::string description;
  std::string schema;  ///< json_schema: the schema's text
  std::optional<bool> strict;
};

struct Sampling {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
  std::optional<std::int64_t> seed;
  std::vector<std::string> stop;
};

/// How much a model may think before it answers.
struct ReasoningSetting {
  std::string
      effort;  ///< "none", "minimal", "low", "medium", "high" or the provider's own; "" unset
  std::optional<std::int64_t> budget_tokens;
  bool summary = false;  ///< ask for what can be read of it
};

/// OpenAI's n and Gemini's candidateCount, which take 128 and 8.
constexpr std::int64_t answers_max = 32;

struct ChatRequest {
  std::string model;
  std::vector<ChatMessage> messages;
  std::vector<ToolDefinition> tools;
  ToolChoice tool_choice = ToolChoice::unset;
  std::string tool_choice_name;        ///< ToolChoice::named
  std::optional<bool> parallel_tools;  ///< unset: the provider's default, which is yes
  OutputFormat output;
  Sampling sampling;
  ReasoningSetting reasoning;
  std::optional<std::int64_t> output_tokens_max;
  std::int64_t answers = 1;  ///< to the same prompt, 1 to answers_max
  /// How likely each token was is to be told, and of so many others at its place (0 to 20).
  std::optional<std::int64_t> logprobs;
  bool stream = false;
  bool stream_usage = false;  ///< the client of a relay asked for a usage chunk (OpenAI chat)
  /// OpenAI chat: the client has `functions`, which tools replaced, and is told `function_call`.
  bool has_functions = false;
  std::string user;  ///< an opaque name of the end user, for the provider's abuse control
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<std::string> betas;  ///< Anthropic: what the client's header anthropic-beta names
  WireFormat format = WireFormat::none;  ///< whose `extra` and betas these are: the client's format
  std::string extra;
};

/// Tokens of one call. What providers count differently is brought to one form:
/// input = fresh + cached_read + cache_write; output includes reasoning.
struct Usage {
  std::int64_t input = 0;
  std::int64_t cached_read = 0;       ///< of input: read from the provider's cache
  std::int64_t cache_write = 0;       ///< of input: written to it, whatever its lifetime
  std::int64_t cache_write_long = 0;  ///< of cache_write: kept for an hour, priced higher
  std::int64_t output = 0;
  std::int64_t reasoning = 0;      ///< of output: thought, not said
  bool reported = false;           ///< the provider said so; false: nothing is known
  std::int64_t audio_input = 0;    ///< of input: heard, not read
  std::int64_t audio_output = 0;   ///< of output: spoken
  std::int64_t web_searches = 0;   ///< of the provider's own, which are paid by the use
  std::int64_t file_searches = 0;  ///< the same
  std::optional<std::int64_t> reported_picodollars{};  ///< what the provider says that it cost

  bool operator==(const Usage&) const = default;
};

enum class FinishReason : std::uint8_t {
  unknown,     ///< the provider gave none, or one that is not known here
  stop,        ///< the end of the answer, or a stop text
  length,      ///< the token limit, or the context's end
  tool_calls,  ///< the caller is to run tools
  filtered,    ///< the provider's filter, or the model's refusal
  paused,      ///< the provider wants to be called again to go on
};

enum class FailureClass : std::uint8_t {
  bad_request,   ///< the request is at fault; no other attempt will do better
  unauthorized,  ///< the key is missing, wrong or not allowed
  not_found,     ///< no such model or path
  too_large,     ///< the prompt does not fit
  rate_limited,  ///< too many requests or tokens for now
  no_quota,      ///< the account's money or quota is used up
  overloaded,    ///< the provider is at its limit
  server_error,  ///< the provider failed
  timeout,       ///< the provider says that it took too long
  filtered,      ///< the prompt was refused by a filter
  malformed,     ///< bytes that are not of the format, or over a limit
  cut,           ///< the stream ended before its end
};

struct ChatFailure {
  FailureClass failure_class = FailureClass::server_error;
  int status = 0;       ///< the HTTP status, or the one that an error inside a stream stands for
  std::string message;  ///< for people; the provider's words where it has some
  std::string code;     ///< the provider's own code or type
  std::string param;    ///< the member of the request at fault, where the provider names it
  std::string request_id;
  std::optional<std::int64_t> retry_after_ms;
  bool should_retry = false;  ///< another attempt at the same target may do better
  bool too_long = false;      ///< malformed: over what is read of an answer
  /// A 401 with a code that only a bad key gets: no words, which may be the request's own.
  bool names_bad_key = false;
};

enum class EventKind : std::uint8_t {
  started,          ///< id, model
  text,             ///< text, signature
  refusal,          ///< text
  reasoning,        ///< text, id, name, signature, redacted
  tool_begun,       ///< index, id, name, signature
  tool_arguments,   ///< index, text: a fragment of the arguments' JSON
  opaque,           ///< text: a whole block or item, as JSON, of the decoder's wire format
  reported,         ///< name (Reported, or "part"), text: members of the decoder's format without a
                    ///< neutral name, or logprobs, as an object's text
  usage,            ///< usage: replaces what was told before
  heartbeat,        ///< the connection lives; no progress: a host's progress timer ignores it
  finished,         ///< reason, of the first answer; the last event
  failed,           ///< failure; the last event
  answer_finished,  ///< reason: of one of several answers, but the first
};

/// One piece of an answer. Flat: a member that its kind does not name is empty.
struct ChatEvent {
  EventKind kind = EventKind::heartbeat;
  FinishReason reason = FinishReason::unknown;
  bool redacted = false;
  std::int32_t index = 0;  ///< which tool call, from 0 in the order of their beginning
  /// Which of several answers; 0 of what is said of all (started, usage, heartbeat, failed).
  std::int32_t answer = 0;
  std::string text;
  std::string id;
  std::string name;
  std::string model;
  std::string signature;
  std::string detail;  ///< finished: the provider's own word for the reason; tool_begun: as told
  Usage usage;
  std::optional<ChatFailure> failure;

  std::size_t text_bytes() const {
    return text.size() + id.size() + name.size() + model.size() + signature.size() + detail.size();
  }
};

/// What a provider told without a neutral name, for clients of its format, and logprobs, for those
/// of any: objects' texts, piece by piece as they came (engine/llm/reported.hpp puts them
/// together).
struct Reported {
  std::vector<std::string> answer;    ///< "answer": members of the whole answer
  std::vector<std::string> choice;    ///< "choice": OpenAI chat, of the choice
  std::vector<std::string> message;   ///< "message": OpenAI chat, of the message or its deltas
  std::vector<std::string> usage;     ///< "usage": the whole usage
  std::vector<std::string> logprobs;  ///< "logprobs": engine/llm/logprobs.hpp
};

/// An answer put together from its events. Where `failure` is set, what came before it is kept.
struct ChatAnswer {
  std::string id;
  std::string model;
  std::vector<ChatPart> parts;  ///< text, refusal, reasoning, tool_call and opaque, in their order
  FinishReason reason = FinishReason::unknown;
  std::string reason_detail;
  Usage usage;
  std::optional<ChatFailure> failure;
  bool finished = false;
  WireFormat format = WireFormat::none;  ///< the decoder's: whose reason_detail and told these are
  Reported reported;
  std::size_t kept_bytes = 0;  ///< of the parts and what was told, as fold() made them
  /// Of several answers the second and those after it: parts, reason, finished and what was told.
  std::vector<ChatAnswer> others;
};

/// Adds one event. `format` is the decoder's wire format: whose signatures these are.
/// A fragment for a tool call that never began is a failure (malformed).
void fold(ChatAnswer& answer, const ChatEvent& event, WireFormat format);

/// The answer's whole text, without reasoning and refusals.
std::string answer_text(const ChatAnswer& answer);

/// The answer as the message that a following request carries.
ChatMessage as_message(const ChatAnswer& answer);

/// A message with one text part.
ChatMessage text_message(Role role, std::string text);

/// Fixed lower-case names, as in logs and metrics ("rate_limited", "tool_calls").
std::string_view failure_name(FailureClass failure_class);
std::string_view finish_name(FinishReason reason);
std::string_view format_name(WireFormat format);

}  // namespace redoubt::llm
