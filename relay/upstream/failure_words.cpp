#include "relay/upstream/failure_words.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ascii.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/failure.hpp"
#include "relay/observe/log.hpp"

namespace redoubt::data {
extern const std::string_view known_words;
}

namespace redoubt::upstream {
namespace {

using llm::FailureClass;

constexpr std::size_t secret_run_bytes = 16;  // letters and digits mixed: a key, an id, a hash
constexpr std::size_t letters_run_bytes = 30;
constexpr std::size_t number_bytes = 9;  // an account's; a count of tokens is shorter
constexpr std::size_t uuid_bytes = 36;
constexpr std::size_t own_id_bytes_max = 64;
// Of letters and digits mixed in a name: "4o", "utf8"; one of them in a name.
constexpr std::size_t mixed_piece_bytes_max = 4;
constexpr int mixed_pieces_max = 1;
// Of a model with the date of its version; an account's number in groups has more.
constexpr std::int64_t name_digits_max = 11;
constexpr std::string_view between_words = " \t\r\n,;=|\"'`(){}<>";

// Anywhere in a text, in lower case.
constexpr std::string_view phrases[] = {
    "authorization",
    "authorisation",
    "api-key",
    "api_key",
    "apikey",
    "api key",
    "bearer",
    "x-goog",
    "secret",
    "password",
    "passwd",
    "credential",
    "cookie",
    "://",
    "www.",
    "localhost",
    "traceback",
    "stack trace",
    "stacktrace",
    "exception",
    "goroutine",
    "panic",
    "segmentation fault",
    "file \"",
    "organization",
    "organisation",
    "project",
    "account",
    "billing",
    "subscription",
    "tenant",
    "deployment",
    "0x",
};

// Before the last characters of a key; but a conversation must end with a user's message, too.
constexpr std::string_view end_phrases[] = {"end with", "ends with", "ending in", "ending with"};

// Of a name with dots, the last label: a host's, or a file's. Members of requests (`function.name`,
// `tool_call.id`) end otherwise.
constexpr std::string_view last_labels[] = {
    "com", "net",  "org",  "io",      "ai",  "dev",   "app",    "cloud",  "co",  "gov",
    "edu", "mil",  "int",  "eu",      "uk",  "de",    "fr",     "us",     "cn",  "jp",
    "ru",  "arpa", "test", "example", "py",  "go",    "js",     "mjs",    "ts",  "rs",
    "cpp", "cc",   "java", "rb",      "php", "so",    "dll",    "exe",    "cfg", "conf",
    "env", "ini",  "log",  "pem",     "crt", "key",   "db",     "sqlite", "sh",  "lua",
    "cs",  "kt",   "toml", "yaml",    "yml", "scala", "socket", "sock"};
constexpr std::string_view inner_labels[] = {
    "internal", "local", "localdomain", "lan",     "corp", "intranet", "home",
    "svc",      "prod",  "production",  "staging", "priv", "private",  "cluster"};

// Before '-' or '_' and something like an id.
constexpr std::string_view id_prefixes[] = {"user", "acct", "acc", "team", "ws",  "wrkspc", "sa",
                                            "key",  "cust", "req", "gen",  "dep", "vm",     "pod",
                                            "node", "host", "svc", "ip",   "i"};
constexpr std::string_view owner_prefixes[] = {"org", "proj", "sk", "pk", "rk"};
// Ids that the client itself sent or was given.
constexpr std::string_view own_prefixes[] = {"call_", "toolu_", "msg_", "fc_", "rs_", "resp_"};
// Whole addresses: what follows a host could be anything.
constexpr std::string_view documentation[] = {
    "https://json-schema.org/draft/2020-12",
    "https://json-schema.org",
    "https://docs.claude.com/en/docs/tool-use",
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
    "https://docs.claude.com/en/docs/build-with-claude/prompt-caching",
    "https://docs.claude.com/en/docs/build-with-claude/vision",
    "https://docs.claude.com/en/api/errors",
    "https://docs.anthropic.com/en/docs/tool-use",
    "https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking",
    "https://developers.generativeai.google/guide/troubleshooting",
    "https://ai.google.dev/gemini-api/docs/thought-signatures",
    "https://ai.google.dev/gemini-api/docs/function-calling",
    "https://ai.google.dev/gemini-api/docs/structured-output",
    "https://platform.openai.com/docs/guides/structured-outputs",
    "https://platform.openai.com/docs/guides/function-calling",
    "https://platform.openai.com/docs/guides/reasoning",
    "https://platform.openai.com/docs/guides/vision",
    "https://platform.openai.com/docs/api-reference/chat",
    "https://platform.openai.com/docs/models",
    "https://console.groq.com/docs/vision",
    "https://console.groq.com/docs/tool-use",
    "https://console.groq.com/docs/reasoning",
    "https://console.groq.com/docs/structured-outputs",
    "https://docs.x.ai/docs",
    "https://api-docs.deepseek.com",
    "https://openrouter.ai/docs",
};
constexpr std::string_view media_types[] = {"image", "audio", "video", "text", "application"};

template <std::size_t N>
bool is_one_of(const std::string_view (&list)[N], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return is_ascii_letter(c);
}
bool is_word(char c) {
  return is_digit(c) || is_letter(c);
}
bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_digit);
}
bool all_letters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_letter);
}

