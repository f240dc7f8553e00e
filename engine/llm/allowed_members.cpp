#include "engine/llm/allowed_members.hpp"
#include "engine/base/ascii.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/llm/embeddings.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

// Of an object that is looked at member by member; the largest of a known request has 30.
constexpr std::size_t members_max = 512;
// Of a client's own name, in an error.
constexpr std::size_t shown_bytes_max = 64;

enum class Verdict : std::uint8_t {
  take,
  address,  ///< taken, but what lies there may be any number of tokens
  tools,    ///< a tool, or a list of them, each looked at
  choice,   ///< a tool_choice: of what may be among the tools
  choices,  ///< a list of them
  parts,    ///< a text, or a list of parts, each looked at
  edits,    ///< a list of edits of the context, each looked at
  words,    ///< members of the names in `only`, at any depth, and no others
  drop,     ///< left out: no answer depends on it
  stored,   ///< refused: it names what lies at the provider, perhaps another's
  served,   ///< refused: the provider runs it, on the operator's account
  priced,   ///< refused: it changes the price, though not the number of tokens
  looped,   ///< refused: it costs tokens that no bound of ours covers
  summed,   ///< refused: the provider sums the conversation up, as an answer that is paid apart
};

/// A name that ends with version_mark stands for its dated versions ("tool:bash_@" for
/// tool:bash_20250124), and for nothing else that begins so.
constexpr std::string_view version_mark = "_@";

/// A name that begins with item_mark is a member that parts and items of any type may have.
constexpr std::string_view item_mark = "item.";

struct Row {
  std::string_view name;
  Verdict verdict = Verdict::take;
  /// take: these values only, as JSON without quotes, divided by '|'; "" is any. Of a whole tool or
  /// part: the members that it has beside those with a row of their own.
  std::string_view only = {};
  bool needed = false;  ///< of a tool or its calls: without it the provider runs it
};

using V = Verdict;

// Sources of all: the providers' API references and SDKs, and recorded traffic (2026-11).
constexpr Row openai_chat_rows[] = {
    {"n", V::take, "1"},
    {"logit_bias"},
    {"logprobs"},
    {"top_logprobs"},
    {"verbosity"},
    {"stream_options.include_obfuscation"},
    {"modalities", V::take, R"(["text"])"},
    {"tool_choice", V::choice},
    {"tool_choice.type"},
    {"tool_choice.name"},
    {"tool_choice.function.name"},
    {"tool_choice.custom.name"},
    {"tool_choice.allowed_tools.mode"},
    {"tool_choice.allowed_tools.tools", V::choices},
    {"prompt_cache_key"},
    {"prompt_cache_retention", V::take, "in_memory|in-memory|24h"},
    {"prompt_cache_options.mode"},
    {"prompt_cache_options.ttl", V::take, "30m"},
    {"cache_control"},
    {"reasoning.effort"},
    {"reasoning.enabled"},
    {"reasoning.exclude"},
    {"reasoning.max_tokens"},
    {"reasoning.summary"},
    {"reasoning_format"},
    {"reasoning_split"},
    {"include_reasoning"},
    {"thinking.type"},
    {"enable_thinking"},
    {"chat_template_kwargs.enable_thinking"},
    {"chat_template_kwargs.thinking"},
    {"usage.include"},
    {"safe_prompt"},
    {"prompt_mode"},
    {"top_k"},
    {"top_a"},
    {"min_p"},
    {"min_tokens"},
    {"repetition_penalty"},
    {"length_penalty"},
    {"skip_special_tokens"},
    {"stop_token_ids"},
    {"service_tier", V::take, "auto|default|standard|on_demand"},
    {"store", V::take, "false"},
    {"user", V::drop},
    {"safety_identifier", V::drop},
    {"metadata", V::drop},
    {"session_id", V::drop},
    {"trace", V::drop},
    {"transforms", V::served},
    {"models", V::priced},
    {"route", V::priced},
    {"provider", V::priced},
    {"plugins", V::served},
    {"preset", V::stored},
    {"web_search_options", V::served},
    {"search_parameters", V::served},
    {"background", V::stored},
    {"deferred", V::stored},
    {"best_of", V::looped},
    {"prediction", V::looped},
    {"audio", V::priced},
    {"moderation", V::served},
    {"embeddings.input_type"},
    {"embeddings.truncate"},
    {"embeddings.user", V::drop},
    {"embeddings.metadata", V::drop},
    {"message.prefix"},
    {"message.reasoning"},
    {"message.reasoning_details"},
    {"message.cache_control"},
    {"message.phase"},
    {"message.annotations", V::drop},
    {"message.id", V::drop},
    {"message.parsed", V::drop},
    {"message.provider_specific_fields", V::drop},
    {"message.function_call", V::drop},
    {"message.tool_calls", V::drop},
    {"message.audio", V::stored},
    {"tool:function.cache_control"},
    {"tool:function.defer_loading"},
    {"tool:custom.custom.name"},
    {"tool:custom.custom.description"},
    {"tool:custom.custom.format"},
    {"part:text.text"},
    {"part:text.cache_control"},
    {"part:text.prompt_cache_breakpoint"},
    {"part:text.annotations", V::drop},
    {"part:image_url.url", V::address},
    {"part:image_url.detail"},
    {"part:image_url.format"},
    {"part:image_url.cache_control"},
    {"part:tool_call.extra_content"},
    {"part:tool_call.custom.name"},
    {"part:tool_call.custom.input"},
    {"part:tool_call.cache_control"},
    {"part:tool_call.provider_specific_fields", V::drop},
    {"part:thinking", V::take, "closed|signature"},
    {"part:thinking.thinking", V::parts},
    {"part:reference", V::take, "reference_ids"},
    {"part:file.file.file_data"},
    {"part:file.file.filename"},
    {"part:file.file.format"},
    {"part:file.file.file_id", V::stored},
    {"part:file.cache_control"},
    {"part:document_url", V::address, "document_url|document_name"},
    // What sound costs is its target's to say (Target::prices_sound).
    {"part:input_audio.input_audio.data"},
    {"part:input_audio.input_audio.format", V::take, "wav|mp3"},
};

