#include "engine/base/document.hpp"

#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/base/mark_list.hpp"
#include "engine/base/stable_order.hpp"

namespace redoubt {

struct Document::State {
  Json value;
  std::vector<Mark> marks;  ///< sorted by pointer
};

namespace {

/// Walks a text that parse_json has accepted, so it checks nothing.
class MarkScan {
 public:
  explicit MarkScan(std::string_view text) : text_(text) {}

  std::vector<Mark> marks() {
    value("", nullptr);
    return marks_.take();
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void step() {
    const bool line_ends = here() == '\n';
    place_.line += line_ends ? 1 : 0;
    place_.column = line_ends ? 1 : place_.column + 1;
    ++at_;
  }

  void blanks() {
    while (here() == ' ' || here() == '\t' || here() == '\n' || here() == '\r')
      step();
  }

  // The string's bytes, quotes included.
  std::string_view string() {
    const std::size_t from = at_;
    step();
    while (at_ < text_.size() && here() != '"') {
      if (here() == '\\') step();
      step();
    }
    step();
    return text_.substr(from, at_ - from);
  }

  std::string key() {
    const std::string_view raw = string();
    if (raw.find('\\') == raw.npos) return std::string(raw.substr(1, raw.size() - 2));
    const Result<Json> decoded = parse_json(raw);
    return decoded ? *decoded->get_ptr<const std::string*>() : std::string(raw);
  }

  // `key` is where the member's name stands; null for what has none.
  void value(const std::string& pointer, const Position* key) {
    blanks();
    marks_.add(pointer, key != nullptr ? *key : place_, place_);
    if (here() == '{') {
      object(pointer);
    } else if (here() == '[') {
      array(pointer);
    } else if (here() == '"') {
      string();
    } else {
      while (at_ < text_.size() &&
             std::string_view(",]} \t\n\r").find(here()) == std::string_view::npos)
        step();
    }
    blanks();
  }

  void object(const std::string& pointer) {
    step();
    blanks();
    while (here() == '"') {
      const Position begins = place_;
      const std::string name = key();
      blanks();
      step();  // the colon
      value(MarkList::below(pointer, name), &begins);
      if (here() == ',') step();
      blanks();
    }
    step();
  }

  void array(const std::string& pointer) {
    step();
    blanks();
    for (std::size_t i = 0; at_ < text_.size() && here() != ']'; ++i) {
      value(MarkList::below(pointer, i), nullptr);
      if (here() == ',') step();
    }
    step();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Position place_{1, 1};
  MarkList marks_;
};

}  // namespace

Document::Document() : Document(Json()) {}

Document::Document(Json value) : Document(std::move(value), {}) {}

Document::Document(Json value, std::vector<Mark> marks) {
  sort_stable(marks, [](const Mark& a, const Mark& b) { return a.pointer < b.pointer; });
  state_ = std::make_shared<State>(State{std::move(value), std::move(marks)});
}

const Json& Document::value() const {
  return state_->value;
}

const Mark* Document::nearest(std::string_view pointer) const {
  const std::vector<Mark>& marks = state_->marks;
  for (;;) {
    const auto found =
        std::lower_bound(marks.begin(), marks.end(), pointer,
                         [](const Mark& m, std::string_view p) { return m.pointer < p; });
    if (found != marks.end() && found->pointer == pointer) return &*found;
    if (pointer.empty()) return nullptr;
    const std::size_t slash = pointer.rfind('/');
    pointer = pointer.substr(0, slash == pointer.npos ? 0 : slash);
  }
}

Position Document::key_at(std::string_view pointer) const {
  const Mark* mark = nearest(pointer);
  return mark == nullptr ? Position{} : mark->key;
}

Position Document::value_at(std::string_view pointer) const {
  const Mark* mark = nearest(pointer);
  return mark == nullptr ? Position{} : mark->value;
}

std::string pointer_to(std::string_view pointer, std::string_view token) {
  std::string out(pointer);
  out.push_back('/');
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string pointer_to(std::string_view pointer, std::size_t index) {
  return std::string(pointer) + "/" + std::to_string(index);
}

Result<Document> read_json_document(std::string_view text, const JsonLimits& limits) {
  Result<Json> value = parse_json(text, limits);
  if (!value) return value.error();
  return Document(std::move(*value), MarkScan(text).marks());
}

Result<Document> read_json_document(std::string_view text) {
  return read_json_document(text, JsonLimits{});
}

}  // namespace redoubt
