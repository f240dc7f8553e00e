#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base/ascii.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/prompt/filters.hpp"
#include "engine/prompt/operators.hpp"
#include "engine/prompt/text_search.hpp"
#include "engine/prompt/utf8.hpp"

namespace redoubt::prompt {
namespace {

constexpr std::string_view blanks = " \t\n\r\f\v";

char upper_of(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

char lower_of(char c) {
  return ascii_lower(c);
}

bool word_character(char c) {
  return (c >= '0' && c <= '9') || lower_of(c) != c || upper_of(c) != c || c == '\'' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The subject as text, its cost paid once for reading and once for writing.
bool subject_text(Call& call, std::string_view& out) {
  const Json& value = *call.subject;
  if (!value.is_string()) return call.wrong("a text", value);
  out = *value.get_ptr<const std::string*>();
  return call.run.charge_text(call.at, out.size()) && call.run.charge_text(call.at, out.size());
}

bool give(Call& call, std::string text) {
  if (!call.run.fits_text(call.at, text.size())) return false;
  call.out.set(std::move(text));
  return true;
}

std::string_view trimmed(std::string_view text, std::string_view characters) {
  const std::size_t from = text.find_first_not_of(characters);
  if (from == text.npos) return "";
  return text.substr(from, text.find_last_not_of(characters) + 1 - from);
}

bool upper(Call& call) {
  std::string_view text;
  if (!subject_text(call, text)) return false;
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper_of);
  return give(call, std::move(out));
}

bool lower(Call& call) {
  std::string_view text;
  if (!subject_text(call, text)) return false;
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_of);
  return give(call, std::move(out));
}

bool capitalize(Call& call) {
  if (!lower(call)) return false;
  std::string& text = *call.out.own().get_ptr<std::string*>();
  if (!text.empty()) text[0] = upper_of(text[0]);
  return true;
}

bool title(Call& call) {
  if (!lower(call)) return false;
  bool within = false;
  for (char& c : *call.out.own().get_ptr<std::string*>()) {
    const bool word = word_character(c);
    if (word && !within) c = upper_of(c);
    within = word;
  }
  return true;
}

bool trim(Call& call) {
  std::string_view text;
  std::string_view characters = blanks;
  if (!subject_text(call, text) || !text_argument(call, 0, characters)) return false;
  if (!call.run.charge(call.at, text.size() * std::min<std::size_t>(characters.size(), 256) / 256))
    return false;
  if (characters.size() > 256)
    return call.run.fail(call.at, "bad_operand", {"trim: more than 256 characters to trim"});
  return give(call, std::string(trimmed(text, characters)));
}

bool replace(Call& call) {
  std::string_view text;
  std::string_view from;
  std::string_view to;
  std::int64_t count = INT64_MAX;
  if (!subject_text(call, text) || !text_argument(call, 0, from) || !text_argument(call, 1, to) ||
      !integer_argument(call, 2, 0, INT64_MAX, count))
    return false;
  if (from.empty())
    return call.run.fail(call.at, "bad_operand", {"replace: the text to replace is empty"});
  if (!call.run.charge_text(call.at, from.size())) return false;
  const TextSearch search(from);
  std::string out;
  std::size_t at = 0;
  while (count-- > 0) {
    const std::size_t found = search.find(text, at);
    if (found == text.npos) break;
    out.append(text.substr(at, found - at)).append(to);
    at = found + from.size();
    if (!call.run.charge(call.at, 1 + to.size() / 32) || !call.run.fits_text(call.at, out.size()))
      return false;
  }
  return give(call, std::move(out.append(text.substr(at))));
}

bool split(Call& call) {
  std::string_view text;
  std::string_view by;
  if (!subject_text(call, text) || !text_argument(call, 0, by)) return false;
  if (by.empty())
    return call.run.fail(call.at, "bad_operand", {"split: the text to split at is empty"});
  if (!call.run.charge_text(call.at, by.size())) return false;
  const TextSearch search(by);
  Json parts = Json::array();
  for (std::size_t at = 0;;) {
    const std::size_t found = search.find(text, at);
    if (!call.run.charge(call.at, 1) || !call.run.fits_items(call.at, parts.size() + 1))
      return false;
    parts.push_back(text.substr(at, found == text.npos ? text.npos : found - at));
    if (found == text.npos) break;
    at = found + by.size();
  }
  call.out.set(std::move(parts));
  return true;
}

// Cut to so many code points, the ending included; at a space unless words may be killed.
bool truncate(Call& call) {
  std::string_view text;
  std::string_view ending = "...";
  std::int64_t length = 255;
  bool kill_words = false;
  if (!subject_text(call, text) || !integer_argument(call, 0, 0, INT32_MAX, length) ||
      !flag_argument(call, 1, kill_words) || !text_argument(call, 2, ending))
    return false;
  const auto bound = static_cast<std::size_t>(length);
  if (utf8_length(text) <= bound) return give(call, std::string(text));
  const std::size_t ending_length = utf8_length(ending);
  if (ending_length > bound)
    return call.run.fail(call.at, "bad_operand",
                         {"truncate: the length is less than the ending's"});
  std::string_view kept = utf8_part(text, 0, bound - ending_length);
  if (!kill_words && text[kept.size()] != ' ') {
    const std::size_t space = kept.rfind(' ');
    if (space != kept.npos) kept = kept.substr(0, space);
  }
  return give(call, std::string(kept).append(ending));
}

bool indent(Call& call) {
  std::string_view text;
  std::int64_t width = 4;
  bool first = false;
  bool blank_lines = false;
  if (!subject_text(call, text) || !integer_argument(call, 0, 0, 256, width) ||
      !flag_argument(call, 1, first) || !flag_argument(call, 2, blank_lines))
    return false;
  const std::string space(static_cast<std::size_t>(width), ' ');
  std::string out = first ? space : "";
  for (std::size_t at = 0; at < text.size(); ++at) {
    out.push_back(text[at]);
    if (text[at] != '\n') continue;
    const bool blank_line = at + 1 == text.size() || text[at + 1] == '\n';
    if (!blank_line || blank_lines) out += space;
    if (!call.run.charge_text(call.at, space.size()) || !call.run.fits_text(call.at, out.size()))
      return false;
  }
  return give(call, std::move(out));
}

bool string(Call& call) {
  std::string out;
  return call.run.print(call.at, *call.subject, out) && give(call, std::move(out));
}

struct Pretty {
  Evaluator& run;
  std::uint32_t at;
  std::size_t width;
  std::string out;