constexpr Row openai_responses_rows[] = {
    {"include"},
    {"tool_choice", V::choice},
    {"tool_choice.type"},
    {"tool_choice.name"},
    {"tool_choice.mode"},
    {"tool_choice.tools", V::choices},
    {"max_tool_calls"},
    {"top_logprobs"},
    {"truncation"},
    {"stream_options.include_obfuscation"},
    {"text.verbosity"},
    {"reasoning.generate_summary"},
    {"reasoning.summary"},
    {"reasoning.context"},
    {"reasoning.mode", V::take, "standard"},
    {"prompt_cache_key"},
    {"prompt_cache_retention", V::take, "in_memory|in-memory|24h"},
    {"prompt_cache_options.mode"},
    {"prompt_cache_options.ttl", V::take, "30m"},
    {"service_tier", V::take, "auto|default|standard"},
    {"store", V::take, "false"},
    {"user", V::drop},
    {"safety_identifier", V::drop},
    {"metadata", V::drop},
    {"client_metadata", V::drop},
    {"access_programs", V::drop},
    {"context_management", V::summed},
    {"previous_response_id", V::stored},
    {"conversation", V::stored},
    {"prompt", V::stored},
    {"background", V::stored},
    {"models", V::priced},
    {"route", V::priced},
    {"provider", V::priced},
    {"plugins", V::served},
    {"moderation", V::served},
    {"message.id"},
    {"message.status"},
    {"message.phase"},
    // Codex's own.
    {"message.internal_chat_message_metadata_passthrough", V::drop},
    {"item.internal_chat_message_metadata_passthrough", V::drop},
    {"part:internal_chat_message_metadata_passthrough", V::drop},
    {"part:agent_message", V::drop},
    {"part:ghost_snapshot", V::drop},
    {"part:compaction_trigger", V::summed},
    {"tool:function.defer_loading"},
    {"tool:function.type"},
    {"tool:function.name"},
    {"tool:function.description"},
    {"tool:function.parameters"},
    {"tool:function.strict"},
    {"tool:function.output_schema"},
    {"tool:custom.name"},
    {"tool:custom.description"},
    {"tool:custom.format"},
    {"tool:custom.defer_loading"},
    {"tool:local_shell", V::take, "type"},
    {"tool:apply_patch", V::take, "type"},
    {"tool:shell.environment.type", V::take, "local", true},
    {"tool:tool_search.execution", V::take, "client", true},
    {"tool:tool_search.description"},
    {"tool:tool_search.parameters"},
    {"tool:namespace.name"},
    {"tool:namespace.description"},
    {"tool:namespace.tools", V::tools},
    {"tool:mcp", V::served},
    {"tool:tool_search", V::served},
    {"tool:shell", V::served},
    {"tool:web_search", V::served},
    {"tool:web_search_@", V::served},
    {"tool:web_search_preview", V::served},
    {"tool:web_search_preview_@", V::served},
    {"tool:file_search", V::served},
    {"tool:code_interpreter", V::served},
    {"tool:image_generation", V::served},
    {"tool:computer", V::served},
    {"tool:computer_use_preview", V::served},
    {"part:input_text.text"},
    {"part:input_text.prompt_cache_breakpoint"},
    {"part:output_text.text"},
    {"part:output_text.annotations"},
    {"part:output_text.logprobs"},
    {"part:output_text.parsed", V::drop},
    {"part:input_image.detail"},
    {"part:input_image.image_url", V::address},
    {"part:input_image.prompt_cache_breakpoint"},
    {"part:input_image.file_id", V::stored},
    {"part:input_file.file_data"},
    {"part:input_file.filename"},
    {"part:input_file.file_url"},
    {"part:input_file.detail"},
    {"part:input_file.file_id", V::stored},
    {"part:input_audio", V::priced},
    {"part:item_reference", V::stored},
    {"part:function_call.id"},
    {"part:function_call.status"},
    {"part:function_call.namespace"},
    {"part:function_call.parsed_arguments", V::drop},
    {"part:function_call_output.id"},
    {"part:function_call_output.status"},
    {"part:reasoning", V::take, "id|status|summary|content|encrypted_content"},
    {"part:compaction", V::take, "id|encrypted_content"},
    {"part:compaction.created_by", V::drop},
    {"part:compaction_summary", V::take, "id|encrypted_content"},
    {"part:custom_tool_call", V::take, "id|call_id|status|namespace|name|input"},
    {"part:custom_tool_call_output.id"},
    {"part:custom_tool_call_output.call_id"},
    {"part:custom_tool_call_output.status"},
    {"part:custom_tool_call_output.output", V::parts},
    {"part:local_shell_call", V::take, "id|call_id|status|action"},
    {"part:local_shell_call_output", V::take, "id|call_id|status"},
    {"part:local_shell_call_output.output", V::parts},
    {"part:shell_call", V::take, "id|call_id|status|action"},
    {"part:shell_call.environment.type", V::take, "local"},
    {"part:shell_call.created_by", V::drop},
    {"part:shell_call_output", V::take, "id|call_id|status|max_output_length"},
    {"part:shell_call_output.output", V::words, "stdout|stderr|outcome|type|exit_code"},
    {"part:shell_call_output.created_by", V::drop},
    {"part:apply_patch_call", V::take, "id|call_id|status|operation"},
    {"part:apply_patch_call.created_by", V::drop},
    {"part:apply_patch_call_output", V::take, "id|call_id|status"},
    {"part:apply_patch_call_output.output", V::parts},
    {"part:apply_patch_call_output.created_by", V::drop},
    {"part:tool_search_call", V::take, "id|call_id|status|arguments"},
    {"part:tool_search_call.execution", V::take, "client", true},
    {"part:tool_search_call.created_by", V::drop},
    {"part:tool_search_output.id"},
    {"part:tool_search_output.call_id"},
    {"part:tool_search_output.status"},
    {"part:tool_search_output.execution", V::take, "client", true},
    {"part:tool_search_output.created_by", V::drop},
    {"part:tool_search_output.tools", V::tools},
    {"part:additional_tools.id"},
    {"part:additional_tools.role"},
    {"part:additional_tools.tools", V::tools},
    {"part:web_search_call", V::served},
    {"part:file_search_call", V::served},
    {"part:code_interpreter_call", V::stored},
    {"part:image_generation_call", V::stored},
    {"part:mcp_list_tools", V::served},
    {"part:mcp_call", V::served},
    {"part:mcp_approval_request", V::served},
    {"part:mcp_approval_response", V::served},
};

