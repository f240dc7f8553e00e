#include "engine/llm/dialect.hpp"

namespace redoubt::llm {
namespace {

constexpr std::uint32_t common = takes_stream_options | takes_tool_choice | takes_tool_name |
                                 takes_json_object | takes_penalties | takes_seed;
constexpr std::uint32_t openai_all =
    common | takes_developer_role | takes_max_completion | takes_strict_tools | takes_json_schema |
    takes_parallel | takes_user | takes_metadata | takes_effort | takes_store | takes_custom_tools;

// Sources: each provider's public API reference, and recorded traffic (2025-2026).
constexpr Dialect table[] = {
    {.name = "openai",
     .base_url = "https://api.openai.com/v1",
     .takes = openai_all | takes_files | takes_sound | takes_answers,
     .stops_on_disconnect = true},
    {.name = "openai-responses",
     .format = WireFormat::openai_responses,
     .base_url = "https://api.openai.com/v1",
     .takes = openai_all | takes_files,
     .stops_on_disconnect = true},
    {.name = "anthropic",
     .format = WireFormat::anthropic,
     .base_url = "https://api.anthropic.com/v1",
     .auth = AuthKind::x_api_key,
     .takes = takes_strict_tools | takes_json_schema | takes_top_k | takes_files,
     .stops_on_disconnect = true},
    {.name = "gemini",
     .format = WireFormat::gemini,
     .base_url = "https://generativelanguage.googleapis.com/v1beta",
     .auth = AuthKind::x_goog_api_key,
     .takes = takes_json_schema | takes_top_k | takes_seed | takes_penalties | takes_files |
              takes_answers},
    {.name = "huggingface",
     .base_url = "https://router.huggingface.co/v1",
     .takes = common | takes_json_schema | takes_effort,
     .key_probe = ""},
    {.name = "groq",
     .base_url = "https://api.groq.com/openai/v1",
     .takes = (common & ~takes_penalties) | takes_max_completion | takes_json_schema |
              takes_parallel | takes_user | takes_effort},
    {.name = "mistral",
     .base_url = "https://api.mistral.ai/v1",
     .takes = (common & ~takes_stream_options) | takes_json_schema | takes_parallel | takes_effort |
              takes_nine_ids | takes_own_order | takes_answers,
     .word_required = "any",
     .word_seed = "random_seed",
     .reasoning_back = ReasoningBack::thinking},
    {.name = "deepseek",
     .base_url = "https://api.deepseek.com",
     .takes = (common & ~(takes_seed | takes_penalties)) | takes_thinking_switch,
     .reasoning_back = ReasoningBack::content,
     .stops_on_disconnect = true},
    {.name = "openrouter",
     .base_url = "https://openrouter.ai/api/v1",
     .takes = common | takes_json_schema | takes_parallel | takes_top_k | takes_user |
              takes_effort_object | takes_files | takes_sound | takes_video | takes_plugins,
     .reasoning_back = ReasoningBack::details,
     .key_probe = "key",
     .tells_cost = true},
    {.name = "xai",
     .base_url = "https://api.x.ai/v1",
     .takes = (common & ~takes_penalties) | takes_max_completion | takes_json_schema |
              takes_parallel | takes_user | takes_effort | takes_answers,
     .stops_on_disconnect = true},
    {.name = "cohere",
     .base_url = "https://api.cohere.ai/compatibility/v1",
     .takes = (common & ~takes_tool_name) | takes_json_schema | takes_effort,
     .key_probe = "",
     .stops_on_disconnect = true},
    {.name = "azure",
     .base_url = "",
     .auth = AuthKind::api_key,
     .takes = openai_all | takes_sound | takes_answers,
     .key_probe = "",
     .stops_on_disconnect = true},
    {.name = "ollama",
     .base_url = "http://127.0.0.1:11434/v1",
     .auth = AuthKind::none,
     .takes = (common & ~(takes_tool_choice | takes_tool_name)) | takes_json_schema | takes_effort,
     .key_probe = "",
     .stops_on_disconnect = true},
    {.name = "vllm",
     .base_url = "http://127.0.0.1:8000/v1",
     .takes = common | takes_json_schema | takes_parallel | takes_top_k | takes_user |
              takes_effort | takes_sound | takes_video | takes_answers,
     .stops_on_disconnect = true},
    {.name = "nim",
     .base_url = "https://integrate.api.nvidia.com/v1",
     .takes = common,
     .key_probe = ""},
};

// The first that fits. A name that no row knows is newer than the table, and thinks as the newest
// of its family do.
using Style = ReasoningStyle;
constexpr Family families[] = {
    {"anthropic", "claude-2", Style::none, true},
    {"anthropic", "claude-3-7", Style::budget, true},
    {"anthropic", "claude-3", Style::none, true},
    {"anthropic", "claude-opus-4-7", Style::adaptive, false},
    {"anthropic", "claude-opus-4-8", Style::adaptive, false},
    {"anthropic", "claude-opus-4-6", Style::budget_or_adaptive, true},
    {"anthropic", "claude-sonnet-4-6", Style::budget_or_adaptive, true},
    {"anthropic", "claude-opus-4", Style::budget, true},
    {"anthropic", "claude-sonnet-4", Style::budget, true},
    {"anthropic", "claude-haiku-4", Style::budget, true},
    {"anthropic", "claude-", Style::adaptive_always, false},
    {"gemini", "gemini-1", Style::none, true},
    {"gemini", "gemini-2.0", Style::none, true},
    {"gemini", "gemini-2.5-pro", Style::budget_always, true},
    {"gemini", "gemini-2", Style::budget, true},
    {"gemini", "gemini-", Style::effort, true},
    {"openai", "gpt-3", Style::none, true},
    {"openai", "gpt-4", Style::none, true},
    {"openai", "gpt-oss", Style::effort, true},
    {"openai", "gpt-", Style::effort, false},
    {"openai", "o1", Style::effort, false},
    {"openai", "o3", Style::effort, false},
    {"openai", "o4", Style::effort, false},
};

}  // namespace

const Family* find_family(std::string_view dialect, std::string_view model) {
  if (dialect == "openai-responses" || dialect == "azure") dialect = "openai";
  for (const Family& family : families) {
    if (family.dialect == dialect &&
        model.substr(0, family.begins_with.size()) == family.begins_with)
      return &family;
  }
  return nullptr;
}

std::span<const Dialect> dialects() {
  return table;
}

const Dialect* find_dialect(std::string_view name) {
  for (const Dialect& dialect : table) {
    if (dialect.name == name) return &dialect;
  }
  return nullptr;
}

}  // namespace redoubt::llm