  bool line(std::size_t level) {
    out.push_back('\n');
    out.append(width * level, ' ');
    return run.charge(at, 1 + width * level / 32) && run.fits_text(at, out.size());
  }
  bool write(const Json& value, std::size_t level) {
    if (!value.is_structured() || value.empty()) {
      write_canonical(value, out);
      return true;
    }
    const bool dict = value.is_object();
    out.push_back(dict ? '{' : '[');
    for (auto item = value.begin(); item != value.end(); ++item) {
      if (item != value.begin()) out.push_back(',');
      if (!line(level + 1)) return false;
      if (dict) {
        write_canonical_text(item.key(), out);
        out += ": ";
      }
      if (!write(*item, level + 1)) return false;
    }
    if (!line(level)) return false;
    out.push_back(dict ? '}' : ']');
    return true;
  }
};

bool tojson(Call& call) {
  std::int64_t width = -1;
  // Its depth is checked here, for the writers recurse.
  if (!integer_argument(call, 0, 0, 16, width) || !call.run.charge_value(call.at, *call.subject))
    return false;
  if (width < 0) {
    std::string out;
    write_canonical(*call.subject, out);
    return call.run.charge_text(call.at, out.size()) && give(call, std::move(out));
  }
  Pretty pretty{call.run, call.at, static_cast<std::size_t>(width), {}};
  return pretty.write(*call.subject, 0) && call.run.charge_text(call.at, pretty.out.size()) &&
         give(call, std::move(pretty.out));
}

// The number that a text says, in JSON's grammar with an optional + and blanks around.
bool read_number(std::string_view text, Number& out) {
  constexpr std::size_t digits_max = 64;
  text = trimmed(text, blanks);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.size() > digits_max || text.front() == '+') return false;
  const Result<Json> value = parse_json(text);
  return value && number_of(*value, out);
}

// Numbers, true and false, and texts that say a number.
bool to_number(const Json& value, Number& out) {
  if (number_of(value, out)) return true;
  if (value.is_string()) return read_number(*value.get_ptr<const std::string*>(), out);
  if (!value.is_boolean()) return false;
  out.integer = *value.get_ptr<const bool*>() ? 1 : 0;
  out.real = static_cast<double>(out.integer);
  return true;
}

bool stand_in(Call& call, const char* expected) {
  if (!call.given(0)) return call.wrong(expected, *call.subject);
  call.out = std::move(call.arguments[0]);
  return true;
}

bool integer(Call& call) {
  constexpr double bound = 9223372036854774784.0;  // the largest double below 2^63
  Number number;
  const bool fits = to_number(*call.subject, number) &&
                    (number.whole || (number.real >= -bound && number.real <= bound));
  if (!fits) return stand_in(call, "a number, or a text that says one");
  call.out.set(number.whole ? number.integer : static_cast<std::int64_t>(number.real));
  return true;
}

bool real(Call& call) {
  Number number;
  if (!to_number(*call.subject, number)) return stand_in(call, "a number, or a text that says one");
  call.out.set(number.real);
  return true;
}

bool absolute(Call& call) {
  Number number;
  if (!number_of(*call.subject, number)) return call.wrong("a number", *call.subject);
  if (!number.whole) {
    call.out.set(std::fabs(number.real));
    return true;
  }
  if (number.integer >= 0) {
    call.out.set(number.integer);
    return true;
  }
  return arithmetic(call.run, call.at, '-', 0, *call.subject, call.out);
}

// Half away from zero. Powers of ten up to 10^15 are exact, so each step rounds once.
bool round(Call& call) {
  std::int64_t precision = 0;
  std::string_view method = "common";
  Number number;
  if (!integer_argument(call, 0, 0, 15, precision) || !text_argument(call, 1, method)) return false;
  if (!number_of(*call.subject, number)) return call.wrong("a number", *call.subject);
  if (method != "common" && method != "ceil" && method != "floor")
    return call.wrong("the method \"common\", \"ceil\" or \"floor\"", *call.arguments[1]);
  if (number.whole) {
    call.out.set(number.integer);
    return true;
  }
  double scale = 1;
  for (std::int64_t i = 0; i < precision; ++i)
    scale *= 10;
  const double scaled = number.real * scale;
  // Beyond 2^52 a double has no fraction left to round.
  if (!(std::fabs(scaled) < 4503599627370496.0)) {
    call.out.set(whole_if_even(number.real));
    return true;
  }
  double rounded = 0;
  if (method == "ceil") {
    rounded = std::ceil(scaled);
  } else if (method == "floor") {
    rounded = std::floor(scaled);
  } else {
    const double down = std::floor(std::fabs(scaled));
    rounded = std::fabs(scaled) - down >= 0.5 ? down + 1 : down;
    if (scaled < 0) rounded = -rounded;
  }
  call.out.set(whole_if_even(rounded / scale));
  return true;
}

constexpr std::array table{
    Filter{"abs", absolute, "", 0},
    Filter{"capitalize", capitalize, "", 0},
    Filter{"float", real, "default", 0},
    Filter{"indent", indent, "width,first,blank", 0},
    Filter{"int", integer, "default", 0},
    Filter{"lower", lower, "", 0},
    Filter{"replace", replace, "old,new,count", 2},
    Filter{"round", round, "precision,method", 0},
    Filter{"split", split, "separator", 1},
    Filter{"string", string, "", 0},
    Filter{"title", title, "", 0},
    Filter{"tojson", tojson, "indent", 0},
    Filter{"trim", trim, "chars", 0},
    Filter{"truncate", truncate, "length,killwords,end", 0},
    Filter{"upper", upper, "", 0},
};

}  // namespace

std::span<const Filter> text_filters() {
  return table;
}

}  // namespace redoubt::prompt