constexpr Row anthropic_rows[] = {
    {"cache_control"},
    {"thinking.type"},
    {"thinking.display"},
    {"thinking.block_binding"},
    {"output_config.effort"},
    {"output_config.task_budget"},
    {"service_tier", V::take, "auto|standard_only"},
    {"inference_geo", V::priced},
    {"speed", V::priced},
    {"metadata", V::drop},
    {"diagnostics", V::drop},
    // Edits that leave something out; a summary is another answer of the model, paid beside this
    // one.
    {"context_management.edits", V::edits},
    {"edit:clear_tool_uses_@", V::take,
     "trigger|keep|clear_at_least|exclude_tools|clear_tool_inputs"},
    {"edit:clear_thinking_@", V::take, "keep"},
    {"edit:compact_@", V::summed},
    {"container", V::stored},
    {"mcp_servers", V::served},
    {"fallbacks", V::priced},
    {"tool:custom", V::take, "name|description|input_schema|strict"},
    {"tool:custom.type", V::take, "custom"},
    // In a tool_addition: one of the request's tools that is not offered at first.
    {"tool:tool_reference", V::take, "name|cache_control"},
    {"tool:custom.cache_control"},
    {"tool:custom.defer_loading"},
    {"tool:custom.input_examples"},
    {"tool:custom.eager_input_streaming"},
    {"tool:custom.allowed_callers", V::take, R"(["direct"])"},
    {"tool:bash_@", V::take, "name|cache_control|defer_loading|input_examples|strict"},
    {"tool:text_editor_@", V::take,
     "name|cache_control|defer_loading|input_examples|strict|max_characters"},
    {"tool:memory_@", V::take, "name|cache_control|defer_loading|input_examples|strict"},
    {"tool:computer_@", V::served},
    {"tool:web_search_@", V::served},
    {"tool:web_fetch_@", V::served},
    {"tool:code_execution_@", V::served},
    {"tool:tool_search_tool_bm25", V::served},
    {"tool:tool_search_tool_bm25_@", V::served},
    {"tool:tool_search_tool_regex", V::served},
    {"tool:tool_search_tool_regex_@", V::served},
    {"tool:advisor_@", V::served},
    {"tool:mcp_toolset", V::served},
    {"part:text.text"},
    {"part:text.cache_control"},
    {"part:text.citations"},
    {"part:image.cache_control"},
    {"part:image.source.type", V::take, "base64|url|file"},
    {"part:image.source.media_type"},
    {"part:image.source.data"},
    {"part:image.source.url", V::address},
    {"part:image.source.file_id", V::stored},
    {"part:tool_use.cache_control"},
    {"part:tool_use.caller.type", V::take, "direct"},
    {"part:tool_result.cache_control"},
    {"part:tool_reference", V::take, "tool_name|name|cache_control"},
    {"part:tool_addition.tool", V::tools},
    {"part:tool_addition.tools", V::tools},
    {"part:tool_addition.cache_control"},
    {"part:document.title"},
    {"part:document.context"},
    {"part:document.citations"},
    {"part:document.cache_control"},
    {"part:document.source.type", V::take, "base64|text|url|content|file"},
    {"part:document.source.media_type"},
    {"part:document.source.data"},
    {"part:document.source.url"},
    {"part:document.source.content", V::parts},
    {"part:document.source.file_id", V::stored},
    {"part:search_result.source"},
    {"part:search_result.title"},
    {"part:search_result.citations"},
    {"part:search_result.cache_control"},
    {"part:search_result.content", V::parts},
    {"part:compaction", V::take, "content|encrypted_content|cache_control"},
    {"part:fallback", V::take, "from|to"},
    {"part:server_tool_use", V::served},
    {"part:mcp_tool_use", V::served},
    {"part:mcp_tool_result", V::served},
    {"part:container_upload", V::stored},
};

