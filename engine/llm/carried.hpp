// What one provider signed, on its way through a client of another's format.
//
// Models that think refuse the second turn of a tool loop unless they get back what they signed in
// the first (Claude's thinking blocks, Gemini's thoughtSignature, OpenAI's encrypted reasoning). A
// client keeps what its own format has a place for, so the signature travels there:
//
//   client's format       place
//   Anthropic messages    the `signature` of a thinking block, `data` of a redacted one
//   OpenAI Responses      `encrypted_content` of a reasoning item
//   OpenAI chat           `reasoning_details`, as OpenRouter has them, and
//                         `extra_content.google.thought_signature`, as Google's OpenAI API has it
//   Gemini                `thoughtSignature` of a part, which is base64: clients hold it as bytes
//
// 1. All but OpenAI chat's places hold an opaque text, which says whose it is when it comes back:
//    "redoubt:FORMAT:redacted or nothing:ID:NAME:SIGNATURE". No encoder sends it to another format
//    than that. Gemini's clients get it in base64.
// 2. Gemini signs calls and texts, too, for which those formats have no place: the signature comes
//    as a thought of its own before the call, or after the text, and is put where it belongs when
//    it is read.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

/// Whose thought and signature a part has.
WireFormat origin_of(const ChatPart& part);

/// The part's signature for a client of `format`: as it is where it is that format's own.
std::string signature_for(const ChatPart& part, WireFormat format);

/// The text of a thought that has none, for Gemini's clients: the AI SDK takes the signature of an
/// empty part for that of the part before it, and forgets the other one.
constexpr std::string_view silent_thought = " ";

/// Reads what signature_for() wrote: signature, signed_by, redacted, id and name of `part`. Any
/// other text is the signature itself.
void read_signature(std::string_view text, ChatPart& part);

/// Puts signatures that came as thoughts of their own to the calls and texts that they are of.
/// `turn`: messages of the assistant that follow one another.
void settle_carried(std::span<ChatMessage> turn);

/// Whether an answer's part, or event, brings a signature that a client of `format` has no place
/// for beside it.
bool needs_carrier(const ChatPart& part, WireFormat format);
bool needs_carrier(const ChatEvent& event, WireFormat origin, WireFormat format);

/// The thought that carries the signature of a call or a text (EventKind tool_begun, text).
ChatEvent carrier_event(EventKind kind, std::string_view signature);

/// The parts of an answer with their carriers, and without the signatures that these took.
std::vector<ChatPart> with_carriers(const std::vector<ChatPart>& parts, WireFormat format);

/// How OpenRouter's `reasoning_details` name a format; "" where they do not.
std::string_view details_form(WireFormat format);
WireFormat format_of_details(std::string_view form);

}  // namespace redoubt::llm