std::string lower_of(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = ascii_lower(c);
  return out;
}

/// Controls, marks that nobody sees or that turn the order of writing, markup.
bool has_odd_characters(std::string_view text) {
  // What the log would escape or replace is nothing for a client either.
  std::string escaped;
  std::string plain;
  for (const char c : text)
    plain += c == '\n' || c == '\r' || c == '\t' || c == '"' ? ' ' : c;
  observe::append_json_text(escaped, plain);
  if (escaped != plain) return true;  // '\\' among them: paths of Windows, escapes
  constexpr std::string_view unseen[] = {"\xC2\xAD",     "\xE2\x80\x8B", "\xE2\x80\x8C",
                                         "\xE2\x80\x8D", "\xE2\x81\xA0", "\xEF\xBB\xBF",
                                         "\xE2\x80\xA6", "\xE2\x80\xA2"};
  for (const std::string_view mark : unseen)
    if (text.find(mark) != text.npos) return true;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '<' && (is_letter(text[i + 1]) || text[i + 1] == '/' || text[i + 1] == '!'))
      return true;
  }
  return text.find('@') != text.npos || text.find('~') != text.npos;
}

bool has_phrase(std::string_view lower) {
  for (const std::string_view phrase : phrases)
    if (lower.find(phrase) != lower.npos) return true;
  return false;
}

/// The end of something hidden, as far as a digit tells it from words.
bool tells_end(std::string_view lower) {
  for (const std::string_view end : end_phrases) {
    for (std::size_t at = lower.find(end); at != lower.npos; at = lower.find(end, at + 1)) {
      const std::string_view rest = lower.substr(at);
      if (has_digit(rest.substr(0, rest.find('.')))) return true;
    }
  }
  return false;
}

/// A port, or a line of a stack ("   at f (x:1)", "line 7, in f").
bool has_line_or_port(std::string_view lower) {
  for (std::size_t at = lower.find('\n'); at != lower.npos; at = lower.find('\n', at + 1)) {
    const std::size_t word = lower.find_first_not_of(" \t\r\n", at);
    if (word != lower.npos && lower.substr(word).starts_with("at ")) return true;
  }
  for (const std::string_view before : {std::string_view("port "), std::string_view("line ")}) {
    for (std::size_t at = lower.find(before); at != lower.npos; at = lower.find(before, at + 1)) {
      const std::size_t next = at + before.size();
      const bool begins = at == 0 || !is_word(lower[at - 1]);
      if (begins && next < lower.size() && is_digit(lower[next])) return true;
    }
  }
  return false;
}

/// Part of something hidden: "sk-a***z", "abcd...wxyz", "XXXXXXXX".
bool is_masked(std::string_view word) {
  if (word.find("**") != word.npos || lower_of(word).find("xxxx") != std::string::npos) return true;
  const std::size_t dots = word.find("...");
  return dots != word.npos && dots > 0 && dots + 3 < word.size();
}

