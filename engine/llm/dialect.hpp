// Who speaks which wire format, and with what accent. A dialect is one row of a table; what
// differs between providers of one format is data, so that a new one is a new row
// (docs/providers.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// What a dialect takes. A setting that it does not take is left out of the request: these are
/// wishes about the answer. Where leaving it out would change what the answer is (a forced tool, a
/// schema), the encoder finds another way or refuses.
enum Takes : std::uint32_t {
  takes_developer_role = 1u << 0,  ///< else sent as system
  takes_max_completion = 1u << 1,  ///< max_completion_tokens; else max_tokens
  takes_stream_options = 1u << 2,  ///< stream_options.include_usage
  takes_strict_tools = 1u << 3,
  takes_json_schema = 1u << 4,  ///< response_format json_schema; else by prompt
  takes_json_object = 1u << 5,  ///< response_format json_object, which helps the prompt
  takes_tool_choice = 1u << 6,  ///< auto, none and required
  takes_tool_name = 1u << 7,    ///< one tool by its name
  takes_parallel = 1u << 8,     ///< parallel_tool_calls
  takes_penalties = 1u << 9,
  takes_seed = 1u << 10,
  takes_top_k = 1u << 11,
  takes_user = 1u << 12,
  takes_metadata = 1u << 13,
  takes_effort = 1u << 14,         ///< reasoning_effort
  takes_effort_object = 1u << 15,  ///< reasoning: {effort, max_tokens}
  takes_nine_ids = 1u << 16,       ///< tool call ids are nine letters or digits, others are refused
  takes_thinking_switch = 1u << 18,  ///< thinking: {type}, and reasoning_effort of three words
  takes_store = 1u << 17,            ///< `store`: what is not told to be forgotten may be kept
  takes_own_order = 1u << 19,  ///< no user after a tool, and a last turn of the model is a prefix
  takes_files = 1u << 20,      ///< a PDF inside of the request
  takes_sound = 1u << 21,      ///< input_audio, as OpenAI's chat has it
  takes_plugins = 1u << 22,    ///< `plugins`: what reads a document for the model
  takes_custom_tools = 1u << 23,  ///< tools of type "custom"; else as functions (freeform.hpp)
  takes_answers = 1u << 24,       ///< `n`, candidateCount: several answers to one prompt
  /// `video_url`: https://openrouter.ai/docs/guides/overview/multimodal/videos, and vLLM's own
  takes_video = 1u << 25,
};

/// How reasoning goes back to the model in later requests.
enum class ReasoningBack : std::uint8_t {
  none,      ///< not at all: the provider refuses or ignores it
  content,   ///< "reasoning_content"
  details,   ///< "reasoning_details", with signatures
  thinking,  ///< parts of type "thinking" in the content
};

struct Dialect {
  std::string_view name;
  WireFormat format = WireFormat::openai_chat;
  std::string_view base_url;  ///< "" where there is none of its own: a deployment names it
  AuthKind auth = AuthKind::bearer;
  std::uint32_t takes = 0;
  std::string_view word_required = "required";  ///< tool_choice for "some tool"
  std::string_view word_seed = "seed";
  ReasoningBack reasoning_back = ReasoningBack::none;
  /// A GET under the base URL that costs nothing and that only a good key is answered to; "" where
  /// the provider has none, or answers it to everybody.
  std::string_view key_probe = "models";
  /// A stream whose reader leaves is not generated, nor billed, to its end. Where nobody says so,
  /// the provider is taken to go on. Sources: https://openrouter.ai/docs/api-reference/streaming
  /// (stream cancellation, by provider); OpenAI's guide to background mode (a synchronous response
  /// is cancelled by ending the connection); the servers' own code for ollama and vllm.
  bool stops_on_disconnect = false;
  bool tells_cost = false;  ///< usage.cost is what the call cost, in dollars
};

/// All dialects, in the order of docs/providers.md.
std::span<const Dialect> dialects();
/// The dialect of a name, null where there is none.
const Dialect* find_dialect(std::string_view name);

/// How a model is told how much to think; models.json says it of a model.
enum class ReasoningStyle : std::uint8_t {
  by_default,          ///< what the dialect does
  none,                ///< the model does not think: settings are left out
  effort,              ///< by a word
  budget,              ///< by a number of tokens
  budget_always,       ///< the same, and it cannot be told not to
  budget_or_adaptive,  ///< Anthropic's 4.6: by a number of tokens, or as adaptive
  adaptive,            ///< Anthropic's: told whether, and by a word how much
  adaptive_always,     ///< the same, and it cannot be told not to
};

/// What is known of a model without a card, from its family's name.
struct Family {
  std::string_view dialect;
  std::string_view begins_with;
  ReasoningStyle reasoning;
  bool takes_sampling;  ///< while it may think
};
/// Null where nothing is known.
const Family* find_family(std::string_view dialect, std::string_view model);

/// Where a request goes.
struct Target {
  const Dialect* dialect = nullptr;
  std::string base_url;  ///< "" is the dialect's
  std::string model;     ///< "" is the request's
  ReasoningStyle reasoning = ReasoningStyle::by_default;
  std::span<const std::string> efforts{};  ///< the words that the model takes; none: not known
  bool takes_sampling = true;   ///< temperature and its like: models that think refuse them
  bool takes_documents = true;  ///< the model reads them, as far as is known
  bool prices_sound = true;     ///< else sound in a request is refused: nobody knows what it costs
  std::int64_t output_tokens_default = 4096;  ///< for formats that must be told a limit
};

}  // namespace redoubt::llm
