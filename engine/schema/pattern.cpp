#include "engine/schema/pattern.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/schema/unicode_ranges.hpp"

namespace redoubt::schema {
namespace {

using Operation = Pattern::Operation;
using Instruction = Pattern::Instruction;
using Range = Pattern::Range;

constexpr char32_t last_code_point = 0x10ffff;
constexpr Range digit_ranges[] = {{'0', '9'}};
constexpr Range word_ranges[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
constexpr Range space_ranges[] = {
    {9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
constexpr Range line_end_ranges[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

// The code point at `at`, which moves past it; a byte that is not UTF-8 reads as U+FFFD.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
  if (more == 0 || text.size() - at < static_cast<std::size_t>(more)) return 0xfffd;
  char32_t point = lead & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xc0) != 0x80) return 0xfffd;
    point = point << 6 | (byte & 0x3f);
  }
  at += more;
  return point;
}

bool is_word(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 'a' && c <= 'z');
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Sorted and without overlap, turned inside out when `negated`.
void normalise(std::vector<Range>& set, bool negated) {
  std::sort(set.begin(), set.end(), [](const Range& a, const Range& b) {
    return a.low != b.low ? a.low < b.low : a.high < b.high;
  });
  std::vector<Range> merged;
  for (const Range& range : set) {
    if (!merged.empty() && range.low <= merged.back().high + 1) {
      merged.back().high = std::max(merged.back().high, range.high);
    } else {
      merged.push_back(range);
    }
  }
  set = std::move(merged);
  if (!negated) return;
  std::vector<Range> outside;
  char32_t from = 0;
  for (const Range& range : set) {
    if (range.low > from) outside.push_back({from, range.low - 1});
    from = range.high + 1;
  }
  if (from <= last_code_point) outside.push_back({from, last_code_point});
  set = std::move(outside);
}

// Reads the source and writes the program. Jumps are relative, so that a part of the program can be
// copied (for a count) or moved (for an alternative) as it is.
class Compiler {
 public:
  Compiler(std::string_view source, std::vector<Instruction>& program, std::vector<Range>& ranges)
      : source_(source), program_(program), ranges_(ranges) {}

  bool run() {
    alternatives(0);
    if (ok() && !done()) fail(at_, "a ')' closes no group");
    return ok();
  }
  const std::string& fault() const { return fault_; }
  std::size_t fault_at() const { return fault_at_; }

