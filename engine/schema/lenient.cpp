#include "engine/schema/lenient.hpp"

#include <optional>
#include <string>
#include <vector>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::schema {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_word(char c) {
  return is_ascii_alnum(c) || c == '_' || c == '$' || c == '-' || c == '+' || c == '.';
}

bool is_number(std::string_view word) {
  std::size_t at = !word.empty() && word[0] == '-' ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < word.size() && word[at] >= '0' && word[at] <= '9')
      ++at;
    return at - from;
  };
  const std::size_t begin = at;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && word[begin] == '0')) return false;
  if (at < word.size() && word[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < word.size() && (word[at] == 'e' || word[at] == 'E')) {
    ++at;
    if (at < word.size() && (word[at] == '+' || word[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == word.size();
}

// Rewrites what begins at one place of the text as strict JSON.
class Mender {
 public:
  Mender(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  /// The value as strict JSON; nothing where no value begins there.
  std::optional<std::string> mend() {
    if (!value()) return std::nullopt;
    while (!open_.empty())
      if (!step()) return std::nullopt;
    return std::move(out_);
  }
  std::uint32_t repairs() const { return repairs_; }
  std::size_t end() const { return at_; }

 private:
  struct Level {
    bool object = false;
    bool items = false;
    std::size_t whole = 0;  ///< of out_: up to the last item that is complete
  };

  bool at_end() const { return at_ >= text_.size(); }

  // False where a comment never ends: the text is cut off there.
  bool skip() {
    for (;;) {
      while (!at_end() && is_space(text_[at_]))
        ++at_;
      if (text_.substr(at_, 2) == "//") {
        const std::size_t line = text_.find('\n', at_);
        at_ = line == std::string_view::npos ? text_.size() : line;
      } else if (text_.substr(at_, 2) == "/*") {
        const std::size_t close = text_.find("*/", at_ + 2);
        if (close == std::string_view::npos)
          at_ = text_.size();
        else
          at_ = close + 2;
      } else {
        return !at_end();
      }
      repairs_ |= repair_comment;
    }
  }

  // The text ended: what is complete stays, what is not is dropped, what is open is closed.
  bool cut() {
    repairs_ |= repair_cut_off;
    if (open_.empty()) return false;
    out_.resize(open_.back().whole);
    for (; !open_.empty(); open_.pop_back())
      out_.push_back(open_.back().object ? '}' : ']');
    return true;
  }

  void done() {
    if (open_.empty()) return;
    open_.back().items = true;
    open_.back().whole = out_.size();
  }

  bool close() {
    out_.push_back(open_.back().object ? '}' : ']');
    open_.pop_back();
    ++at_;
    done();
    return true;
  }

  // One item of what is open, or its end.
  bool step() {
    Level& level = open_.back();
    const char closing = level.object ? '}' : ']';
    if (!skip()) return cut();
    if (text_[at_] == closing) return close();
    if (level.items) {
      if (text_[at_] != ',') return false;
      ++at_;
      if (!skip()) return cut();
      if (text_[at_] == closing) {
        repairs_ |= repair_trailing_comma;
        return close();
      }
      out_.push_back(',');
    }
    if (level.object) {
      bool ended = false;
      if (!key(ended)) return ended && cut();
      if (!skip()) return cut();
      if (text_[at_] != ':') return false;
      ++at_;
      out_.push_back(':');
      if (!skip()) return cut();
    }
    return value();
  }

  bool key(bool& ended) {
    if (text_[at_] == '"' || text_[at_] == '\'') {
      if (quoted()) return true;
      ended = at_end();
      return false;
    }
    const std::string_view word = this->word();
    ended = at_end();
    if (word.empty() || ended) return false;
    repairs_ |= repair_unquoted_key;
    out_.push_back('"');
    out_.append(word);
    out_.push_back('"');
    return true;
  }

  std::string_view word() {
    const std::size_t from = at_;
    while (!at_end() && is_word(text_[at_]))
      ++at_;
    return text_.substr(from, at_ - from);
  }

  bool value() {
    if (at_end()) return cut();
    const char c = text_[at_];
    if (c == '{' || c == '[') {
      if (open_.size() >= static_cast<std::size_t>(lenient_depth_max)) return false;
      ++at_;
      out_.push_back(c);
      open_.push_back({c == '{', false, out_.size()});
      return true;
    }
    if (c == '"' || c == '\'') {
      if (!quoted()) return at_end() && cut();
      done();
      return true;
    }
    const std::string_view found = word();
    // More of it may have been to come.
    if (at_end()) return cut();
    if (found == "True" || found == "False" || found == "None") {
      repairs_ |= repair_python_literal;
      out_.append(found == "True" ? "true" : found == "False" ? "false" : "null");
    } else if (found == "true" || found == "false" || found == "null" || is_number(found)) {
      out_.append(found);
    } else {
      return false;
    }
    done();
    return true;
  }

  // False where it does not end, and then the text is used up.
  bool quoted() {
    const char quote = text_[at_++];
    if (quote == '\'') repairs_ |= repair_single_quotes;
    out_.push_back('"');
    for (; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        out_.push_back('"');
        return true;
      }
      if (c == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        // What JSON has no escape for stands for itself.
        if (text_[at_] == '\'') {
          out_.push_back('\'');
        } else {
          out_.push_back('\\');
          out_.push_back(text_[at_]);
        }
      } else if (c == '"') {
        out_.append("\\\"");
      } else if (static_cast<unsigned char>(c) < 0x20) {
        repairs_ |= repair_raw_control;
        constexpr char digits[] = "0123456789abcdef";
        out_.append("\\u00");
        out_.push_back(digits[static_cast<unsigned char>(c) >> 4]);
        out_.push_back(digits[static_cast<unsigned char>(c) & 15]);
      } else if (c != '\\') {
        out_.push_back(c);
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_;
  std::string out_;
  std::vector<Level> open_;
  std::uint32_t repairs_ = 0;
};

struct Found {
  Json value;
  std::uint32_t repairs = 0;
};

// The first object of the text, or the first list where there is none.
std::optional<Found> find(std::string_view text, int& starts) {
  std::optional<Found> list;
  for (std::size_t at = text.find_first_of("{["); at != std::string_view::npos && starts > 0;) {
    --starts;
    Mender mender(text, at);
    std::size_t next = at + 1;
    if (const auto strict = mender.mend()) {
      auto json = parse_json(*strict, {lenient_bytes_max * 2, lenient_depth_max});
      if (json) {
        std::uint32_t repairs = mender.repairs();
        const std::string_view around = " \t\r\n";
        if (text.substr(0, at).find_first_not_of(around) != std::string_view::npos ||
            text.substr(mender.end()).find_first_not_of(around) != std::string_view::npos)
          repairs |= repair_prose;
        if (json->is_object()) return Found{std::move(*json), repairs};
        if (!list) list = Found{std::move(*json), repairs};
        next = mender.end();
      }
    }
    at = text.find_first_of("{[", next);
  }
  return list;
}

}  // namespace

Result<Json> read_lenient(std::string_view text, std::uint32_t& repairs) {
  repairs = 0;
  if (text.size() > lenient_bytes_max)
    return make_error("no_json", {"the answer is too long"}, {},
                      {"at most ", lenient_bytes_max, " bytes"}, {});
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // no prose: parse_json takes it too
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  int starts = lenient_starts_max;
  if (const std::size_t open = text.find("```"); open != std::string_view::npos) {
    const std::size_t line = text.find('\n', open);
    if (line != std::string_view::npos) {
      const std::size_t close = text.find("```", line);
      auto fenced =
          find(text.substr(line + 1, close == std::string_view::npos ? std::string_view::npos
                                                                     : close - line - 1),
               starts);
      if (fenced) {
        repairs = fenced->repairs | repair_fence;
        return std::move(fenced->value);
      }
    }
  }
  auto found = find(text, starts);
  if (!found)
    return make_error("no_json", {"the answer has no JSON object or list"}, {}, {"JSON"}, {});
  repairs = found->repairs;
  return std::move(found->value);
}

}  // namespace redoubt::schema
