// Text completions, OpenAI's older form (POST /v1/completions): a prompt in, its continuation out.
//
// 1. They are served by chat models: the prompt is a user's message, the answer's text the
//    completion. What a chat model cannot do is refused with its place: to go on before a suffix,
//    to echo the prompt, to tell the tokens' probabilities.
// 2. `max_tokens` that is not given is 16, as the format says.
// 3. A list of prompts is as many requests, which differ in their prompt alone: what they share is
//    short and kept once, and each request is made when its turn comes. Their answers are one
//    completion, whose choices stand in the order of the prompts: those of prompt p begin at p * n.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/encode_answer.hpp"

namespace redoubt::llm {

/// One or more prompts, and the chat request of OpenAI's format that each of them is asked in.
struct TextCompletionRequest {
  ChatRequest common;  ///< with an empty prompt, which put_prompt() replaces
  std::vector<std::string> prompts;
};

/// Together the prompts ask for answers_max answers at most. Errors: as decode_client_request.
Result<TextCompletionRequest> decode_text_completion_request(std::string_view body);
/// Makes of a copy of TextCompletionRequest::common the request of one prompt.
void put_prompt(ChatRequest& request, std::string prompt);

std::string encode_text_completion(const ChatAnswer& answer, const AnswerStamp& stamp);
/// Appends what one event becomes, as encode_event() does.
void encode_text_completion_event(AnswerStream& stream, const ChatEvent& event, std::string& out);

}  // namespace redoubt::llm
