#include "engine/llm/allowed_members.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/ascii.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/allowed_rows.hpp"
#include "engine/llm/embeddings.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

// Of an object that is looked at member by member; the largest of a known request has 30.
constexpr std::size_t members_max = 512;
// Of a client's own name, in an error.
constexpr std::size_t shown_bytes_max = 64;

using Row = AllowedRow;
using V = Verdict;

// What is stored at a provider and has an address all the same: whoever has the operator's key
// reads it, whoever laid it there.
constexpr std::string_view stored_at[] = {"gs://", "generativelanguage.googleapis.com"};

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
                                           "task-budgets",
                                           "mid-conversation-tool-changes",
                                           "inline-tools"};

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
  for (const Row& row : allowed_rows(format)) {
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
  for (const Row& row : allowed_rows(format)) {
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
      if (row->name == "part:item_reference")
        return " names what is stored at the provider (a client with `store: false` sends the item "
               "itself)";
      [[fallthrough]];
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
    for (const Row& row : allowed_rows(format_)) {
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
  if (allowed_rows(request.format).empty()) return {};
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