// A tool or a part is what its member is: "tool:googleSearch", "part:inlineData".
constexpr Row gemini_rows[] = {
    {"safetySettings"},
    {"labels", V::drop},
    {"cachedContent", V::stored},
    {"store", V::take, "false"},
    {"serviceTier", V::take, "standard|SERVICE_TIER_STANDARD"},
    {"toolConfig.functionCallingConfig.mode"},
    {"toolConfig.functionCallingConfig.allowedFunctionNames"},
    {"toolConfig.retrievalConfig", V::served},
    {"generationConfig.responseMimeType"},
    {"generationConfig.responseSchema"},
    {"generationConfig.responseJsonSchema"},
    {"generationConfig.responseLogprobs"},
    {"generationConfig.logprobs"},
    {"generationConfig.responseModalities", V::take, R"(["TEXT"])"},
    {"generationConfig.mediaResolution"},
    {"generationConfig.enableEnhancedCivicAnswers"},
    {"generationConfig.thinkingConfig.thinkingBudget"},
    {"generationConfig.thinkingConfig.thinkingLevel"},
    {"generationConfig.thinkingConfig.includeThoughts"},
    {"generationConfig.speechConfig", V::priced},
    {"generationConfig.imageConfig", V::priced},
    {"generationConfig.audioTimestamp"},
    {"tool:function.parameters"},
    {"tool:function.parametersJsonSchema"},
    {"tool:function.response"},
    {"tool:function.responseJsonSchema"},
    {"tool:function.behavior", V::take, "BLOCKING|UNSPECIFIED"},
    {"tool:googleSearch", V::served},
    {"tool:googleSearchRetrieval", V::served},
    {"tool:googleMaps", V::served},
    {"tool:enterpriseWebSearch", V::served},
    {"tool:urlContext", V::served},
    {"tool:codeExecution", V::served},
    {"tool:fileSearch", V::served},
    {"tool:retrieval", V::served},
    {"tool:mcpServers", V::served},
    {"part:text.mediaResolution"},
    {"part:text.partMetadata", V::drop},
    {"part:functionCall.partMetadata", V::drop},
    {"part:functionResponse.willContinue"},
    {"part:functionResponse.scheduling"},
    {"part:inlineData.mediaResolution"},
    {"part:inlineData.videoMetadata"},
    {"part:inlineData.partMetadata", V::drop},
    {"part:inlineData.displayName"},
    {"part:inlineData.data"},
    // What sound costs is its target's to say (Target::prices_sound).
    {"part:inlineData.mimeType", V::take,
     "audio/wav|audio/mp3|audio/mpeg|audio/aiff|audio/aac|audio/ogg|audio/flac|image/png|image/"
     "jpeg|image/webp|image/gif|image/heic|image/heif|application/pdf|text/plain|"
     "text/html|text/css|text/csv|text/md|text/markdown|text/xml|text/rtf|text/javascript|"
     "application/json|application/xml|application/rtf"},
    {"part:fileData.mimeType"},
    {"part:fileData.displayName"},
    {"part:fileData.videoMetadata"},
    {"part:fileData.fileUri", V::address},
    {"part:thought"},
    {"part:thoughtSignature"},
    {"part:mediaResolution"},
    {"part:videoMetadata"},
    {"part:partMetadata", V::drop},
    {"part:executableCode", V::served},
    {"part:codeExecutionResult", V::served},
    {"part:toolCall", V::served},
    {"part:toolResponse", V::served},
};

// What is stored at a provider and has an address all the same: whoever has the operator's key
// reads it, whoever laid it there.
constexpr std::string_view stored_at[] = {"gs://", "generativelanguage.googleapis.com"};

std::span<const Row> rows_of(WireFormat format) {
  switch (format) {
    case WireFormat::openai_chat:
      return openai_chat_rows;
    case WireFormat::openai_responses:
      return openai_responses_rows;
    case WireFormat::anthropic:
      return anthropic_rows;
    case WireFormat::gemini:
      return gemini_rows;
    default:
      return {};
  }
}

constexpr std::pair<std::string_view, WireFormat> format_words[] = {
    {"openai", WireFormat::openai_chat},
    {"openai-responses", WireFormat::openai_responses},
    {"anthropic", WireFormat::anthropic},
    {"gemini", WireFormat::gemini},
};

std::string_view word_of(WireFormat format) {
  for (const auto& [word, its] : format_words) {
    if (its == format) return word;
  }
  return "";
}

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

bool ends(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

bool are_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// What the elements of a list are: the beginning of the names of their rows. "" is no list of its
/// own rows.
std::string_view elements_of(Verdict verdict) {
  switch (verdict) {
    case V::tools:
      return "tool:";
    case V::parts:
      return "part:";
    case V::edits:
      return "edit:";
    default:
      return "";
  }
}

/// The date of a version: 20250305 (Anthropic), 2025_03_11 (OpenAI).
bool is_version(std::string_view text) {
  if (text.size() == 8) return are_digits(text);
  return text.size() == 10 && text[4] == '_' && text[7] == '_' && are_digits(text.substr(0, 4)) &&
         are_digits(text.substr(5, 2)) && are_digits(text.substr(8));
}

/// A type without the date of its version; itself where it has none.
std::string_view without_version(std::string_view type) {
  for (const std::size_t date : {std::size_t{8}, std::size_t{10}}) {
    if (type.size() <= date + 1 || type[type.size() - date - 1] != '_') continue;
    if (is_version(type.substr(type.size() - date))) return type.substr(0, type.size() - date - 1);
  }
  return type;
}

// Names of anthropic-beta that only change how a request is read or an answer is told, with the
// date of their version or without. What others turn on (files, servers, long contexts, speed) is
// refused by its member, or priced apart.
constexpr std::string_view free_betas[] = {"claude-code",
                                           "interleaved-thinking",
                                           "fine-grained-tool-streaming",
                                           "token-efficient-tools",
                                           "prompt-caching",
                                           "prompt-caching-scope",
                                           "extended-cache-ttl",
                                           "structured-outputs",
                                           "tool-examples",
                                           "effort",
                                           "thinking-binding-controls",
                                           "redact-thinking",
                                           "context-management",
                                           "pdfs",
                                           "output-128k",
                                           "task-budgets"};

/// The date of a beta: 2025-05-14, 20250219.
bool is_beta_date(std::string_view text) {
  if (text.size() == 8) return are_digits(text);
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && are_digits(text.substr(0, 4)) &&
         are_digits(text.substr(5, 2)) && are_digits(text.substr(8));
}

bool is_free_beta(std::string_view name) {
  return std::any_of(std::begin(free_betas), std::end(free_betas), [&](std::string_view free) {
    if (!begins(name, free)) return false;
    const std::string_view rest = name.substr(free.size());
    return rest.empty() || (rest.front() == '-' && is_beta_date(rest.substr(1)));
  });
}

/// Of a member or a type that a table may name: in any other there could be a dot, and what
/// follows it would be taken for a member.
bool is_plain(std::string_view word) {
  return std::all_of(word.begin(), word.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-'; });
}

/// A type may have a provider's name before it ("openrouter:web_search").
bool is_plain_type(std::string_view type) {
  const std::size_t colon = type.find(':');
  return is_plain(type.substr(0, colon)) &&
         (colon == type.npos || is_plain(type.substr(colon + 1)));
}

const Row* row_of(WireFormat format, std::string_view name) {
  const std::string_view undated = without_version(name);
  for (const Row& row : rows_of(format)) {
    if (row.name == name) return &row;
    if (undated.size() < name.size() && ends(row.name, version_mark) &&
        row.name.substr(0, row.name.size() - version_mark.size()) == undated)
      return &row;
  }
  return nullptr;
}

/// Its own row, or that of a member which any part may have.
const Row* row_of_member(WireFormat format, std::string_view name) {
  const Row* row = row_of(format, name);
  const std::size_t dot = name.find('.');
  if (row != nullptr || name.substr(0, 5) != "part:" || dot == name.npos) return row;
  return row_of(format, joined({item_mark, name.substr(dot + 1)}));
}

bool one_of(std::string_view value, std::string_view words) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == value) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

/// Is it a member that the row of its tool or part lists?
bool is_listed(WireFormat format, std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == name.npos || name.substr(0, dot).find(':') == name.npos) return false;
  const Row* whole = row_of(format, name.substr(0, dot));
  return whole != nullptr && one_of(name.substr(dot + 1), whole->only);
}

