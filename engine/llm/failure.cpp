#include "engine/llm/failure.hpp"

#include <algorithm>
#include <span>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/retry_headers.hpp"

namespace redoubt::llm {
namespace {

using enum FailureClass;

constexpr std::size_t message_bytes_max = 2000;

// Digits that fit into 64 bits.
constexpr std::size_t number_digits_max = 18;

struct Word {
  std::string_view word;
  FailureClass failure_class;
};

// How messages about our key or account begin, in lower case, for what codes do not tell. Further
// on in a message the same words may be the client's own, repeated: "Invalid value: 'incorrect api
// key'."
constexpr Word beginnings[] = {
    {"incorrect api key", unauthorized},
    {"invalid api key", unauthorized},
    {"api key not valid", unauthorized},
    {"api key not found", unauthorized},
    {"api key expired", unauthorized},
    {"invalid api token", unauthorized},
    {"your credit balance is too low", no_quota},
    {"insufficient balance", no_quota},
    {"insufficient credits", no_quota},
    {"you exceeded your current quota", no_quota},
};

// A 429 that is no rate limit: the account's money is used up.
constexpr std::string_view credit_words[] = {
    "credit balance is too low", "used all available credits", "monthly spending limit",
    "insufficient balance",      "insufficient credits",
};

constexpr std::string_view moderation_words[] = {
    "requires moderation",
    "your input was flagged",
    "your prompt was flagged",
};

// Of a request that its own text is the fault of, also where the code is that of any other fault:
// OpenAI's invalid_prompt, Anthropic's "Output blocked by content filtering policy".
constexpr std::string_view policy_words[] = {
    "potentially violating",
    "usage policy",
    "usage policies",
    "content policy",
    "content management policy",
    "content filtering policy",
    "safety system",
};
// A provider's policy has been held against whoever owns the key.
constexpr std::string_view owner_words[] = {"account", "organization"};

constexpr std::string_view policy_code = "content_policy_violation";
constexpr std::string_view policy_codes[] = {policy_code, "content_filter", "invalid_prompt"};

// What a 403 speaks of where it is ours to mend. Others are about what the request names: a file.
constexpr std::string_view access_words[] = {
    "api key",  "api-key",   "permission",    "region",         "country",      "territory",
    "location", "account",   "credit",        "billing",        "project",      "organization",
    "team",     "forbidden", "access denied", "not authorized", "unauthorized",
};

constexpr Word code_words[] = {
    {"insufficient_quota", no_quota},
    {"billing_hard_limit_reached", no_quota},
    {"billing_not_active", no_quota},
    {"billing_error", no_quota},
    {"credit_balance_exhausted", no_quota},
    {"organization_spend_limit_exceeded", no_quota},
    {"project_spend_limit_exceeded", no_quota},
    {"organization_usage_limit_exceeded", no_quota},
    {"enforced_spend_limit_reached", no_quota},
    {"rate_limit_exceeded", rate_limited},
    {"invalid_api_key", unauthorized},
    {"API_KEY_INVALID", unauthorized},
    {"account_deactivated", unauthorized},
    {"model_not_found", not_found},
    {"model_decommissioned", not_found},
    {"model_not_supported", not_found},
    {"invalid_model", not_found},
    {context_overflow_code, too_large},
    {"exceed_context_size_error", too_large},
    {"model_max_prompt_tokens_exceeded", too_large},
    {"string_above_max_length", too_large},
    {"request_too_large", too_large},
    {"content_filter", filtered},
    {policy_code, filtered},
    {"moderation_blocked", filtered},
    {"data_inspection_failed", filtered},
    {"invalid_prompt", bad_request},
    {"tool_use_failed", bad_request},
    {"server_overloaded", overloaded},
    {"server_is_overloaded", overloaded},
};

// Of the codes above those that say too_large of the context, and of no other bound.
constexpr std::string_view context_codes[] = {
    context_overflow_code,
    "exceed_context_size_error",
    "model_max_prompt_tokens_exceeded",
};

constexpr Word type_words[] = {
    {"overloaded_error", overloaded},
    {"rate_limit_error", rate_limited},
    {"RESOURCE_EXHAUSTED", rate_limited},
    {"tokens", rate_limited},
    {"requests", rate_limited},
    {"UNAVAILABLE", overloaded},
    {"api_error", server_error},
    {"server_error", server_error},
    {"internal_server_error", server_error},
    {"INTERNAL", server_error},
    {"vector_store_timeout", timeout},
    {"timeout_error", timeout},
    {"DEADLINE_EXCEEDED", timeout},
    {"authentication_error", unauthorized},
    {"permission_error", unauthorized},
    {"UNAUTHENTICATED", unauthorized},
    {"PERMISSION_DENIED", unauthorized},
    {"not_found_error", not_found},
    {"NOT_FOUND", not_found},
    {"request_too_large", too_large},
    {"invalid_request_error", bad_request},
    {"INVALID_ARGUMENT", bad_request},
    {"FAILED_PRECONDITION", bad_request},
};

struct Status {
  int status;
  FailureClass failure_class;
};

// What a provider answers of its own accord to a key that it does not know.
constexpr std::string_view bad_key_codes[] = {"invalid_api_key", "authentication_error",
                                              "API_KEY_INVALID"};

constexpr Status statuses[] = {
    {401, unauthorized}, {402, no_quota},     {403, unauthorized}, {404, not_found},
    {408, timeout},      {409, server_error}, {413, too_large},    {425, server_error},
    {429, rate_limited}, {498, overloaded},   {503, overloaded},   {504, timeout},
    {524, timeout},      {529, overloaded},
};

const Word* word_for(std::span<const Word> words, std::string_view text) {
  for (const Word& word : words) {
    if (word.word == text) return &word;
  }
  return nullptr;
}

bool has(std::string_view text, std::string_view word) {
  return text.find(word) != text.npos;
}

bool word_in(std::span<const std::string_view> words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool has_any(std::string_view text, std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    if (has(text, word)) return true;
  }
  return false;
}

// The prompt is over what the model takes. Every server words it anew ("prompt too long; exceeded
// max context length by 5 tokens", "the input (9 tokens) is longer than the model's context
// length"), but all say what is too long, and by what measure.
bool says_prompt_too_long(std::string_view lower) {
  constexpr std::string_view what[] = {"prompt", "input", "context", "messages", "request"};
  constexpr std::string_view over[] = {"too long",
                                       "too large",
                                       "too many tokens",
                                       "exceed",
                                       "longer than",
                                       "greater than",
                                       "reduce the length",
                                       "maximum context length",
                                       "configured context size",
                                       "maximum prompt length"};
  constexpr std::string_view measure[] = {"token", "context", "prompt", "length of the messages"};
  constexpr std::string_view of_time[] = {"rate limit", "rate_limit", "per minute", "per min",
                                          "per day",    "tpm",        "quota"};
  return has_any(lower, what) && has_any(lower, over) && has_any(lower, measure) &&
         !has_any(lower, of_time);
}

// "The model `x` does not exist", "model 'x' not found, try pulling it first", "Model Not Exist".
bool says_no_model(std::string_view lower) {
  constexpr std::string_view not_there[] = {"not found", "does not exist", "not exist",
                                            "decommissioned", "no such model"};
  return has(lower, "model") && has_any(lower, not_there);
}

bool says_policy(int status, std::string_view lower) {
  const bool of_request = status == 0 || status == 400 || status == 422;
  return of_request && has_any(lower, policy_words) && !has_any(lower, owner_words);
}

std::optional<FailureClass> class_of_status(int status) {
  for (const Status& entry : statuses) {
    if (entry.status == status) return entry.failure_class;
  }
  if (status >= 500) return server_error;
  if (status >= 400) return bad_request;
  return std::nullopt;
}

// What a body says of a failure beside its message and code.
struct Hints {
  std::string type;
  bool is_json = false;          ///< and not the page of a proxy in between
  bool day_quota = false;        ///< Gemini: the limit that was hit is a day's
  bool says_retry_info = false;  ///< Gemini: it may be tried again soon
};

std::optional<FailureClass> class_of_code(const ChatFailure& failure, const Hints& hints) {
  for (const std::string_view code : {std::string_view(failure.code), std::string_view(hints.type)})
    if (const Word* word = word_for(code_words, code)) return word->failure_class;
  return std::nullopt;
}

bool is_limit(const ChatFailure& failure, const Hints& hints) {
  return failure.status == 429 || hints.type == "RESOURCE_EXHAUSTED" ||
         class_of_code(failure, hints) == rate_limited;
}

/// The number after a word: of "limit " in "(TPM): Limit 30000, Requested 50000".
std::optional<std::int64_t> number_after(std::string_view lower, std::string_view word) {
  for (std::size_t at = lower.find(word); at != lower.npos; at = lower.find(word, at + 1)) {
    const std::string_view rest = lower.substr(at + word.size());
    std::int64_t number = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && digits < number_digits_max && rest[digits] >= '0' &&
           rest[digits] <= '9')
      number = number * 10 + (rest[digits++] - '0');
    if (digits > 0) return number;
  }
  return std::nullopt;
}

// One request over what a whole minute has, or over what the account's plan takes at all: no wait
// and no other call changes that.
bool says_over_whole_limit(std::string_view lower) {
  if (lower.starts_with("request too large") || has(lower, "long context requests")) return true;
  const auto limit = number_after(lower, "limit ");
  const auto requested = number_after(lower, "requested ");
  return limit && requested && *requested > *limit;
}

// A limit of requests or tokens, or the end of the account's money. Gemini has the same text for a
// minute's limit and a day's: only the name of the quota tells.
FailureClass class_of_limit(const ChatFailure& failure, const Hints& hints,
                            std::string_view lower) {
  if (hints.day_quota) return no_quota;
  if (says_over_whole_limit(lower)) return too_large;
  if (hints.says_retry_info) return rate_limited;
  if (class_of_code(failure, hints) == no_quota) return no_quota;
  return has_any(lower, credit_words) ? no_quota : rate_limited;
}

std::optional<FailureClass> class_of_message(const ChatFailure& failure, const Hints& hints,
                                             std::string_view lower) {
  if (has(lower, "is not a valid model") || has(lower, "not supported by any provider"))
    return not_found;
  for (const Word& word : beginnings) {
    if (lower.starts_with(word.word)) return word.failure_class;
  }
  if (has_any(lower, moderation_words)) return filtered;
  if (hints.type == "FAILED_PRECONDITION" && has(lower, "billing")) return no_quota;
  const bool of_request = failure.status == 0 || failure.status == 400 || failure.status == 404 ||
                          failure.status == 422;
  if (of_request && says_no_model(lower)) return not_found;
  if (says_prompt_too_long(lower)) return too_large;
  return std::nullopt;
}

// The key, its rights, the account or where the relay stands; or something that the request names.
FailureClass class_of_forbidden(const Hints& hints, std::string_view lower) {
  const Word* type = word_for(type_words, hints.type);
  const bool of_access = type != nullptr && type->failure_class == unauthorized;
  const bool unclear = !hints.is_json || lower.empty();
  return of_access || unclear || has_any(lower, access_words) ? unauthorized : bad_request;
}

FailureClass classify(const ChatFailure& failure, const Hints& hints) {
  const std::string lower = ascii_lower(failure.message);
  if (failure.status == 402) return no_quota;
  if (failure.status == 413) return too_large;
  if (is_limit(failure, hints)) return class_of_limit(failure, hints, lower);
  if (says_policy(failure.status, lower)) return filtered;
  if (const auto found = class_of_code(failure, hints)) return *found;
  if (failure.status == 401) return unauthorized;
  if (const auto found = class_of_message(failure, hints, lower)) return *found;
  if (failure.status == 403) return class_of_forbidden(hints, lower);
  if (const auto found = class_of_status(failure.status)) return *found;
  if (const Word* word = word_for(type_words, hints.type)) return word->failure_class;
  if (const Word* word = word_for(type_words, failure.code)) return word->failure_class;
  return server_error;
}

// The first of FastAPI's faults, or its text.
std::string detail_text(const Json& detail) {
  if (detail.is_string()) return detail.get_ref<const std::string&>();
  if (detail.is_array() && !detail.empty()) {
    const std::string_view message = text_in(detail.front(), "msg");
    if (!message.empty()) return std::string(message);
  }
  return dump(detail);
}

// Gemini puts the delay of a 429 into the body (details[].retryDelay, "34.4s"), and the name of the
// limit (violations[].quotaId, "GenerateRequestsPerDayPerProjectPerModel-FreeTier"). Anthropic's
// details are an object.
void read_details(const Json& error, ChatFailure& failure, Hints& hints) {
  const Json* details = member_of(error, "details");
  if (details == nullptr) return;
  const std::string_view own_code = text_in(*details, "error_code");
  if (word_for(code_words, own_code) != nullptr) failure.code = own_code;
  if (!details->is_array()) return;
  for (const Json& detail : *details) {
    if (const auto delay = duration_ms(text_in(detail, "retryDelay"))) {
      failure.retry_after_ms = delay;
      hints.says_retry_info = true;
    }
    if (text_in(detail, "reason") == "API_KEY_INVALID") failure.code = "API_KEY_INVALID";
    const Json* violations = member_of(detail, "violations");
    if (violations == nullptr || !violations->is_array()) continue;
    for (const Json& violation : *violations)
      hints.day_quota = hints.day_quota || has(text_in(violation, "quotaId"), "PerDay");
  }
}

void read_error_object(const Json& error, int status, ChatFailure& failure, Hints& hints) {
  failure.message = text_in(error, "message");
  hints.type = text_in(error, "type");
  failure.param = text_in(error, "param");
  const Json* code = member_of(error, "code");
  failure.code = text_of(code);
  std::int64_t own_status = integer_in(error, "status_code", 0);
  if (own_status == 0 && code != nullptr && code->is_number()) own_status = integer_of(code, 0);
  const std::string_view word = text_in(error, "status");  // Gemini
  if (hints.type.empty()) hints.type = word;
  if (failure.code.empty()) failure.code = hints.type;
  if (status < 400 && own_status >= 400 && own_status < 600) {
    failure.status = static_cast<int>(own_status);
  }
  // OpenRouter: what the provider behind it said.
  if (const Json* metadata = member_of(error, "metadata")) {
    const std::string_view raw = text_in(*metadata, "raw");
    if (!raw.empty()) failure.message = joined({failure.message, ": ", raw});
  }
  read_details(error, failure, hints);
}

bool is_over_context(const ChatFailure& failure, const Hints& hints) {
  return failure.failure_class == too_large &&
         (word_in(context_codes, failure.code) || word_in(context_codes, hints.type) ||
          says_prompt_too_long(ascii_lower(failure.message)));
}

void settle(ChatFailure& failure, const Hints& hints) {
  if (failure.message.size() > message_bytes_max) failure.message.resize(message_bytes_max);
  failure.failure_class = classify(failure, hints);
  if (is_over_context(failure, hints)) {
    failure.code = context_overflow_code;
    if (failure.status < 400) failure.status = context_overflow_status;
  }
  if (failure.failure_class == filtered && !is_policy_code(failure.code))
    failure.code = policy_code;
  const bool may_name_key = failure.status == 401 || failure.code == "API_KEY_INVALID";
  failure.names_bad_key =
      failure.failure_class == unauthorized && may_name_key && word_in(bad_key_codes, failure.code);
  if (failure.status < 400) failure.status = status_of(failure.failure_class);
  if (failure.message.empty()) {
    failure.message = joined({"the provider answered with status ", failure.status});
  }
  failure.should_retry = class_retries(failure.failure_class);
}

ChatFailure failure_from_object(const Json& body, int status) {
  ChatFailure failure;
  failure.status = status;
  Hints hints;
  hints.is_json = true;
  const Json* error = member_of(body, "error");
  if (error != nullptr && error->is_object()) {
    read_error_object(*error, status, failure, hints);
  } else {
    read_error_object(body, status, failure, hints);
    if (error != nullptr) failure.message = text_of(error);
    const Json* detail = member_of(body, "detail");
    if (failure.message.empty() && detail != nullptr) failure.message = detail_text(*detail);
  }
  failure.request_id = text_in(body, "request_id");
  settle(failure, hints);
  return failure;
}

}  // namespace

