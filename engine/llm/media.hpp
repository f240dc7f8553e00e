// Documents and sound that travel inside a request, from a client's format to a target's.
//
// A client's part stays as it was written (PartKind::opaque) for targets of its own format. For
// others it becomes a part of kind document or audio, which the encoders know:
//
//   client's part                              neutral
//   OpenAI chat    file {file_data, filename}  document
//   OpenAI chat    input_audio {data, format}  audio
//   Responses      input_file {file_data}      document
//   Anthropic      document {base64, text or content of texts}
//                                              document, its title the name
//   Gemini         inlineData                  document (a PDF, a text) or audio
//
// Video goes to Gemini, OpenRouter and vLLM: a client's of the target's format as it is, OpenAI
// chat's `video_url` as inlineData or fileData, and those as `video_url`. Its sound has a price of
// its own there, so that a target must price sound.
//
// What a client's own search found is words elsewhere: Anthropic's tool_reference names a tool, and
// search_result is its title, source and text.
//
// 1. A text (text/plain, text/csv, JSON) is a document at Anthropic and a text elsewhere, with its
//    name and what Anthropic calls its context before it.
// 2. What a target cannot take, and what lies at an address or at the provider, is refused
//    ("unsupported"): no part of a user's message or of a tool's result is dropped.
// 3. What is asked of a document (citations, a resolution, a detail) is a wish and left behind; the
//    mark for the prompt cache goes on.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/dialect.hpp"

namespace redoubt::llm {

/// The request with its documents and sound as the target takes them; nothing where it goes as it
/// is. REQUIRES: target.dialect. Errors: unsupported.
Result<std::optional<ChatRequest>> with_media(const ChatRequest& request, const Target& target);

/// Is there a document in it, in any format's words? O(parts)
bool has_documents(const ChatRequest& request);

/// What OpenRouter is told beside a document (`plugins`). Without it a model that reads none has it
/// read by a service that is paid by the page, which no bound of tokens covers:
/// https://openrouter.ai/docs/guides/overview/multimodal/pdfs
constexpr std::string_view native_documents = R"([{"id":"file-parser","pdf":{"engine":"native"}}])";

}  // namespace redoubt::llm
