// An answer as the bytes of the wire formats, written by hand from the providers' documents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/mock-upstream/script.hpp"

namespace redoubt::mock {

enum class Format : std::uint8_t {
  openai_chat,
  openai_responses,
  anthropic,
  gemini,
  openai_embeddings,
  gemini_embeddings,
  unknown,
};

/// What of a request an answer depends on.
struct Prompt {
  Format format = Format::unknown;
  std::string model;
  bool stream = false;
  bool stream_usage = false;  ///< OpenAI chat: stream_options.include_usage
  std::size_t bytes = 0;
  std::size_t answers = 1;          ///< n, candidateCount
  std::vector<std::size_t> inputs;  ///< embeddings: how long each is, in bytes or tokens
  bool base64 = false;              ///< embeddings: how the vectors are wanted
};

Format format_of(std::string_view path);
Prompt read_prompt(std::string_view path, std::string_view body);

/// What the provider says of a request that it refuses: the first fault of its body, "" for none.
std::string refusal_of(const Prompt& prompt, const Answer& answer, std::string_view body);
/// The body of such a refusal, for a status of 400.
std::string refused(Format format, const std::string& fault);
/// The body of an answer that is not streamed.
std::string whole(const Prompt& prompt, const Answer& answer);
/// The events of a streamed one, each with its framing, in order.
std::vector<std::string> events(const Prompt& prompt, const Answer& answer);

}  // namespace redoubt::mock
