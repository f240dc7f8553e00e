#include "engine/base/variables.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "engine/base/ascii.hpp"
#include "engine/base/message.hpp"

namespace redoubt {
namespace {

constexpr std::size_t shown_bytes_max = 60;

constexpr std::array<std::string_view, 15> secret_words{
    "key",        "keys",       "apikey",      "token",         "secret",
    "secrets",    "password",   "passwd",      "pass",          "pwd",
    "passphrase", "credential", "credentials", "authorization", "pat"};

bool letter(char c) {
  return is_ascii_letter(c) || c == '_';
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t name_end(std::string_view text, std::size_t at) {
  if (at >= text.size() || !letter(text[at])) return at;
  while (at < text.size() && (letter(text[at]) || digit(text[at])))
    ++at;
  return at;
}

/// ${NAME} or ${NAME:-default}.
struct Reference {
  std::string_view name;
  std::optional<std::string_view> fallback;
  bool quoted = false;
  std::size_t end = 0;
};

Error bad_reference(std::string_view text, std::size_t at) {
  const std::string_view from = text.substr(at, shown_bytes_max);
  const std::string_view shown = from.substr(0, std::min(from.find('}'), from.size() - 1) + 1);
  return make_error("bad_variable",
                    {shown,
                     " is no variable: write ${NAME} or ${NAME:-default}, without braces in "
                     "the default, and $${ for the text ${"},
                    {}, {}, {shown});
}

// REQUIRES: text has "${" at `at`
Result<Reference> reference_at(std::string_view text, std::size_t at) {
  Reference found;
  const std::size_t stop = name_end(text, at + 2);
  found.name = text.substr(at + 2, stop - at - 2);
  std::size_t close = stop;
  if (text.substr(stop).starts_with(":-")) {
    close = std::min(text.find_first_of("{}", stop), text.size());
    std::string_view fallback = text.substr(stop + 2, close - stop - 2);
    const bool quoted = fallback.size() >= 2 && fallback.front() == fallback.back() &&
                        (fallback.front() == '"' || fallback.front() == '\'');
    if (quoted) fallback = fallback.substr(1, fallback.size() - 2);
    found.quoted = quoted;
    found.fallback = fallback;
  }
  if (found.name.empty() || close >= text.size() || text[close] != '}')
    return bad_reference(text, at);
  found.end = close + 1;
  return found;
}

using Append = std::function<Result<void>(const Reference&, Expansion&)>;

Result<Expansion> walk(std::string_view text, const Append& append) {
  Expansion out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t dollar = std::min(text.find('$', at), text.size());
    out.text.append(text.substr(at, dollar - at));
    const std::string_view rest = text.substr(dollar);
    at = dollar;
    if (rest.starts_with("$${")) {
      out.text += "${";
      at += 3;
    } else if (rest.starts_with("${") && !rest.starts_with("${{")) {
      const auto reference = reference_at(text, dollar);
      if (!reference) return reference.error();
      out.names.emplace_back(reference->name);
      if (const auto done = append(*reference, out); !done) return done.error();
      out.whole = dollar == 0 && reference->end == text.size();
      at = reference->end;
    } else if (!rest.empty()) {
      out.text.push_back('$');
      ++at;
    }
  }
  return out;
}

}  // namespace

bool has_variables(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

Result<Expansion> expand_variables(std::string_view text, const Variables& variables) {
  return walk(text, [&](const Reference& reference, Expansion& out) -> Result<void> {
    const std::string shown = joined({"${", reference.name});
    if (variables.allowed && std::find(variables.allowed->begin(), variables.allowed->end(),
                                       reference.name) == variables.allowed->end())
      return make_error("bad_variable",
                        {"the variable ", reference.name,
                         " is not for this file: ", variables.allowed_by, " names those that are"},
                        {}, {}, {shown});
    const auto found = variables.values.find(reference.name);
    const bool set = found != variables.values.end();
    if (!set && !reference.fallback)
      return make_error("unset_variable",
                        {"the variable ", reference.name, " is not set: set it, or write ${",
                         reference.name, ":-default}; $${ is the text ${"},
                        {}, {}, {shown});
    const bool taken = reference.fallback && (!set || found->second.empty());
    out.text.append(taken ? *reference.fallback : std::string_view(found->second));
    out.quoted = taken && reference.quoted;
    return {};
  });
}

Result<Expansion> variables_in(std::string_view text) {
  return walk(text, [](const Reference&, Expansion&) -> Result<void> { return {}; });
}

bool names_secret(std::string_view name) {
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("_-"), name.size());
    std::string word(name.substr(0, end));
    for (char& c : word)
      c = ascii_lower(c);
    if (std::find(secret_words.begin(), secret_words.end(), word) != secret_words.end())
      return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

}  // namespace redoubt