bool has_rows_inside(WireFormat format, std::string_view name) {
  for (const Row& row : rows_of(format)) {
    if (row.name.size() > name.size() && row.name[name.size()] == '.' && begins(row.name, name))
      return true;
  }
  return false;
}

/// A JSON value's text without the quotes of a plain text.
std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"') return value.substr(1, value.size() - 2);
  return value;
}

/// Has the value members of these names alone, at any depth?
bool has_only(std::string_view value, std::string_view names) {
  for (const MemberText& member : member_texts(value)) {
    if (!one_of(member.key, names) || !has_only(member.value, names)) return false;
  }
  const std::vector<std::string_view> elements = element_texts(value);
  return std::all_of(elements.begin(), elements.end(),
                     [names](std::string_view element) { return has_only(element, names); });
}

bool means_nothing(std::string_view value) {
  for (const std::string_view nothing : {"null", "false", "\"\"", "[]", "{}"}) {
    if (value == nothing) return true;
  }
  return false;
}

/// `address`: as JSON has it, where an escape could hide any letter.
bool is_stored(WireFormat format, std::string_view address) {
  const std::string lower = ascii_lower(address);
  const bool is_public = begins(lower, "http://") || begins(lower, "https://");
  if (format == WireFormat::gemini && (!is_public || lower.find('\\') != lower.npos)) return true;
  return std::any_of(std::begin(stored_at), std::end(stored_at),
                     [&](std::string_view where) { return lower.find(where) != lower.npos; });
}

std::string_view reason_of(const Row* row) {
  switch (row == nullptr ? V::take : row->verdict) {
    case V::stored:
    case V::address:  // elsewhere it would have been taken
      return " names what is stored at the provider";
    case V::served:
      return " is run by the provider on the operator's account";
    case V::priced:
      return " changes what a call costs";
    case V::looped:
      return " costs tokens that cannot be counted before the call";
    case V::summed:
      return " has the provider sum the conversation up at its price";
    default:
      return row == nullptr || row->only.empty() ? " is not known to the relay"
                                                 : " has a value that the relay does not pass on";
  }
}

/// "tool:mcp.server_url" as words.
std::string shown(std::string_view name) {
  const bool tool = begins(name, "tool:");
  const bool edit = begins(name, "edit:");
  if (!tool && !edit && !begins(name, "part:")) return joined({"the member \"", name, "\""});
  std::string_view type = name.substr(5);
  const std::size_t dot = std::min(type.find('.'), type.size());
  const std::string_view member = type.substr(std::min(dot + 1, type.size()));
  type = type.substr(0, dot);
  const std::string_view what = tool ? "a tool" : edit ? "an edit of the context" : "content";
  std::string words = joined({what, " of type \"", type, "\""});
  if (!member.empty()) words = joined({"the member \"", member, "\" of ", words});
  return words;
}

/// Reads the request's texts, once to look and, where something is left out, once to write.
class Sieve {
 public:
  Sieve(WireFormat format, const PassThrough& passed) : format_(format), passed_(passed) {}

  std::optional<Error> refusal;

  /// May the client have the provider store its calls?
  bool keeps_stored() const { return passed_.passes(format_, "store"); }

  /// A text of members that follow `prefix`; "" is none.
  void members(std::string_view prefix, std::string& text, std::string_view path) {
    path_ = path;
    if (text.empty() || refusal) return;
    if (object(prefix, text, nullptr) != Outcome::changed) return;
    std::string kept;
    (void)object(prefix, text, &kept);
    text = kept == "{}" ? std::string() : std::move(kept);
  }

  /// Where a picture lies; `name` is the member that says it.
  void address(std::string_view name, std::string_view where, std::string_view path) {
    path_ = path;
    if (!where.empty() && is_stored(format_, where) && !passed_.passes(format_, name))
      (void)refuse(name);
  }

  /// A whole tool or part ("tool:" or "part:"). False: it is to be left out.
  bool whole(std::string_view what, std::string& text, std::string_view path) {
    path_ = path;
    if (refusal) return true;
    if (format_ == WireFormat::gemini) {
      members(what, text, path);
      return !text.empty();
    }
    const Outcome outcome = typed(what, text);
    if (outcome != Outcome::changed) return outcome != Outcome::dropped;
    std::string kept;
    (void)object(joined({what, unquoted(member_text(text, "type")), "."}), text, &kept);
    text = std::move(kept);
    return true;
  }

 private:
  enum class Outcome : std::uint8_t { kept, dropped, changed, refused };

  Outcome refuse(std::string_view name) {
    if (!refusal) {
      const std::string_view word = word_of(format_);
      std::string text = joined({shown(name), reason_of(row_of(format_, name)),
                                 ", so it is not passed on. An operator allows it with ",
                                 "models.pass_through: [\"", word, ":", name, "\"]."});
      if (text.front() >= 'a' && text.front() <= 'z')
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
      refusal = make_error("not_allowed", {text}, {path_.empty() ? name : path_},
                           {"what the relay passes on"}, {});
    }
    return Outcome::refused;
  }

