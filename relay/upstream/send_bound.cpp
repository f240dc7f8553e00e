#include "relay/upstream/send_bound.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>

#include "engine/llm/allowed_members.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/media.hpp"

namespace redoubt::upstream {
namespace {

using llm::WireFormat;

// A character that is written as \uXXXX: the most that any character of a token bound counts.
constexpr std::int64_t escaped_char_tokens = 33;
// What a provider writes into the prompt for a tool of its own that the client runs (Anthropic's
// text editor: 700).
constexpr std::int64_t known_tool_tokens = 2'048;
// An image at its original size (gpt-5.4: 10,000 patches, 1.62 tokens each with mini) counts twice.
constexpr std::int64_t original_images = 2;

// Parts that may stand in parts, and tools in tools: a picture in a result. What lies deeper is no
// form that a provider documents.
constexpr int nesting_max = 4;

// Members that have the provider search.
constexpr std::string_view search_members[] = {"search_parameters", "plugins"};

std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"') return value.substr(1, value.size() - 2);
  return value;
}

bool is_one(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

/// A JSON number as a count: 0 where it is absent, null or below, else rounded up. What is no
/// number may be one to its provider ("8000", [8000]), so that it counts as the most.
std::int64_t count_of(std::string_view value) {
  if (value.empty() || value == "null") return 0;
  double count = 0;
  const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (end != value.data() + value.size()) return limits::tokens_max;
  if (fault == std::errc::result_out_of_range) return limits::tokens_max;
  const double most = static_cast<double>(limits::tokens_max);
  return static_cast<std::int64_t>(std::clamp(std::ceil(count), 0.0, most));
}

/// Calls `use` with the text of each number or plain text that is the member of that quoted key, at
/// whatever depth. One pass: within a text quotes are escaped, so that what is found is a member.
template <class Use>
void each_member(std::string_view json, std::string_view quoted_key, Use use) {
  constexpr std::string_view space = " \t\r\n";
  for (std::size_t at = json.find(quoted_key); at != json.npos; at = json.find(quoted_key, at)) {
    at = json.find_first_not_of(space, at + quoted_key.size());
    if (at == json.npos) return;
    if (json[at] != ':') continue;
    at = json.find_first_not_of(space, at + 1);
    if (at == json.npos) return;
    const std::size_t end =
        json[at] == '"' ? json.find('"', at + 1) + 1 : json.find_first_of(",]} \t\r\n", at);
    use(json.substr(at, end - at));
  }
}

class BodyReader {
 public:
  explicit BodyReader(WireFormat format) : format_(format) {}

  SendBound bound;

  void request(std::string_view body) {
    for (const llm::MemberText& member : llm::member_texts(body))
      request_member(member.key, member.value);
  }

 private:
  void request_member(std::string_view key, std::string_view value) {
    if (is_one(key, {"max_tokens", "max_completion_tokens", "max_output_tokens"})) {
      bound.output_tokens = std::max(bound.output_tokens, count_of(value));
    } else if (is_one(key, {"n", "best_of"})) {
      bound.answers = std::max(bound.answers, count_of(value));
    } else if (key == "generationConfig") {
      gemini_config(value);
    } else if (is_one(key, {"messages", "contents", "input"})) {
      messages(value);
    } else if (is_one(key, {"system", "instructions"})) {
      ++bound.prompt.messages;
      parts(value);
    } else if (key == "systemInstruction") {
      message(value);
    } else if (key == "tools") {
      tools(value);
    } else if (key == "plugins" && value == llm::native_documents) {
      text(value);  // the model itself reads: nothing is paid apart
    } else if (key == "max_tool_calls" && format_ == WireFormat::openai_responses) {
      if (const std::int64_t most = count_of(value); most > 0) bound.tool_uses.all_max = most;
    } else {
      if (key == "reasoning") beside(count_of(llm::member_text(value, "max_tokens")));
      // Within max_tokens, says Anthropic, whose encoder sees to it.
      if (key == "thinking") {
        const std::int64_t budget = count_of(llm::member_text(value, "budget_tokens"));
        bound.output_tokens = std::max(bound.output_tokens, budget);
      }
      thinking(key, value);
      text(value);
      if (is_written(key) || llm::bounded_by_bytes(format_, key)) return;
      bound.refers_outside = true;
      if (key == "container" && value != "null") bound.asks_container = true;
      search_member(key, value);
      tools_within(value);
    }
  }

  void search_member(std::string_view key, std::string_view value) {
    if (value == "null") return;
    // A search model searches once before it answers
    // (https://platform.openai.com/docs/guides/tools-web-search).
    if (key == "web_search_options") ++bound.tool_uses.web_searches;
    for (const std::string_view one : search_members)
      if (key == one) bound.tool_uses.others += uses_assumed;
  }

  /// In what the relay does not know: whatever looks like a tool that is paid by the use.
  void tools_within(std::string_view value) {
    std::int64_t uses = uses_assumed;
    each_member(value, R"("max_uses")",
                [&](std::string_view number) { uses = std::max(uses, count_of(number)); });
    each_member(value, R"("type")", [&](std::string_view type) {
      const llm::ToolFee fee = llm::tool_fee(unquoted(type));
      if (fee != llm::ToolFee::unknown) add_uses(uses, fee);
      note_container(unquoted(type));
    });
  }

  /// Gemini's code execution is paid by its tokens.
  void note_container(std::string_view tool) {
    if (tool.starts_with("code_interpreter") || tool.starts_with("code_execution"))
      bound.asks_container = true;
  }

  std::int64_t uses_of(std::string_view tool) const {
    const std::int64_t said =
        format_ == WireFormat::anthropic ? count_of(llm::member_text(tool, "max_uses")) : 0;
    return said > 0 ? said : uses_assumed;
  }

  void add_uses(std::int64_t uses, llm::ToolFee fee) {
    uses = std::min(uses, llm::tool_uses_max);
    if (fee == llm::ToolFee::web_search) bound.tool_uses.web_searches += uses;
    if (fee == llm::ToolFee::file_search) bound.tool_uses.file_searches += uses;
    if (fee == llm::ToolFee::unknown) bound.tool_uses.others += uses;
  }

  // By the encoders themselves, without a word of the client's in it that is no text.
  bool is_written(std::string_view key) const {
    return is_one(key, {"model",
                        "stream",
                        "stream_options",
                        "temperature",
                        "top_p",
                        "top_k",
                        "frequency_penalty",
                        "presence_penalty",
                        "seed",
                        "random_seed",
                        "stop",
                        "stop_sequences",
                        "tool_choice",
                        "parallel_tool_calls",
                        "response_format",
                        "text",
                        "reasoning",
                        "reasoning_effort",
                        "thinking",
                        "output_config",
                        "store",
                        "include",
                        "user",
                        "metadata",
                        "toolConfig"});
  }

  // Only a member that says no more than "off" does: what stands beside it may say otherwise.
  void thinking(std::string_view key, std::string_view value) {
    if (key == "reasoning_effort") {
      think(value == R"("none")");
    } else if (key == "reasoning") {
      think(is_only(value, "effort", R"("none")"));
    } else if (key == "thinking") {
      think(is_only(value, "type", R"("disabled")"));
    } else if (key == "chat_template_kwargs" || key.find("think") != key.npos ||
               key.find("reason") != key.npos) {
      think(false);
    }
  }

  void think(bool off) { (off ? bound.thinking_off : bound.thinking_asked) = true; }

  static bool is_only(std::string_view object, std::string_view key, std::string_view value) {
    return llm::member_texts(object).size() == 1 && llm::member_text(object, key) == value;
  }

  void beside(std::int64_t tokens) {
    bound.thinking_tokens = std::max(bound.thinking_tokens, tokens);
  }

  void gemini_config(std::string_view config) {
    for (const llm::MemberText& member : llm::member_texts(config)) {
      if (member.key == "maxOutputTokens") {
        bound.output_tokens = std::max(bound.output_tokens, count_of(member.value));
      } else if (member.key == "candidateCount") {
        bound.answers = std::max(bound.answers, count_of(member.value));
      } else if (member.key == "thinkingConfig") {
        think(is_only(member.value, "thinkingBudget", "0"));
        beside(count_of(llm::member_text(member.value, "thinkingBudget")));
      } else {
        text(member.value);
        // What the configuration turns on that the relay does not know.
        const std::string name = "generationConfig." + std::string(member.key);
        if (!is_config_written(member.key) && !llm::bounded_by_bytes(format_, name))
          bound.refers_outside = true;
      }
    }
  }

  static bool is_config_written(std::string_view key) {
    return is_one(key, {"temperature", "topP", "topK", "seed", "frequencyPenalty",
                        "presencePenalty", "stopSequences"});
  }

  void text(std::string_view value) {
    bound.prompt.add_text(value);
    for (std::size_t at = value.find("\\u"); at != value.npos; at = value.find("\\u", at + 2))
      bound.prompt.text_tokens += escaped_char_tokens;
  }

  void messages(std::string_view list) {
    if (list.front() == '"') {
      ++bound.prompt.messages;
      return text(list);
    }
    for (const std::string_view each : llm::element_texts(list))
      message(each);
  }

  void message(std::string_view object) {
    ++bound.prompt.messages;
    const std::string_view type = unquoted(llm::member_text(object, "type"));
    if (!type.empty() && type != "message") return part(object, type);
    for (const llm::MemberText& member : llm::member_texts(object)) {
      if (member.key == "content" || member.key == "parts") {
        parts(member.value);
        continue;
      }
      text(member.value);
      if (is_one(member.key, {"role", "name", "type", "tool_calls", "tool_call_id", "refusal",
                              "reasoning_content", "reasoning_details"}))
        continue;
      if (llm::bounded_by_bytes(format_, "message." + std::string(member.key))) continue;
      bound.refers_outside = true;
      tools_within(member.value);
    }
  }

  void parts(std::string_view value) {
    if (value.empty() || value.front() != '[') return text(value);
    each_within(value, [this](std::string_view each) {
      if (format_ == WireFormat::gemini) {
        gemini_part(each);
      } else {
        part(each, unquoted(llm::member_text(each, "type")));
      }
    });
  }

  /// Calls `use` with the elements of a list that may hold others of its kind.
  template <class Use>
  void each_within(std::string_view list, Use use) {
    if (nesting_ == nesting_max) {
      text(list);
      bound.refers_outside = true;
      return;
    }
    ++nesting_;
    for (const std::string_view each : llm::element_texts(list))
      use(each);
    --nesting_;
  }

  void tools(std::string_view list) {
    each_within(list, [this](std::string_view each) { tool(each); });
  }

  void gemini_part(std::string_view object) {
    const std::string_view media = llm::member_text(object, "inlineData");
    if (begins(unquoted(llm::member_text(media, "mimeType")), "image/")) {
      ++bound.prompt.images;
    } else if (!media.empty() || !llm::member_text(object, "fileData").empty()) {
      bound.refers_outside = true;
    } else {
      gemini_result_or_text(object);
    }
  }

  // Pictures may lie in a result, too.
  void gemini_result_or_text(std::string_view object) {
    const std::string_view result = llm::member_text(object, "functionResponse");
    if (result.empty()) return text(object);
    each_within(llm::member_text(result, "parts"),
                [this](std::string_view each) { gemini_part(each); });
    text_but(result, "parts");
  }

  // `where`: a data: URL, or an address.
  void image(std::string_view where, std::string_view detail) {
    bound.prompt.images += unquoted(detail) == "original" ? original_images : 1;
    if (!begins(unquoted(where), "data:image/")) bound.refers_outside = true;
  }

  // The members of an object but the one that was counted.
  void text_but(std::string_view object, std::string_view counted) {
    for (const llm::MemberText& member : llm::member_texts(object)) {
      if (member.key != counted) text(member.value);
    }
  }

  void part(std::string_view object, std::string_view type) {
    if (type == "image_url") {
      const std::string_view url = llm::member_text(object, "image_url");
      if (!url.empty() && url.front() == '"') return image(url, {});
      image(llm::member_text(url, "url"), llm::member_text(url, "detail"));
      text_but(url, "url");
    } else if (type == "input_image") {
      image(llm::member_text(object, "image_url"), llm::member_text(object, "detail"));
      text_but(object, "image_url");
    } else if (type == "image") {
      anthropic_image(object);
    } else if (type == "document") {
      document(object);
    } else if (is_one(type, {"tool_result", "search_result"})) {
      parts(llm::member_text(object, "content"));
      text_but(object, "content");
    } else if (is_one(type, {"function_call_output", "custom_tool_call_output"})) {
      parts(llm::member_text(object, "output"));
      text_but(object, "output");
    } else if (is_one(type, {"additional_tools", "tool_search_output"})) {
      tools(llm::member_text(object, "tools"));
    } else if (is_one(type, {"tool_addition", "tool_removal"})) {
      tool_change(object);
    } else {
      plain_part(object, type);
    }
  }

  // By reference to one of the request's tools, which counts where it stands, or whole.
  void tool_change(std::string_view object) {
    text(object);
    const std::string_view one = llm::member_text(object, "tool");
    std::vector<std::string_view> all = llm::element_texts(llm::member_text(object, "tools"));
    if (!one.empty()) all.push_back(one);
    for (const std::string_view each : all) {
      const std::string_view definition = llm::member_text(each, "definition");
      if (unquoted(llm::member_text(each, "type")) == "tool_reference") continue;
      tool(definition.empty() ? each : definition);
    }
  }

  void plain_part(std::string_view object, std::string_view type) {
    text(object);
    if (is_one(type, {"text", "input_text", "output_text", "refusal", "thinking",
                      "redacted_thinking", "tool_use", "function_call", "summary_text"}))
      return;
    const std::string_view sealed = llm::member_text(object, "encrypted_content");
    const bool named_only = format_ == WireFormat::openai_responses &&
                            is_one(type, {"reasoning", "compaction", "compaction_summary"}) &&
                            (sealed.empty() || sealed == "null");
    if (!named_only && llm::bounded_by_bytes(format_, "part:" + std::string(type))) return;
    bound.refers_outside = true;
    tools_within(object);
  }

  void anthropic_image(std::string_view object) {
    const std::string_view source = llm::member_text(object, "source");
    const bool inside = unquoted(llm::member_text(source, "type")) == "base64" &&
                        begins(unquoted(llm::member_text(source, "media_type")), "image/");
    ++bound.prompt.images;
    if (!inside) bound.refers_outside = true;
    text_but(object, "source");
  }

  void document(std::string_view object) {
    const std::string_view source = llm::member_text(object, "source");
    const std::string_view type = unquoted(llm::member_text(source, "type"));
    if (type == "text") {
      text(source);
    } else if (type == "content") {
      parts(llm::member_text(source, "content"));
    } else {
      bound.refers_outside = true;
    }
    text_but(object, "source");
  }

  void tool(std::string_view object) {
    const std::string_view declared = llm::member_text(object, "functionDeclarations");
    if (!declared.empty()) return tools(declared);
    if (format_ == WireFormat::gemini && llm::member_text(object, "name").empty())
      return gemini_own_tool(object);
    ++bound.prompt.tools;
    text(object);
    const std::string_view type = unquoted(llm::member_text(object, "type"));
    if (type == "namespace") {
      tools(llm::member_text(object, "tools"));
    } else if (!type.empty() && !is_one(type, {"function", "custom"})) {
      bound.prompt.text_tokens += known_tool_tokens;
      const bool known = is_one(type, {"tool_search", "shell"}) ||
                         llm::bounded_by_bytes(format_, "tool:" + std::string(type));
      if (!known) bound.refers_outside = true;
      own_tool(object, type);
    }
    if (client_runs(object, type)) return;
    bound.refers_outside = true;
    if (type == "shell") bound.asks_container = true;
  }

  // {"googleSearch": {}}: the provider runs it, and what it finds is read.
  void gemini_own_tool(std::string_view object) {
    ++bound.prompt.tools;
    text(object);
    bound.refers_outside = true;
    for (const llm::MemberText& member : llm::member_texts(object))
      own_tool(object, member.key);
  }

  void own_tool(std::string_view object, std::string_view type) {
    const llm::ToolFee fee = llm::tool_fee(type);
    note_container(type);
    if (fee != llm::ToolFee::none) add_uses(uses_of(object), fee);
    if (fee == llm::ToolFee::unknown) tools_within(object);
  }

  // Tools of one name that the client runs or the provider, as a member says.
  static bool client_runs(std::string_view object, std::string_view type) {
    if (type == "tool_search") return unquoted(llm::member_text(object, "execution")) == "client";
    if (type != "shell") return true;
    return unquoted(llm::member_text(llm::member_text(object, "environment"), "type")) == "local";
  }

  WireFormat format_;
  int nesting_ = 0;
};

/// A limit of the body, or the model's where it has none.
std::int64_t or_model(std::int64_t tokens, std::int64_t model_max) {
  return tokens > 0 ? tokens : model_max;
}

}  // namespace

SendBound send_bound(WireFormat format, std::string_view body) {
  BodyReader reader(format);
  reader.request(body);
  return reader.bound;
}

std::int64_t input_tokens_upper(const SendBound& bound, std::int64_t context_tokens,
                                std::int64_t image_tokens_each) {
  if (bound.refers_outside) return context_tokens;
  return std::min(limits::input_tokens_upper(bound.prompt, image_tokens_each), context_tokens);
}

std::int64_t output_tokens_upper(const SendBound& bound, std::int64_t model_output_max) {
  const std::int64_t each = std::min(
      or_model(bound.output_tokens, model_output_max) + bound.thinking_tokens, limits::tokens_max);
  return std::min(each * std::clamp<std::int64_t>(bound.answers, 1, limits::tokens_max),
                  limits::tokens_max);
}

llm::ToolUses tool_uses_upper(const SendBound& bound) {
  const std::int64_t answers = std::clamp<std::int64_t>(bound.answers, 1, llm::tool_uses_max);
  llm::ToolUses uses = bound.tool_uses;
  for (std::int64_t* count : {&uses.web_searches, &uses.file_searches, &uses.others})
    *count = std::min(*count, llm::tool_uses_max) * answers;
  if (uses.all_max) uses.all_max = std::min(*uses.all_max, llm::tool_uses_max) * answers;
  return uses;
}

bool tells_tool_uses(WireFormat format) {
  return format != WireFormat::openai_chat;
}

bool may_think(WireFormat format, const SendBound& bound, const llm::ModelCard* card) {
  using llm::Thinking;
  if (card == nullptr || !card->tells_thinking) return true;
  // Some are told to think, or do not.
  const bool off = (bound.thinking_off || card->effort_default == "none") && !bound.thinking_asked;
  switch (card->thinking) {
    case Thinking::none:
      return bound.thinking_asked;
    case Thinking::effort:
    case Thinking::level:
    case Thinking::toggle:
    case Thinking::adaptive:
      return !off;
    case Thinking::budget:
      // Gemini's think by default.
      return format == WireFormat::anthropic ? bound.thinking_asked : !off;
    case Thinking::adaptive_off:
    case Thinking::budget_or_adaptive:
      return bound.thinking_asked;
    case Thinking::always:
    case Thinking::budget_always:
    case Thinking::adaptive_always:
      break;
  }
  return true;
}

}  // namespace redoubt::upstream