/// "user/assistant/user/assistant/..."
bool are_roles(std::string_view word) {
  constexpr std::string_view roles[] = {"user", "assistant", "system", "tool", "model", "...", ""};
  while (!word.empty()) {
    const std::size_t slash = std::min(word.find('/'), word.size());
    if (!is_one_of(roles, word.substr(0, slash))) return false;
    word.remove_prefix(std::min(slash + 1, word.size()));
  }
  return true;
}

bool is_path(std::string_view word) {
  const auto slashes = std::count(word.begin(), word.end(), '/');
  if (slashes == 0 || (is_letter(word.front()) && are_roles(word))) return false;
  if (slashes > 1 || word.starts_with('/') || word.starts_with('.')) return word.size() > 1;
  const std::size_t slash = word.find('/');
  const std::string left = lower_of(word.substr(0, slash));
  const std::string_view right = word.substr(slash + 1);
  // Gemini names models so; the name itself is another's to judge.
  if (is_one_of(media_types, left) || left == "models") return false;
  return !all_letters(left) || !all_letters(right);  // "and/or", "user/assistant"
}

/// The client's own: an id that it sent, or was given before.
bool is_own_id(std::string_view word) {
  for (const std::string_view prefix : own_prefixes) {
    if (!word.starts_with(prefix)) continue;
    const std::string_view rest = word.substr(prefix.size());
    return rest.size() <= own_id_bytes_max && std::all_of(rest.begin(), rest.end(), is_word);
  }
  return false;
}

/// A run of letters and digits that is no word: a key, a hash, the number of an account.
bool is_secret_run(std::string_view run) {
  const bool digits = has_digit(run);
  const bool letters = std::any_of(run.begin(), run.end(), is_letter);
  if (digits && letters) return run.size() >= secret_run_bytes;
  return run.size() >= (digits ? number_bytes : letters_run_bytes);
}