 private:
  bool ok() const { return fault_.empty(); }
  bool done() const { return at_ >= source_.size(); }
  char peek() const { return done() ? '\0' : source_[at_]; }
  bool take(std::string_view text) {
    if (source_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }
  void fail(std::size_t at, Pieces why) {
    if (!ok()) return;
    fault_ = joined(why);
    fault_at_ = at;
  }
  void fail(std::size_t at, const char* why) { fail(at, Pieces{Piece(why)}); }

  void emit(Instruction instruction) {
    if (program_.size() >= pattern_instructions_max) {
      fail(at_, {"the pattern needs more than ", pattern_instructions_max, " instructions"});
      return;
    }
    program_.push_back(instruction);
  }
  void emit_set(std::vector<Range> set, bool negated) {
    normalise(set, negated);
    if (ranges_.size() + set.size() > pattern_ranges_max) {
      fail(at_, {"the pattern's classes have more than ", pattern_ranges_max, " ranges"});
      return;
    }
    const auto first = static_cast<std::int32_t>(ranges_.size());
    ranges_.insert(ranges_.end(), set.begin(), set.end());
    emit({Operation::one_of, first, static_cast<std::int32_t>(ranges_.size())});
  }

  void alternatives(int depth) {
    std::vector<std::size_t> jumps;
    for (;;) {
      const std::size_t from = program_.size();
      while (ok() && !done() && peek() != '|' && peek() != ')')
        term(depth);
      if (!ok() || peek() != '|') break;
      ++at_;
      const auto length = static_cast<std::int32_t>(program_.size() - from);
      emit({Operation::jump, 0, 0});
      emit({Operation::split, 1, length + 2});
      if (!ok()) return;
      std::rotate(program_.begin() + from, program_.end() - 1, program_.end());
      jumps.push_back(program_.size() - 1);
    }
    for (const std::size_t jump : jumps)
      program_[jump].first = static_cast<std::int32_t>(program_.size() - jump);
  }

  void term(int depth) {
    const std::size_t from = program_.size();
    const std::size_t started_at = at_;
    if (assertion()) {
      if (quantifier_follows()) fail(at_, "there is nothing to repeat before the quantifier");
      return;
    }
    const char c = peek();
    if (c == '(') {
      group(depth);
    } else if (c == '[') {
      bracket();
    } else if (c == '.') {
      ++at_;
      emit_set({std::begin(line_end_ranges), std::end(line_end_ranges)}, true);
    } else if (c == '\\') {
      std::vector<Range> set;
      escape(set, false);
      if (ok()) emit_set(std::move(set), false);
    } else if (quantifier_follows()) {
      fail(started_at, "there is nothing to repeat before the quantifier");
    } else if (c == ']' || c == '}') {
      fail(started_at, "a closing bracket has no opening one; write a backslash before it");
    } else {
      const char32_t point = next_code_point(source_, at_);
      emit_set({{point, point}}, false);
    }
    if (ok()) quantifier(from);
  }

  bool assertion() {
    Operation operation;
    if (take("^")) {
      operation = Operation::start;
    } else if (take("$")) {
      operation = Operation::end;
    } else if (take("\\b")) {
      operation = Operation::word_edge;
    } else if (take("\\B")) {
      operation = Operation::no_word_edge;
    } else {
      return false;
    }
    emit({operation, 0, 0});
    return true;
  }

  void group(int depth) {
    const std::size_t open = at_++;
    if (depth >= pattern_depth_max) {
      fail(open, {"groups are nested deeper than ", pattern_depth_max, " levels"});
      return;
    }
    if (take("?=") || take("?!")) return fail(open, "lookahead is not supported");
    if (take("?<=") || take("?<!")) return fail(open, "lookbehind is not supported");
    if (take("?<")) {
      const std::size_t name = at_;
      while (is_word(static_cast<unsigned char>(peek())))
        ++at_;
      if (at_ == name || !take(">")) return fail(at_, "a group's name is not closed by '>'");
    } else if (peek() == '?' && !take("?:")) {
      return fail(open, "this kind of group is not known");
    }
    alternatives(depth + 1);
    if (ok() && !take(")")) fail(open, "a group is not closed");
  }

  bool quantifier_follows() const {
    const char c = peek();
    return c == '*' || c == '+' || c == '?' || c == '{';
  }

  int count() {
    const std::size_t from = at_;
    int value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = std::min(value * 10 + (peek() - '0'), pattern_repeat_max + 1);
      ++at_;
    }
    if (at_ == from) fail(from, "a '{' here must begin a count such as {2,5}");
    if (value > pattern_repeat_max)
      fail(from, {"a count is more than the allowed ", pattern_repeat_max});
    return value;
  }

  void quantifier(std::size_t from) {
    if (!quantifier_follows()) return;
    const std::size_t quantifier_at = at_;
    int low = 0;
    int high = -1;  // no upper bound
    const char kind = source_[at_++];
    if (kind == '+') low = 1;
    if (kind == '?') high = 1;
    if (kind == '{') {
      low = high = count();
      if (take(",")) high = peek() == '}' ? -1 : count();
      if (ok() && !take("}")) fail(at_, "a count is not closed by '}'");
      if (high >= 0 && high < low) fail(quantifier_at, "a count's bounds are the wrong way round");
    }
    (void)take("?");  // lazy or greedy finds the same texts
    if (quantifier_follows()) fail(at_, "there is nothing to repeat before the quantifier");
    if (ok()) repeat(from, low, high);
  }

  void repeat(std::size_t from, int low, int high) {
    const std::vector<Instruction> body(program_.begin() + from, program_.end());
    program_.resize(from);
    if (body.empty()) return;
    const auto length = static_cast<std::int32_t>(body.size());
    for (int i = 0; i < low && ok(); ++i)
      append(body);
    if (high < 0) {
      emit({Operation::split, 1, length + 2});
      append(body);
      emit({Operation::jump, -(length + 1), 0});
    }
    for (int i = low; i < high && ok(); ++i) {
      emit({Operation::split, 1, (length + 1) * (high - i)});
      append(body);
    }
  }
  void append(const std::vector<Instruction>& body) {
    for (const Instruction& instruction : body)
      emit(instruction);
  }

