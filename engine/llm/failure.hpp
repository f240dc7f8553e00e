// What a provider says when it fails, brought to one form.
//
// 1. Every provider's error body is read: OpenAI's {error:{message,type,param,code}}, Anthropic's
//    {type:"error",error,request_id}, Gemini's {error:{code,status,details}} (also in an array),
//    Cohere's {message}, FastAPI's {detail}, and text or HTML of a proxy in between.
// 2. The class follows from what a client cannot bring about first: a 402 (no money, also where
//    OpenRouter says that fewer tokens could be paid), a 413 and a 429 speak for themselves; then a
//    specific code, a 401; then known words of the message, then the HTTP status, then the type.
//    Providers send a bad key or a used-up account as 400, too, but a message also repeats the
//    request's own values: words about our key or account count only where the message begins with
//    them. A 429 is a rate limit, for which to wait, unless its code, its words or the name of the
//    quota say that the money or the day's share is used up, or that the one request is over the
//    whole limit. A 403 is the key's where it speaks of one, of rights, the region or the account,
//    or of nothing; else it is the request's (a file, moderation). Words of a policy make a
//    request's failure one of the filter, whatever its code.
// 3. Whether to try again follows from the class, unless the provider says it (x-should-retry).
// 4. ChatFailure::message and code are the provider's words: they may hold whatever the request
// did,
//    a key among it. Whoever answers strangers says failure_words() instead.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// A failure that was told in a JSON value; `status` is the HTTP status, or 0 inside a stream.
/// Where the body names a status of its own (Groq's status_code, OpenRouter's integer code), that
/// one counts inside a stream.
ChatFailure failure_from_json(const nlohmann::json& body, int status);

/// A failed answer: status, body as far as it came, headers.
ChatFailure failure_from_body(int status, std::string_view body, const std::vector<Header>& headers,
                              std::int64_t now_unix_ms);

/// A failure that was found here: bytes that are not of the format, or a stream that was cut.
ChatFailure local_failure(FailureClass failure_class, std::string message);
/// Of a provider's document that came whole and is no answer. The provider did its work: the same
/// request would most likely be answered the same, and each time it is paid for.
ChatFailure no_answer_failure(std::string message);

/// The HTTP status that stands for a class, for those who have to answer with one.
int status_of(FailureClass failure_class);

/// One sentence or two of our own for a class: what happened, and what whoever asked can do.
std::string_view failure_words(FailureClass failure_class);

/// Codes by which clients know a refusal by a provider's policy. A failure of the class filtered
/// that was read from a provider has one of them.
bool is_policy_code(std::string_view code);

/// Whether another attempt at the same target may do better, where the provider does not say.
bool class_retries(FailureClass failure_class);

}  // namespace redoubt::llm