bool has_secret_run(std::string_view word) {
  for (std::size_t at = 0; at < word.size();) {
    std::size_t end = at;
    while (end < word.size() && is_word(word[end]))
      ++end;
    if (is_secret_run(word.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

bool is_uuid(std::string_view word) {
  if (word.size() < uuid_bytes) return false;
  for (std::size_t from = 0; from + uuid_bytes <= word.size(); ++from) {
    bool fits = true;
    for (std::size_t i = 0; i < uuid_bytes && fits; ++i) {
      const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
      fits = hyphen ? word[from + i] == '-' : is_word(word[from + i]);
    }
    if (fits) return true;
  }
  return false;
}

/// "org-...", "proj_...", "user-7f3".
bool is_foreign_id(std::string_view word) {
  const std::size_t mark = word.find_first_of("-_");
  if (mark == word.npos || mark + 1 >= word.size()) return false;
  const std::string before = lower_of(word.substr(0, mark));
  if (is_one_of(owner_prefixes, before)) return true;
  return is_one_of(id_prefixes, before) && has_digit(word.substr(mark + 1));
}

std::vector<std::string_view> labels_of(std::string_view word) {
  std::vector<std::string_view> labels;
  while (true) {
    const std::size_t dot = word.find('.');
    labels.push_back(word.substr(0, dot));
    if (dot == word.npos) return labels;
    word.remove_prefix(dot + 1);
  }
}

/// A host's name or address, or a file's name. Members ("messages.0.content", "tools[1].name") and
/// versions ("gemini-2.5-flash") are none.
bool is_host(std::string_view word) {
  if (std::count(word.begin(), word.end(), ':') >= 2) return true;  // IPv6, "f.py:12:3"
  const std::size_t colon = word.find(':');
  if (colon != word.npos && colon + 1 < word.size() && is_digit(word[colon + 1])) return true;
  const std::vector<std::string_view> labels = labels_of(word.substr(0, colon));
  const std::string last = lower_of(labels.back());
  if (labels.size() == 1) return false;
  if (is_one_of(last_labels, last)) return true;
  constexpr std::size_t address_numbers = 4;
  const bool numbers = std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
  });
  if (numbers) return labels.size() >= address_numbers;
  bool names = false;
  for (std::size_t i = 0; i + 1 < labels.size(); ++i) {
    const bool version = !labels[i].empty() && is_digit(labels[i].back()) &&
                         !labels[i + 1].empty() && is_digit(labels[i + 1].front());
    names = names || !version;
  }
  if (names && word.find('-') != word.npos) return true;
  return std::any_of(labels.begin(), labels.end(), [](std::string_view label) {
    return is_one_of(inner_labels, lower_of(label));
  });
}

bool is_harmless_word(std::string_view word) {
  if (is_own_id(word)) return true;
  return !is_masked(word) && !is_path(word) && !has_secret_run(word) && !is_uuid(word) &&
         !is_foreign_id(word) && !is_host(word);
}

/// Without the marks around it: "'model'," is model.
std::string_view bare(std::string_view word) {
  constexpr std::string_view around = ".:!?*`'\"([{<>}])";
  while (!word.empty() && around.find(word.back()) != around.npos)
    word.remove_suffix(1);
  constexpr std::string_view before = ":!?*`'\"([{<>}])";
  while (!word.empty() && before.find(word.front()) != before.npos)
    word.remove_prefix(1);
  return word;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(between_words), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool is_listed(const std::string& word) {
  static const std::vector<std::string_view> listed = [] {
    std::vector<std::string_view> words = words_of(data::known_words);
    std::sort(words.begin(), words.end());
    return words;
  }();
  return std::binary_search(listed.begin(), listed.end(), std::string_view(word));
}

/// The parts of a name: "tool_calls", "messages[0].content", "additionalProperties",
/// "claude-haiku-4-5". Nothing where a character is in it that no such name has.
std::optional<std::vector<std::string>> pieces_of(std::string_view word) {
  constexpr std::string_view marks = "_-./[]+:$%&^*?!#";
  std::vector<std::string> pieces(1);
  char before = '_';
  for (const char c : word) {
    const bool capital = c >= 'A' && c <= 'Z';
    const bool new_piece = capital && before >= 'a' && before <= 'z';
    before = c;
    if (!is_word(c) && marks.find(c) == marks.npos) return std::nullopt;
    if (!is_word(c) || new_piece) pieces.emplace_back();
    if (is_word(c)) pieces.back() += capital ? static_cast<char>(c + 32) : c;
  }
  return pieces;
}

/// A word, or one with a number behind it: "base64".
bool is_listed_piece(const std::string& piece) {
  constexpr std::size_t number_behind_max = 2;
  if (piece.size() == 1 && is_letter(piece.front())) return true;
  const std::size_t letters = piece.find_last_not_of("0123456789") + 1;
  return piece.size() - letters <= number_behind_max && is_listed(piece.substr(0, letters));
}

bool is_known_word(std::string_view word, std::span<const std::string_view> own_names) {
  if (is_own_id(word) || std::find(own_names.begin(), own_names.end(), word) != own_names.end())
    return true;
  const auto pieces = pieces_of(word);
  if (!pieces || std::count_if(word.begin(), word.end(), is_digit) > name_digits_max) return false;
  int mixed = 0;
  for (const std::string& piece : *pieces) {
    if (piece.empty() || is_listed_piece(piece)) continue;
    if (!has_digit(piece)) return false;
    const bool number = std::all_of(piece.begin(), piece.end(), is_digit);
    if (number && piece.size() < number_bytes) continue;
    if (number || piece.size() > mixed_piece_bytes_max || ++mixed > mixed_pieces_max) return false;
  }
  return true;
}

/// Without the addresses of documentation that providers' texts name.
std::string without_documentation(std::string_view text) {
  std::string rest(text);
  for (const std::string_view address : documentation) {
    for (std::size_t at = rest.find(address); at != rest.npos; at = rest.find(address, at)) {
      const std::size_t next = at + address.size();
      const bool sentence_ends =
          next + 1 < rest.size() && rest[next] == '.' && rest[next + 1] == ' ';
      const bool is_whole = next == rest.size() || sentence_ends || rest.substr(next) == "." ||
                            std::string_view(" )\n").find(rest[next]) != std::string_view::npos;
      if (!is_whole) {
        at = next;
        continue;
      }
      rest.erase(at, address.size());
    }
  }
  return rest;
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  if (line.size() <= client_text_bytes_max) return line;
  line.resize(std::min(line.rfind(' ', client_text_bytes_max), client_text_bytes_max));
  return line + " ...";
}

bool is_code(std::string_view code) {
  return !code.empty() && code.size() <= client_code_bytes_max &&
         std::all_of(code.begin(), code.end(), [](char c) { return is_letter(c) || c == '_'; }) &&
         is_harmless(code);
}

bool is_param(std::string_view param) {
  constexpr std::string_view marks = "_-.[]";
  return param.size() <= client_param_bytes_max &&
         std::all_of(param.begin(), param.end(),
                     [&](char c) { return is_word(c) || marks.find(c) != marks.npos; }) &&
         is_harmless(param);
}

llm::ChatFailure in_our_words(FailureClass for_client, FailureClass was) {
  return llm::local_failure(for_client, std::string(llm::failure_words(was)));
}

/// Of a request that is at fault itself: what says where.
llm::ChatFailure with_provider_text(const llm::ChatFailure& failure,
                                    std::span<const std::string_view> secrets,
                                    std::span<const std::string_view> own_names) {
  llm::ChatFailure for_client = in_our_words(failure.failure_class, failure.failure_class);
  const bool over_context = llm::is_context_overflow(failure);
  if (over_context) {
    for_client.code = llm::context_overflow_code;
    for_client.status = llm::context_overflow_status;
  }
  // Together: a key may be spread over them.
  const std::string all = failure.message + " " + failure.code + " " + failure.param;
  if (shows_secret(all, secrets)) return for_client;
  const auto known = [&](std::string_view text) { return has_known_words_only(text, own_names); };
  if (is_param(failure.param) && known(failure.param)) for_client.param = failure.param;
  if (over_context) {
    for_client.message =
        llm::context_words(llm::WireFormat::anthropic, llm::context_numbers(failure.message));
    return for_client;
  }
  if (is_code(failure.code) && known(failure.code)) for_client.code = failure.code;
  if (!failure.message.empty() && known(failure.message) && is_harmless(failure.message))
    for_client.message = one_line(failure.message);
  return for_client;
}

}  // namespace

bool has_known_words_only(std::string_view text, std::span<const std::string_view> own_names) {
  const std::string plain = without_documentation(text);
  const std::vector<std::string_view> words = words_of(plain);
  return std::all_of(words.begin(), words.end(), [own_names](std::string_view word) {
    return is_known_word(bare(word), own_names);
  });
}

bool is_harmless(std::string_view text) {
  const std::string plain = without_documentation(text);
  const std::string lower = lower_of(plain);
  if (has_odd_characters(plain) || has_phrase(lower) || has_line_or_port(lower) || tells_end(lower))
    return false;
  const std::vector<std::string_view> words = words_of(plain);
  return std::all_of(words.begin(), words.end(),
                     [](std::string_view word) { return is_harmless_word(bare(word)); });
}

llm::ChatFailure failure_for_client(const llm::ChatFailure& failure,
                                    std::span<const std::string_view> secrets,
                                    std::span<const std::string_view> own_names) {
  llm::ChatFailure for_client;
  switch (failure.failure_class) {
    case FailureClass::unauthorized:
    case FailureClass::no_quota:
    case FailureClass::not_found:
      for_client = in_our_words(FailureClass::server_error, failure.failure_class);
      break;
    case FailureClass::bad_request:
    case FailureClass::too_large:
      for_client = with_provider_text(failure, secrets, own_names);
      break;
    case FailureClass::filtered:
      for_client = in_our_words(FailureClass::filtered, FailureClass::filtered);
      if (llm::is_policy_code(failure.code)) for_client.code = failure.code;
      break;
    default:
      for_client = in_our_words(failure.failure_class, failure.failure_class);
      break;
  }
  for_client.should_retry = failure.should_retry && llm::class_retries(failure.failure_class);
  for_client.retry_after_ms = failure.retry_after_ms;
  return for_client;
}

}  // namespace redoubt::upstream