  void bracket() {
    const std::size_t open = at_++;
    const bool negated = take("^");
    std::vector<Range> set;
    while (ok() && !done() && peek() != ']') {
      const std::size_t item_at = at_;
      const std::size_t before = set.size();
      const bool single = class_item(set);
      if (!ok() || peek() != '-' || at_ + 1 >= source_.size() || source_[at_ + 1] == ']') continue;
      ++at_;
      std::vector<Range> upper;
      const bool upper_single = class_item(upper);
      if (!ok()) return;
      if (!single || !upper_single) return fail(item_at, "a class stands at the end of a range");
      if (set[before].low > upper[0].low) return fail(item_at, "a range is the wrong way round");
      set[before].high = upper[0].low;
    }
    if (ok() && !take("]")) fail(open, "a class is not closed by ']'");
    if (ok()) emit_set(std::move(set), negated);
  }

  // Whether it is a single code point.
  bool class_item(std::vector<Range>& set) {
    if (peek() == '\\') return escape(set, true);
    const char32_t point = next_code_point(source_, at_);
    set.push_back({point, point});
    return true;
  }

  char32_t hex(std::size_t digits) {
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0) {
        fail(at_, "an escape needs hexadecimal digits here");
        return 0;
      }
      value = value << 4 | static_cast<char32_t>(digit);
      ++at_;
    }
    return value;
  }

  char32_t unicode_escape() {
    if (take("{")) {
      char32_t value = 0;
      const std::size_t from = at_;
      while (hex_digit(peek()) >= 0 && value <= last_code_point)
        value = value << 4 | static_cast<char32_t>(hex_digit(source_[at_++]));
      if (at_ == from || value > last_code_point || !take("}"))
        fail(from, "\\u{...} must name a code point up to 10FFFF");
      return value;
    }
    const char32_t high = hex(4);
    if (high < 0xd800 || high > 0xdbff || !take("\\u")) return high;
    const char32_t low = hex(4);
    if (low < 0xdc00 || low > 0xdfff) fail(at_, "a surrogate has no other half");
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }

  template <std::size_t N>
  bool add_class(std::vector<Range>& set, const Range (&ranges)[N], bool negated) {
    std::vector<Range> members(ranges, ranges + N);
    normalise(members, negated);
    set.insert(set.end(), members.begin(), members.end());
    return false;
  }

  bool property(std::vector<Range>& set, bool negated) {
    const std::size_t from = at_;
    const std::size_t close = source_.find('}', at_);
    if (!take("{") || close == std::string_view::npos) {
      fail(from, "\\p must be followed by a property in braces");
      return false;
    }
    const std::string_view name = source_.substr(at_, close - at_);
    at_ = close + 1;
    const auto packed = unicode_ranges(name);
    if (packed.empty()) {
      fail(from, {"the Unicode property \"", name, "\" is not known; L and Nd are"});
      return false;
    }
    std::vector<Range> members;
    char32_t end = 0;
    for (std::size_t i = 0; i < packed.size();) {
      char32_t pair[2] = {0, 0};
      for (char32_t& value : pair) {
        int shift = 0;
        do {
          value |= static_cast<char32_t>(packed[i] & 127) << shift;
          shift += 7;
        } while ((packed[i++] & 128) != 0);
      }
      members.push_back({end + pair[0], end + pair[0] + pair[1] - 1});
      end += pair[0] + pair[1];
    }
    normalise(members, negated);
    set.insert(set.end(), members.begin(), members.end());
    return false;
  }

  // Adds what the escape stands for; whether that is a single code point.
  bool escape(std::vector<Range>& set, bool in_class) {
    const std::size_t from = at_++;
    if (done()) {
      fail(from, "a backslash ends the pattern");
      return false;
    }
    const char c = source_[at_++];
    switch (c) {
      case 'd':
        return add_class(set, digit_ranges, false);
      case 'D':
        return add_class(set, digit_ranges, true);
      case 'w':
        return add_class(set, word_ranges, false);
      case 'W':
        return add_class(set, word_ranges, true);
      case 's':
        return add_class(set, space_ranges, false);
      case 'S':
        return add_class(set, space_ranges, true);
      case 'p':
        return property(set, false);
      case 'P':
        return property(set, true);
      default: {
        const char32_t point = escaped_point(c, from, in_class);
        set.push_back({point, point});
        return true;
      }
    }
  }

