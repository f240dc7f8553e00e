// FailureWords: what a client may hear of a provider's failure.
//
//   unauthorized, no_quota, not_found            told as server_error, in our words: of our keys
//   and
//                                                accounts nothing
//   too_large of the context                     its numbers in a sentence of ours, and its param
//                                                (engine/llm/context_overflow.hpp)
//   bad_request, too_large of another bound      the provider's text, param and code, each where
//                                                all of its words are known; else our words
//   filtered                                     our words, and its code where it is one that
//                                                clients know (llm::is_policy_code)
//   everything else                              our words (engine/llm/failure.hpp failure_words)
//
// 1. Closed: a text goes out only where each of its words is one that texts about requests are made
//    of (known_words.txt: plain words, members of requests, families of models), a short number,
//    the client's own name of a tool or id of a call. A name that nobody foresaw, of a customer, a
//    host or a deployment, is none. A text that is refused costs a hint; the operator finds it in
//    the log under the request's id.
// 2. And, as known words can be put together to more than they are, only where nothing in it looks
//    like a key, a header, an id of an account, a URL (but for the pages of documentation that
//    providers' texts name), a host, an address, a port, a path, a stack
//    trace, markup or an e-mail address, and none of our keys is in it
//    (relay/upstream/redaction.hpp).
// 3. A text of many lines becomes one, and is cut to client_text_bytes_max at the end of a word.
// 4. The provider's request id stays here.
// 5. Whether to try again is the failure's own, also where it is told as another class: a key that
//    the provider refuses is told as server_error, and does no better a second later.
#pragma once

#include <span>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "relay/upstream/redaction.hpp"

namespace redoubt::upstream {

constexpr std::size_t client_text_bytes_max = 500;
constexpr std::size_t client_param_bytes_max = 128;
constexpr std::size_t client_code_bytes_max = 64;

/// What goes to the client. `secrets` are all that the provider, or a proxy on the way, may know;
/// `own_names` are the client's, which it may be told.
llm::ChatFailure failure_for_client(const llm::ChatFailure& failure,
                                    std::span<const std::string_view> secrets,
                                    std::span<const std::string_view> own_names = {});

/// Law 1.
bool has_known_words_only(std::string_view text, std::span<const std::string_view> own_names);

/// Law 2: does nothing in the text look like a matter of the operator's? Of our own keys see
/// redaction.
bool is_harmless(std::string_view text);

}  // namespace redoubt::upstream