bool is_policy_code(std::string_view code) {
  return word_in(policy_codes, code);
}

bool class_retries(FailureClass failure_class) {
  return failure_class == rate_limited || failure_class == overloaded ||
         failure_class == server_error || failure_class == timeout || failure_class == malformed ||
         failure_class == cut;
}

int status_of(FailureClass failure_class) {
  constexpr int by_class[] = {400, 401, 404, 413, 429, 402, 529, 500, 504, 400, 502, 502};
  return by_class[static_cast<std::size_t>(failure_class)];
}

std::string_view failure_words(FailureClass failure_class) {
  switch (failure_class) {
    case bad_request:
      return "The model's provider did not accept the request. Check it against what the model "
             "takes: its tools, schemas, images and settings.";
    case unauthorized:
    case no_quota:
      return "The model's provider refused the relay's request. Yours is not at fault: give the "
             "relay's operator the request's id.";
    case not_found:
      return "The model's provider refused the relay's request: it does not serve this model. Ask "
             "for another one, or give the relay's operator the request's id.";
    case too_large:
      return "The request is longer than the model takes. Shorten the messages or the tools, or "
             "ask for a model with a larger context.";
    case rate_limited:
      return "The model's provider takes no more requests for now. Try again in a little while.";
    case overloaded:
      return "The model's provider has too much to do. Try again in a little while.";
    case server_error:
      return "The model's provider failed. Try again; if it goes on, give the relay's operator the "
             "request's id.";
    case timeout:
      return "The model's provider did not answer in time. Try again, or ask for a shorter answer.";
    case filtered:
      return "The model's provider refused the request: its usage policy or content filter flagged "
             "it. Put it in other words.";
    case malformed:
      return "The model's answer could not be read. Try again; if it goes on, give the relay's "
             "operator the request's id.";
    case cut:
      return "The model's answer ended before it was complete. Try again.";
  }
  return "The model's provider failed. Try again.";
}