  char32_t escaped_point(char c, std::size_t from, bool in_class) {
    switch (c) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'v':
        return '\v';
      case 'f':
        return '\f';
      case 'r':
        return '\r';
      case 'x':
        return hex(2);
      case 'u':
        return unicode_escape();
      case 'c':
        if (is_word(static_cast<unsigned char>(peek())) && peek() >= 'A' && peek() != '_')
          return static_cast<char32_t>(source_[at_++]) & 31;
        fail(from, "\\c must be followed by a letter");
        return 0;
      case '0':
        if (peek() >= '0' && peek() <= '9') fail(from, "octal escapes are not supported");
        return 0;
      default:
        break;
    }
    if (c == 'b' && in_class) return '\b';
    if (c > ' ' && c < 127 && (c == '_' || !is_word(static_cast<unsigned char>(c))))
      return static_cast<char32_t>(c);
    const bool refers_back = (c >= '1' && c <= '9') || c == 'k';
    fail(from, refers_back ? "back-references are not supported" : "this escape is not known");
    return 0;
  }

  std::string_view source_;
  std::vector<Instruction>& program_;
  std::vector<Range>& ranges_;
  std::size_t at_ = 0;
  std::string fault_;
  std::size_t fault_at_ = 0;
};

// What an assertion sees: the code points on both sides of a place.
struct Place {
  bool at_start;
  bool at_end;
  bool word_before;
  bool word_after;
};

bool holds(Operation operation, const Place& place) {
  switch (operation) {
    case Operation::start:
      return place.at_start;
    case Operation::end:
      return place.at_end;
    case Operation::word_edge:
      return place.word_before != place.word_after;
    default:
      return place.word_before == place.word_after;
  }
}

bool contains(const Range* first, const Range* last, char32_t point) {
  while (first != last) {
    const Range* middle = first + (last - first) / 2;
    if (point < middle->low) {
      last = middle;
    } else if (point > middle->high) {
      first = middle + 1;
    } else {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view source) {
  Pattern pattern;
  if (source.size() > pattern_bytes_max) {
    return make_error("bad_pattern",
                      {"The pattern has ", source.size(), " bytes, more than the allowed ",
                       pattern_bytes_max, "."},
                      {}, {"a shorter pattern"}, {});
  }
  Compiler compiler(source, pattern.program_, pattern.ranges_);
  if (!compiler.run()) {
    Error error = make_error("bad_pattern",
                             {"The regular expression is refused at byte ", compiler.fault_at() + 1,
                              ": ", compiler.fault(), "."},
                             {}, {"a regular expression of ECMA-262"}, {source});
    error.column = static_cast<int>(compiler.fault_at()) + 1;
    return error;
  }
  return pattern;
}

bool Pattern::found_in(std::string_view text) const {
  const std::size_t size = program_.size();
  std::vector<std::size_t> seen(size, 0);  // the step, from 1, in which a state was entered
  std::vector<std::size_t> open;           // states to enter in this step
  std::vector<std::size_t> waiting;        // states that wait for a code point
  bool word_before = false;
  std::size_t at = 0;
  for (std::size_t step = 1;; ++step) {
    const bool at_end = at >= text.size();
    std::size_t after = at;
    const char32_t point = at_end ? 0 : next_code_point(text, after);
    const Place place{at == 0, at_end, word_before, !at_end && is_word(point)};
    open.push_back(0);
    waiting.clear();
    while (!open.empty()) {
      const std::size_t state = open.back();
      open.pop_back();
      if (state >= size) return true;
      if (seen[state] == step) continue;
      seen[state] = step;
      const Instruction& instruction = program_[state];
      if (instruction.operation == Operation::one_of) {
        waiting.push_back(state);
      } else if (instruction.operation == Operation::split) {
        open.push_back(state + instruction.second);
        open.push_back(state + instruction.first);
      } else if (instruction.operation == Operation::jump) {
        open.push_back(state + instruction.first);
      } else if (holds(instruction.operation, place)) {
        open.push_back(state + 1);
      }
    }
    if (at_end) return false;
    for (const std::size_t state : waiting) {
      const Instruction& one_of = program_[state];
      if (contains(ranges_.data() + one_of.first, ranges_.data() + one_of.second, point))
        open.push_back(state + 1);
    }
    word_before = place.word_after;
    at = after;
  }
}

}  // namespace redoubt::schema