  Outcome refuse_size(std::size_t members) {
    if (!refusal)
      refusal = make_error("not_allowed",
                           {"a request has at most ", members_max,
                            " members of the client's own in one object, this one has ", members},
                           {path_}, {}, {});
    return Outcome::refused;
  }

  /// What no table and no operator can name.
  Outcome odd(std::string_view kind, std::string_view name) {
    if (!refusal)
      refusal = make_error("not_allowed",
                           {"The ", kind, " \"", name.substr(0, shown_bytes_max),
                            "\" is no name of letters, digits, _ and -, so it is not passed on."},
                           {path_}, {"a name of letters, digits, _ and -"},
                           {name.substr(0, shown_bytes_max)});
    return Outcome::refused;
  }

  /// Anthropic's tools need not say that they are the client's.
  std::string_view type_of(std::string_view what, std::string_view text) const {
    const std::string_view type = unquoted(member_text(text, "type"));
    const bool is_clients = type.empty() && what == "tool:" && format_ == WireFormat::anthropic;
    return is_clients ? std::string_view("custom") : type;
  }

  // An object with a type of its own.
  Outcome typed(std::string_view what, std::string_view text) {
    const std::string_view type = type_of(what, text);
    if (!is_plain_type(type)) return odd("type", type);
    const std::string name = joined({what, type});
    const Row* row = row_of(format_, name);
    if (passed_.passes(format_, name)) return Outcome::kept;
    if (row != nullptr && row->verdict == V::drop) return Outcome::dropped;
    const bool lists = row != nullptr && !row->only.empty();
    if (!lists && !has_rows_inside(format_, name) && !passed_.passes_inside(format_, name))
      return refuse(name);
    if (!has_needed(name, text)) return refuse(name);
    return object(name + ".", text, nullptr);
  }

  bool has_needed(const std::string& name, std::string_view text) const {
    for (const Row& row : rows_of(format_)) {
      if (!row.needed || !begins(row.name, name + ".")) continue;
      std::string_view path = row.name.substr(name.size() + 1);
      std::string_view at = text;
      while (!path.empty()) {
        const std::size_t end = std::min(path.find('.'), path.size());
        at = member_text(at, path.substr(0, end));
        path.remove_prefix(std::min(end + 1, path.size()));
      }
      if (at.empty()) return false;
    }
    return true;
  }

  Outcome object(std::string_view prefix, std::string_view text, std::string* out) {
    bool changed = false;
    const std::vector<MemberText> all = member_texts(text);
    if (all.size() > members_max) return refuse_size(all.size());
    if (out != nullptr) *out += '{';
    for (const MemberText& member : all) {
      const std::string name = joined({prefix, member.key});
      const bool is_type = member.key == "type" && prefix.find(':') != std::string_view::npos &&
                           prefix.find('.') == prefix.size() - 1;
      const bool plain = is_plain(member.key);
      const Outcome outcome = is_type                       ? Outcome::kept
                              : plain                       ? value(name, member.value)
                              : means_nothing(member.value) ? Outcome::dropped
                                                            : odd("member", member.key);
      if (outcome == Outcome::refused) return outcome;
      changed = changed || outcome != Outcome::kept;
      if (out == nullptr || outcome == Outcome::dropped) continue;
      if (out->back() != '{') *out += ',';
      *out += joined({"\"", member.key, "\":"});
      if (outcome == Outcome::kept) {
        *out += member.value;
      } else {
        (void)object(name + ".", member.value, out);
      }
    }
    if (out != nullptr) *out += '}';
    return changed ? Outcome::changed : Outcome::kept;
  }

  Outcome value(const std::string& name, std::string_view text) {
    if (passed_.passes(format_, name)) return Outcome::kept;
    const Row* row = row_of_member(format_, name);
    const Verdict verdict = row == nullptr ? V::looped : row->verdict;
    if (row != nullptr && verdict == V::drop) return Outcome::dropped;
    if (row == nullptr && is_listed(format_, name)) return Outcome::kept;
    if (row != nullptr && verdict == V::choice) return choice(text);
    if (row != nullptr && verdict == V::address)
      return is_stored(format_, unquoted(text)) ? refuse(name) : Outcome::kept;
    if (row != nullptr && verdict == V::choices) return choices(name, text);
    if (row != nullptr && verdict == V::words)
      return has_only(text, row->only) ? Outcome::kept : refuse(name);
    if (const std::string_view what = elements_of(verdict); row != nullptr && !what.empty())
      return list(what, name, text);
    if (row != nullptr && verdict == V::take &&
        (row->only.empty() || one_of(unquoted(text), row->only)))
      return Outcome::kept;
    const bool inside = has_rows_inside(format_, name) || passed_.passes_inside(format_, name);
    if (row == nullptr && inside && text.front() == '{') {
      const Outcome outcome = object(name + ".", text, nullptr);
      return outcome;
    }
    // Gemini's {"googleSearch": {}} is a tool all the same.
    const bool is_tool = format_ == WireFormat::gemini && begins(name, "tool:") &&
                         name.find('.') == name.npos && text != "null";
    return means_nothing(text) && !is_tool ? Outcome::dropped : refuse(name);
  }

  // Nothing is taken out of what stands in a list inside of a tool or part.
  Outcome list(std::string_view what, const std::string& name, std::string_view text) {
    if (text.front() == '"' && what == "part:") return Outcome::kept;
    const bool one = text.front() == '{';
    if (!one && text.front() != '[') return means_nothing(text) ? Outcome::dropped : refuse(name);
    for (const std::string_view element : one ? std::vector{text} : element_texts(text)) {
      const Outcome outcome = typed(what, element);
      if (outcome == Outcome::refused) return outcome;
      if (outcome != Outcome::kept) return refuse(name);
    }
    return Outcome::kept;
  }