ChatFailure failure_from_json(const Json& body, int status) {
  if (body.is_array() && !body.empty()) return failure_from_object(body.front(), status);
  return failure_from_object(body, status);
}

ChatFailure failure_from_body(int status, std::string_view body, const std::vector<Header>& headers,
                              std::int64_t now_unix_ms) {
  const auto parsed = parse_json(body, wire_json_limits);
  ChatFailure failure;
  if (parsed.ok()) {
    failure = failure_from_json(parsed.value(), status);
  } else {
    failure.status = status;
    failure.message = body.substr(0, 200);
    settle(failure, {});
  }
  for (const char* name : {"request-id", "x-request-id", "apim-request-id", "cf-ray"}) {
    if (failure.request_id.empty()) failure.request_id = header_value(headers, name);
  }
  const RetryAdvice advice = retry_advice(headers, now_unix_ms);
  if (advice.retry_after_ms) failure.retry_after_ms = advice.retry_after_ms;
  if (advice.should_retry) failure.should_retry = *advice.should_retry;
  return failure;
}

ChatFailure local_failure(FailureClass failure_class, std::string message) {
  ChatFailure failure;
  failure.failure_class = failure_class;
  failure.status = status_of(failure_class);
  failure.message = std::move(message);
  failure.code = failure_name(failure_class);
  failure.should_retry = class_retries(failure_class);
  return failure;
}

ChatFailure no_answer_failure(std::string message) {
  ChatFailure failure = local_failure(FailureClass::malformed, std::move(message));
  failure.should_retry = false;
  return failure;
}

}  // namespace redoubt::llm
