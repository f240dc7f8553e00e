// Answers and failures as a client expects them: OpenAI chat completions, OpenAI Responses,
// Anthropic messages, Gemini; whole, or event by event as server-sent events.
//
// 1. AnswerStream is a value; encode_event() appends what one event becomes. After finished or
//    failed the stream is complete, terminator and all.
// 2. A failure inside a stream is the format's own error event; there is no terminator after it,
//    so that no client takes a piece for the whole. (A JSON list must end to be read at all: its
//    last element is the error.) Where has_error_events() says that the format's SDKs may pass
//    over such an event, the host breaks the connection off behind it.
// 3. Usage is written the way the format counts it.
// 4. A client of the provider's own format gets what the provider told without a neutral name
//    (ChatAnswer::told) beside what the relay says itself: the model's name is the one that the
//    client asked for.
// 5. Thoughts stream to OpenAI chat clients piece by piece (`reasoning_content`), and once more at
//    the end, whole and with what signs them (`reasoning_details`): of a member that an SDK does
//    not know, one keeps the last piece and another joins all texts, names among them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/llm/agent_tools.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {

/// What the host knows and the answer does not.
struct AnswerStamp {
  std::string id;     ///< "" is the provider's
  std::string model;  ///< the name that the client asked for; "" is the provider's
  std::int64_t created_s = 0;
  std::vector<std::string> freeform{};  ///< the client's freeform tools (engine/llm/freeform.hpp)

  /// Its id where neither this nor the provider names one: SDKs read no answer without.
  std::string made_id{};

  std::vector<AgentTool> agent_tools{};  ///< and those of an agent (engine/llm/agent_tools.hpp)
  /// OpenAI chat: a call is told as `function_call`, which has room for one.
  bool tells_function_call = false;

  const AgentTool* agent_tool(std::string_view function) const {
    const auto found =
        std::find_if(agent_tools.begin(), agent_tools.end(),
                     [&](const AgentTool& tool) { return tool.function == function; });
    return found == agent_tools.end() ? nullptr : &*found;
  }
  bool is_freeform(std::string_view tool) const {
    return std::find(freeform.begin(), freeform.end(), tool) != freeform.end();
  }
};

/// The answer's stamp for whoever asks so; its id is the provider's, or made of the request, the
/// time and `unique`: a host that gives each answer another number has no two answers of one id.
AnswerStamp stamp_of(const ChatRequest& request, std::int64_t created_s, std::uint64_t unique = 0);

std::string encode_answer(WireFormat format, const ChatAnswer& answer, const AnswerStamp& stamp);

/// The body that goes with status_of() (engine/llm/failure.hpp).
std::string encode_failure(WireFormat format, const ChatFailure& failure);

/// Whether every SDK of the format takes an error that comes inside a stream for one. Those of
/// Gemini do not: @google/genai 1.52 gives it to the caller as a chunk without candidates.
bool has_error_events(WireFormat format);

struct AnswerStream {
  WireFormat format = WireFormat::openai_chat;
  WireFormat origin = WireFormat::none;  ///< the decoder's: whose signatures and items these are
  AnswerStamp stamp;
  bool include_usage = false;  ///< OpenAI chat: a last chunk with the usage
  bool as_list = false;        ///< Gemini: the chunks of one JSON list instead of events

  // How far the stream is.
  ChatAnswer answer;
  /// Index of the last block (Anthropic), item (Responses) or freeform call or function_call
  /// (OpenAI chat).
  std::int32_t block = -1;
  PartKind open = PartKind::opaque;       ///< kind of the block or item that is open; opaque: none
  std::size_t open_part = 0;              ///< Responses: the open item's place in answer.parts
  std::vector<std::int32_t> call_blocks;  ///< by call: its block
  std::int64_t sequence = 0;              ///< Responses: number of the next event
  std::string closing_signature;          ///< Anthropic: what the open block of thought ends with
  std::string reported_answer;            ///< OpenAI chat: what each chunk says beside its choices
  std::string reported_choice;            ///< OpenAI: what the next chunk's choice, or text, has
  /// The call whose arguments are under way: Gemini; OpenAI chat, of a freeform tool.
  ChatPart call;
  bool start_waits = false;          ///< the beginning is not written: what was told goes in it
  std::int32_t number = 0;           ///< which of several answers this is
  std::vector<AnswerStream> others;  ///< of several answers the second and those after it

  /// Of what it was told, what it keeps until the end.
  std::size_t kept_bytes() const;
};

/// The stream of the answer that the event is of. OpenAI chat and Gemini: the other formats have
/// one answer. Null where it is over answers_max.
AnswerStream* stream_of(AnswerStream& stream, const ChatEvent& event);

void encode_event(AnswerStream& stream, const ChatEvent& event, std::string& out);

// One for each format.
void write_openai_chat_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out);
void write_openai_responses_answer(const ChatAnswer& answer, const AnswerStamp& stamp,
                                   JsonWriter& out);
void write_anthropic_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out);
void write_gemini_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out);
void encode_openai_chat_event(AnswerStream& stream, const ChatEvent& event, std::string& out);
void encode_openai_responses_event(AnswerStream& stream, const ChatEvent& event, std::string& out);
void encode_anthropic_event(AnswerStream& stream, const ChatEvent& event, std::string& out);
void encode_gemini_event(AnswerStream& stream, const ChatEvent& event, std::string& out);
void write_openai_error(const ChatFailure& failure, JsonWriter& out);
void write_anthropic_error(const ChatFailure& failure, JsonWriter& out);
void write_gemini_error(const ChatFailure& failure, JsonWriter& out);

/// One server-sent event; `name` may be empty.
void append_sse(std::string& out, std::string_view name, std::string_view data);
/// The stamp's where it has one.
std::string_view answer_id(const AnswerStamp& stamp, const ChatAnswer& answer);
std::string_view answer_model(const AnswerStamp& stamp, const ChatAnswer& answer);

}  // namespace redoubt::llm