  // A tool may be chosen whose type may be passed on; the tools themselves are looked at as such.
  Outcome choice(std::string_view text) {
    if (text.front() != '{') return Outcome::kept;
    const std::string_view type = unquoted(member_text(text, "type"));
    if (!is_plain_type(type)) return odd("type", type);
    const std::string tool = joined({"tool:", type});
    if (passed_.passes(format_, tool)) return Outcome::kept;
    const Row* row = row_of(format_, tool);
    const bool taken =
        has_rows_inside(format_, tool) || (row != nullptr && row->verdict == V::take);
    if (!type.empty() && !taken && !passed_.passes_inside(format_, tool) &&
        !one_of(type, "auto|none|required|any|function|tool|allowed_tools"))
      return refuse(tool);
    return object("tool_choice.", text, nullptr);
  }

  Outcome choices(const std::string& name, std::string_view text) {
    if (text.front() != '[') return means_nothing(text) ? Outcome::dropped : refuse(name);
    for (const std::string_view element : element_texts(text)) {
      const Outcome outcome = choice(element);
      if (outcome == Outcome::refused) return outcome;
      if (outcome != Outcome::kept) return refuse(name);
    }
    return Outcome::kept;
  }

  WireFormat format_;
  const PassThrough& passed_;
  std::string path_;
};

/// The type of a part that has a neutral form, as its format writes it.
std::string_view type_word(WireFormat format, PartKind kind) {
  if (format == WireFormat::gemini) {
    return kind == PartKind::image         ? "inlineData"
           : kind == PartKind::tool_call   ? "functionCall"
           : kind == PartKind::tool_result ? "functionResponse"
                                           : "text";
  }
  const bool responses = format == WireFormat::openai_responses;
  const bool chat = format == WireFormat::openai_chat;
  switch (kind) {
    case PartKind::image:
      return responses ? "input_image" : chat ? "image_url" : "image";
    case PartKind::tool_call:
      return responses ? "function_call" : chat ? "tool_call" : "tool_use";
    case PartKind::tool_result:
      return responses ? "function_call_output" : "tool_result";
    case PartKind::reasoning:
      return "reasoning";
    case PartKind::refusal:
      return "refusal";
    default:
      return "text";
  }
}

/// The member that says where a picture lies.
std::string_view address_member(WireFormat format) {
  switch (format) {
    case WireFormat::openai_responses:
      return "part:input_image.image_url";
    case WireFormat::anthropic:
      return "part:image.source.url";
    case WireFormat::gemini:
      return "part:fileData.fileUri";
    default:
      return "part:image_url.url";
  }
}

// A call, or a result, of a freeform tool says it itself.
std::string_view type_word(const ChatPart& part) {
  const std::string_view own = unquoted(member_text(part.extra, "type"));
  const bool may_say = part.format == WireFormat::openai_responses &&
                       (part.kind == PartKind::tool_call || part.kind == PartKind::tool_result);
  return may_say && !own.empty() ? own : type_word(part.format, part.kind);
}

// A text of /v1/responses is the client's or the model's.
std::string_view text_word(WireFormat format, Role role) {
  if (format != WireFormat::openai_responses) return "text";
  return role == Role::assistant ? "output_text" : "input_text";
}

// What the history of a tool's calls is made of, where its type has another name than the tool's.
struct History {
  std::string_view tool;
  std::string_view part;
};
constexpr History histories[] = {
    {"web_search_preview", "web_search_call"},
    {"computer_use_preview", "computer_call"},
    {"computer_use_preview", "computer_call_output"},
    {"mcp", "mcp_list_tools"},
    {"mcp", "mcp_approval_request"},
    {"mcp", "mcp_approval_response"},
    {"mcp_toolset", "mcp_tool_use"},
    {"mcp_toolset", "mcp_tool_result"},
    {"codeExecution", "executableCode"},
    {"codeExecution", "codeExecutionResult"},
    {"code_execution", "bash_code_execution_tool_result"},
    {"code_execution", "text_editor_code_execution_tool_result"},
    {"tool_search_tool_bm25", "tool_search_tool_result"},
    {"tool_search_tool_regex", "tool_search_tool_result"},
};
// What a part's type has behind the tool's name otherwise.
constexpr std::string_view history_endings[] = {"_call", "_call_output", "_output", "_tool_result"};

/// Does the entry open the tool, or a version of it? `entry` and `tool` are types.
bool opens_tool(std::string_view entry, bool any_rest, std::string_view tool) {
  if (!any_rest) return without_version(entry) == tool;
  if (begins(tool, entry)) return true;
  if (!begins(entry, tool)) return false;
  const std::string_view rest = entry.substr(tool.size());  // "_*", "_2025*"
  return rest.front() == '_' && are_digits(rest.substr(1));
}

/// Is the part of the history of calls of a tool that the entry opens? "tool:web_search" brings
/// "part:web_search_call", and no type that has the word somewhere else.
bool brings(std::string_view entry, bool any_rest, std::string_view part) {
  if (!begins(entry, "tool:") || !begins(part, "part:")) return false;
  entry.remove_prefix(5);
  part.remove_prefix(5);
  if (part == "server_tool_use") return true;  // of any tool of Anthropic's own
  for (const History& history : histories) {
    if (history.part == part && opens_tool(entry, any_rest, history.tool)) return true;
  }
  for (const std::string_view ending : history_endings) {
    if (ends(part, ending) &&
        opens_tool(entry, any_rest, part.substr(0, part.size() - ending.size())))
      return true;
  }
  return false;
}

/// A thought or a compacted history of /v1/responses that is only named: its words lie at the
/// provider, or nowhere.
bool is_named_only(const ChatPart& part) {
  if (part.format != WireFormat::openai_responses) return false;
  if (part.kind == PartKind::reasoning)
    return part.signature.empty() && part.signed_by == WireFormat::none;
  if (part.kind != PartKind::opaque ||
      !one_of(unquoted(member_text(part.extra, "type")), "reasoning|compaction|compaction_summary"))
    return false;
  const std::string_view sealed = member_text(part.extra, "encrypted_content");
  return sealed.empty() || means_nothing(sealed);
}

