#include "engine/llm/fit_rules.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view web_images = "jpeg|png|gif|webp";

constexpr FitRules openai(std::string_view dialect, std::string_view model, std::size_t stops) {
  return {.dialect = dialect,
          .model = model,
          .tools_max = 128,
          .stops_max = stops,
          .image_types = web_images,
          .is_formats_own = true};
}

constexpr FitRules anthropic(std::string_view model, bool takes_prefill) {
  return {.dialect = "anthropic",
          .model = model,
          .tool_name_max = 128,
          .call_id_max = 64,
          .user_max = 256,
          .temperature_max = 1,
          .image_types = web_images,
          .blank_text = false,
          .starts_with_any = false,
          .ends_with_any = takes_prefill,
          .is_formats_own = true};
}

constexpr FitRules gemini(std::string_view model, bool penalties, std::int64_t budget_min) {
  return {.dialect = "gemini",
          .model = model,
          .tool_name_max = 128,
          .tool_name_also = ".:",
          .tool_name_letter = true,
          .call_id_max = 64,
          .stops_max = 5,
          .seed_min = INT32_MIN,
          .seed_max = INT32_MAX,
          .budget_min = budget_min,
          .budget_max = 24'576,
          .image_types = "jpeg|png|webp|heic|heif",
          .penalties = penalties,
          .starts_with_any = false,
          .is_formats_own = true};
}

// A model's rows stand before its dialect's. Budgets of thinking:
// https://ai.google.dev/gemini-api/docs/thinking
constexpr FitRules rules[] = {
    openai("openai", "o3", 0),
    openai("openai", "o4", 0),
    openai("openai", "", 4),
    openai("azure", "", 4),
    {.dialect = "openai-responses",
     .tool_name_max = 128,
     .call_id_max = 64,
     .output_tokens_min = 16,
     .image_types = web_images,
     .is_formats_own = true},
    anthropic("claude-opus-4-6", false),
    anthropic("claude-sonnet-4-6", false),
    anthropic("", true),
    gemini("gemini-2.5-pro", false, 128),
    gemini("gemini-2.5", false, 512),
    gemini("", true, 0),
    {.dialect = "mistral",
     .tools_max = 128,
     .temperature_max = 1.5,
     .seed_min = 0,
     .drops = "logit_bias|logprobs|top_logprobs|service_tier|verbosity|modalities|"
              "prompt_cache_retention|prompt_cache_options",
     .names = false,
     .empty_assistant = false},
    {.dialect = "groq",
     .tools_max = 128,
     .stops_max = 4,
     .drops = "logit_bias|logprobs|top_logprobs|metadata|n",
     .schema_alone = true},
    {.dialect = "deepseek", .user_max = 512},
    {.dialect = "xai", .stops_max = 0},
    {.dialect = "huggingface", .stops_max = 4, .drops = "n"},
    {.dialect = "openrouter", .stops_max = 4},
    {.dialect = "ollama",
     .efforts = "none|low|medium|high|max",
     .drops = "logit_bias|logprobs|top_logprobs|n",
     .image_urls = false},
    {.dialect = "cohere",
     .stops_max = 5,
     .penalty_min = 0,
     .penalty_max = 1,
     .top_p_min = 0.01,
     .top_p_max = 0.99},
    {.dialect = ""},
};

}  // namespace

const FitRules& fit_rules(std::string_view dialect, std::string_view model) {
  const FitRules* rule = rules;
  while (!rule->dialect.empty() &&
         (rule->dialect != dialect || model.substr(0, rule->model.size()) != rule->model))
    ++rule;
  return *rule;
}

bool takes_system_inside(ReasoningStyle reasoning, std::string_view model) {
  const auto is_of = [&](std::string_view family) {
    return model.substr(0, family.size()) == family;
  };
  if (reasoning == ReasoningStyle::budget || reasoning == ReasoningStyle::budget_or_adaptive)
    return false;
  if (is_of("claude-2") || is_of("claude-3") || is_of("claude-opus-4-7")) return false;
  return !is_of("claude-sonnet-5") || is_of("claude-sonnet-5-5");
}

bool is_in_list(std::string_view word, std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = list.find('|');
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(end == list.npos ? list.size() : end + 1);
  }
  return false;
}

}  // namespace redoubt::llm
