#include "engine/llm/carried.hpp"

#include <array>
#include <optional>

#include "engine/base/base64.hpp"
#include "engine/base/message.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view carried_prefix = "redoubt:";
constexpr std::string_view redacted_word = "redacted";
constexpr std::string_view of_call = "call";
constexpr std::string_view of_text = "text";

constexpr WireFormat formats[] = {WireFormat::openai_chat, WireFormat::openai_responses,
                                  WireFormat::anthropic, WireFormat::gemini};

// Ids and names have no colon; one that had would be of no use, for nobody could tell its end.
std::string_view plain(std::string_view word) {
  return word.find(':') == word.npos ? word : std::string_view();
}

std::optional<WireFormat> format_named(std::string_view name) {
  for (const WireFormat format : formats) {
    if (format_name(format) == name) return format;
  }
  return std::nullopt;
}

// The parts of a text between colons, the rest in the last.
template <std::size_t N>
bool split(std::string_view text, std::array<std::string_view, N>& words) {
  for (std::size_t i = 0; i + 1 < N; ++i) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return false;
    words[i] = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  words[N - 1] = text;
  return true;
}

// Any text that begins with carried_prefix, in base64: the bits of its last letter are not known.
constexpr std::string_view carried_base64 = "cmVkb3VidD";

// Has it a place for a signature of whatever is signed?
bool signs_all(WireFormat format) {
  return format == WireFormat::openai_chat || format == WireFormat::gemini;
}

bool is_carrier(const ChatPart& part) {
  return part.kind == PartKind::reasoning && part.signed_by != WireFormat::none &&
         (part.name == of_call || part.name == of_text);
}

// The part that a carrier signs: the last text before it, the first call after it.
ChatPart* signed_part(std::span<ChatMessage> turn, const ChatPart& carrier) {
  ChatPart* text = nullptr;
  bool passed = false;
  for (ChatMessage& message : turn) {
    for (ChatPart& part : message.parts) {
      if (&part == &carrier) {
        if (carrier.name == of_text) return text;
        passed = true;
      }
      if (part.kind == PartKind::text) text = &part;
      if (passed && part.kind == PartKind::tool_call) return &part;
    }
  }
  return nullptr;
}

void read_plain_signature(std::string_view text, ChatPart& part) {
  std::array<std::string_view, 5> words;
  const bool ours = text.substr(0, carried_prefix.size()) == carried_prefix &&
                    split(text.substr(carried_prefix.size()), words);
  const std::optional<WireFormat> origin = ours ? format_named(words[0]) : std::nullopt;
  if (!origin) {
    part.signature = text;
    return;
  }
  part.signed_by = *origin;
  part.redacted = words[1] == redacted_word;
  part.id = words[2];
  part.name = words[3];
  part.signature = words[4];
}

}  // namespace

WireFormat origin_of(const ChatPart& part) {
  return part.signed_by == WireFormat::none ? part.format : part.signed_by;
}

std::string signature_for(const ChatPart& part, WireFormat format) {
  const WireFormat origin = origin_of(part);
  if (origin == format || origin == WireFormat::none) return part.signature;
  std::string carried =
      joined({carried_prefix, format_name(origin), ":", part.redacted ? redacted_word : "", ":",
              plain(part.id), ":", plain(part.name), ":", part.signature});
  return format == WireFormat::gemini ? to_base64(carried) : carried;
}

void read_signature(std::string_view text, ChatPart& part) {
  std::optional<std::string> bytes;
  if (text.substr(0, carried_base64.size()) == carried_base64) bytes = from_base64(text);
  read_plain_signature(bytes ? *bytes : text, part);
}

void settle_carried(std::span<ChatMessage> turn) {
  for (ChatMessage& message : turn) {
    for (ChatPart& part : message.parts) {
      if (!is_carrier(part)) continue;
      if (ChatPart* target = signed_part(turn, part)) {
        target->signature = part.signature;
        target->signed_by = part.signed_by;
      }
      part.name.clear();
      part.signature.clear();
    }
    // What carried nothing but a signature was no thought.
    std::erase_if(message.parts, [](const ChatPart& part) {
      return part.kind == PartKind::reasoning && part.signed_by != WireFormat::none &&
             part.text.empty() && part.signature.empty();
    });
  }
}

bool needs_carrier(const ChatPart& part, WireFormat format) {
  return !part.signature.empty() && part.format != format && !signs_all(format) &&
         (part.kind == PartKind::tool_call || part.kind == PartKind::text);
}

bool needs_carrier(const ChatEvent& event, WireFormat origin, WireFormat format) {
  return !event.signature.empty() && origin != format && !signs_all(format) &&
         (event.kind == EventKind::tool_begun || event.kind == EventKind::text);
}

ChatEvent carrier_event(EventKind kind, std::string_view signature) {
  ChatEvent event;
  event.kind = EventKind::reasoning;
  event.name = kind == EventKind::tool_begun ? of_call : of_text;
  event.signature = signature;
  return event;
}

std::vector<ChatPart> with_carriers(const std::vector<ChatPart>& parts, WireFormat format) {
  std::vector<ChatPart> all;
  for (const ChatPart& part : parts) {
    if (!needs_carrier(part, format)) {
      all.push_back(part);
      continue;
    }
    const bool call = part.kind == PartKind::tool_call;
    ChatPart carrier;
    carrier.kind = PartKind::reasoning;
    carrier.format = part.format;
    carrier.name = call ? of_call : of_text;
    carrier.signature = part.signature;
    if (call) all.push_back(carrier);
    all.push_back(part);
    all.back().signature.clear();
    if (!call) all.push_back(std::move(carrier));
  }
  return all;
}

std::string_view details_form(WireFormat format) {
  switch (format) {
    case WireFormat::anthropic:
      return "anthropic-claude-v1";
    case WireFormat::openai_responses:
      return "openai-responses-v1";
    case WireFormat::gemini:
      return "google-gemini-v1";
    default:
      return {};
  }
}

WireFormat format_of_details(std::string_view form) {
  for (const WireFormat format : formats) {
    if (!form.empty() && details_form(format) == form) return format;
  }
  return WireFormat::openai_chat;
}

}  // namespace redoubt::llm