void hold_parts(std::vector<ChatPart>& parts, Role role, std::string_view path, Sieve& sieve) {
  for (std::size_t i = 0; i < parts.size();) {
    ChatPart& part = parts[i];
    bool keep = sieve.keeps_stored() || !is_named_only(part);
    if (keep && part.kind == PartKind::opaque) {
      keep = sieve.whole("part:", part.extra, path);
    } else if (keep) {
      const std::string_view type =
          part.kind == PartKind::text ? text_word(part.format, role) : type_word(part);
      sieve.members(joined({"part:", type, "."}), part.extra, path);
      if (part.kind == PartKind::image) sieve.address(address_member(part.format), part.url, path);
      hold_parts(part.content, role, path, sieve);
    }
    if (keep) ++i;
    if (!keep) parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void hold_tools(std::vector<ToolDefinition>& tools, WireFormat format, Sieve& sieve) {
  const std::string_view own = format == WireFormat::anthropic ? "tool:custom." : "tool:function.";
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const std::string path = joined({"tools[", i, "]"});
    if (tools[i].opaque) {
      (void)sieve.whole("tool:", tools[i].extra, path);
    } else {
      sieve.members(own, tools[i].extra, path);
    }
  }
}

}  // namespace

Result<PassThrough> PassThrough::parse(std::span<const std::string> entries) {
  PassThrough passed;
  for (const std::string& entry : entries) {
    const std::size_t colon = entry.find(':');
    const std::string_view word = std::string_view(entry).substr(0, std::min(colon, entry.size()));
    Entry read{.format = WireFormat::none, .name = {}};
    for (const auto& [name, format] : format_words) {
      if (name == word) read.format = format;
    }
    if (colon != std::string::npos) read.name = entry.substr(colon + 1);
    if (!read.name.empty() && read.name.back() == '*') {
      read.any_rest = true;
      read.name.pop_back();
    }
    const bool plain = std::all_of(read.name.begin(), read.name.end(), [](char c) {
      return is_ascii_alnum(c) || std::string_view("_-.:").find(c) != std::string_view::npos;
    });
    if (read.format == WireFormat::none || !plain || (read.name.empty() && !read.any_rest)) {
      return make_error(
          "bad_config",
          {"models.pass_through: \"", entry, "\" is no FORMAT:NAME, as openai:service_tier, ",
           "openai-responses:tool:web_search or anthropic:tool:web_search_*"},
          {"models.pass_through"},
          {"FORMAT:NAME, where FORMAT is openai, openai-responses, anthropic or gemini"}, {entry});
    }
    passed.entries_.push_back(std::move(read));
  }
  return passed;
}

bool PassThrough::passes(WireFormat format, std::string_view name) const {
  const auto passes_name = [name](const Entry& entry) {
    if (!begins(name, entry.name)) return brings(entry.name, entry.any_rest, name);
    return entry.any_rest || name.size() == entry.name.size() || name[entry.name.size()] == '.';
  };
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.format == format && passes_name(entry);
  });
}

bool PassThrough::passes_inside(WireFormat format, std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.format == format && entry.name.size() > name.size() &&
           entry.name[name.size()] == '.' && begins(entry.name, name);
  });
}

bool PassThrough::passes_sound(WireFormat format) const {
  return passes(format,
                format == WireFormat::gemini ? "part:inlineData.mimeType" : "part:input_audio");
}

Result<void> hold_to_allowed(ChatRequest& request, const PassThrough& passed) {
  if (rows_of(request.format).empty()) return {};
  Sieve sieve(request.format, passed);
  sieve.members("", request.extra, "");
  for (ChatMessage& message : request.messages) {
    const std::string_view path = request.format == WireFormat::openai_responses ? "input"
                                  : request.format == WireFormat::gemini         ? "contents"
                                                                                 : "messages";
    sieve.members("message.", message.extra, path);
    hold_parts(message.parts, message.role, path, sieve);
  }
  hold_tools(request.tools, request.format, sieve);
  if (sieve.refusal) return std::move(*sieve.refusal);
  // A message of nothing but what was left out.
  const auto is_empty = [](const ChatMessage& message) {
    return message.parts.empty() && message.role == Role::tool;
  };
  request.messages.erase(std::remove_if(request.messages.begin(), request.messages.end(), is_empty),
                         request.messages.end());
  std::erase_if(request.betas, [&](const std::string& beta) {
    return !is_free_beta(beta) && !passed.passes(request.format, joined({"beta:", beta}));
  });
  const bool anthropic = request.format == WireFormat::anthropic;
  if (!passed.passes(request.format, anthropic ? "metadata" : "user")) request.user.clear();
  if (!passed.passes(request.format, "metadata")) request.metadata.clear();
  return {};
}

Result<void> hold_to_allowed(EmbeddingRequest& request, const PassThrough& passed) {
  Sieve sieve(WireFormat::openai_chat, passed);
  sieve.members("embeddings.", request.extra, "");
  if (sieve.refusal) return std::move(*sieve.refusal);
  return {};
}

ToolFee tool_fee(std::string_view type) {
  const std::string_view undated = without_version(type);
  if (undated == "web_search" || undated == "web_search_preview" || type == "googleSearch" ||
      type == "googleSearchRetrieval")
    return ToolFee::web_search;
  if (undated == "file_search") return ToolFee::file_search;
  if (type.empty()) return ToolFee::none;  // a function, or the client's own
  const std::string name = joined({"tool:", type});
  const bool known =
      std::any_of(std::begin(format_words), std::end(format_words), [&](const auto& format) {
        return row_of(format.second, name) || has_rows_inside(format.second, name);
      });
  return known && is_plain(type) ? ToolFee::none : ToolFee::unknown;
}

bool bounded_by_bytes(WireFormat format, std::string_view name) {
  const Row* row = row_of(format, name);
  if (row == nullptr) return has_rows_inside(format, name) && !begins(name, "part:");
  return row->verdict == V::take || row->verdict == V::drop || row->verdict == V::priced ||
         row->verdict == V::choice || row->verdict == V::words || row->verdict == V::choices ||
         !elements_of(row->verdict).empty();
}

}  // namespace redoubt::llm
