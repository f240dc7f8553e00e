#include "engine/yaml/read_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <sstream>

#include "engine/base/json.hpp"
#include "engine/base/mark_list.hpp"
#include "engine/base/message.hpp"
#include "engine/yaml/scalar.hpp"

namespace redoubt::yaml {
namespace {

constexpr std::string_view core = "tag:yaml.org,2002:";

Error fault_at(int line, int column, Pieces message, Pieces expected = {}, Pieces got = {}) {
  Error error = make_error("bad_yaml", message, {}, expected, got);
  error.line = line;
  error.column = column;
  return error;
}

// What a handler throws to stop the parser; it never leaves read_yaml.
struct Stop {
  Error error;
};

[[noreturn]] void refuse(const YAML::Mark& mark, Pieces message, Pieces expected = {},
                         Pieces got = {}) {
  throw Stop{fault_at(mark.line + 1, mark.column + 1, message, expected, got)};
}

Position position(const YAML::Mark& mark) {
  return {mark.line + 1, mark.column + 1};
}

// The length of the UTF-8 character that begins the text (RFC 3629), or 0 where none does.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0   ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

// yaml-cpp writes the escapes \N and \_ as one byte of Latin-1. In a text that was UTF-8 before,
// such a byte where a character begins is nothing else.
std::string mended(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character(std::string_view(text).substr(at));
    if (length == 0 && text[at] != '\0') out.push_back('\xc2');
    out.append(text, at, length == 0 ? 1 : length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

/// Builds the value from the parser's events, checking each before it costs anything.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  Json root;
  MarkList marks;
  YAML::Mark document_mark;

  void OnDocumentStart(const YAML::Mark& mark) override { document_mark = mark; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (takes_key()) return key(mark, "");
    finish(mark, add(mark, nullptr), anchor, 0);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, {"an alias within what it stands for"});
    if (takes_key()) refuse(mark, {"an alias as a key"}, {"a key"}, {"an alias"});
    // One node is counted as it is added.
    count(mark, found->second.nodes - 1);
    count_bytes(mark, found->second.bytes);
    if (open_.size() + found->second.depth > static_cast<std::size_t>(limits_.depth_max))
      refuse(mark, {"nested deeper than ", limits_.depth_max, " levels"});
    for (Open& open : open_)
      open.depth = std::max(open.depth, found->second.depth + 1);
    add(mark, found->second.value);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const std::string readable = mended(text);
    if (takes_key()) return key(mark, readable);
    count_bytes(mark, readable.size());
    finish(mark, add(mark, scalar(mark, tag, readable)), anchor, readable.size());
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "seq", anchor, Json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, "map", anchor, Json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or mapping that has not ended.
  struct Open {
    Json* value;
    std::string pointer;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    std::size_t nodes_before;
    std::size_t bytes_before;
    std::size_t depth = 1;  ///< levels below and including this one
    bool has_key = false;
    std::string key;
    Position key_position;
  };
  struct Anchored {
    Json value;
    std::size_t nodes;
    std::size_t bytes;
    std::size_t depth;
  };

  bool takes_key() const {
    return !open_.empty() && open_.back().value->is_object() && !open_.back().has_key;
  }

  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > limits_.nodes_max)
      refuse(mark, {"more than nodes_max = ", limits_.nodes_max, " values"});
  }

  void count_bytes(const YAML::Mark& mark, std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > limits_.expanded_bytes_max)
      refuse(mark, {"more than expanded_bytes_max = ", limits_.expanded_bytes_max,
                    " bytes when aliases are expanded"});
  }

  void key(const YAML::Mark& mark, const std::string& text) {
    count(mark, 1);
    count_bytes(mark, text.size());
    Open& open = open_.back();
    if (open.value->contains(text))
      refuse(mark, {"the key \"", text, "\" appears twice in one mapping"}, {"each key once"});
    open.key = text;
    open.key_position = position(mark);
    open.has_key = true;
  }

  // Puts a value into the innermost open one.
  Json& add(const YAML::Mark& mark, Json value) {
    count(mark, 1);
    if (open_.empty()) {
      root = std::move(value);
      pointer_.clear();
      marks.add(pointer_, position(mark), position(mark));
      return root;
    }
    Open& open = open_.back();
    if (open.value->is_array()) {
      pointer_ = MarkList::below(open.pointer, open.value->size());
      marks.add(pointer_, position(mark), position(mark));
      open.value->push_back(std::move(value));
      return open.value->back();
    }
    pointer_ = MarkList::below(open.pointer, open.key);
    marks.add(pointer_, open.key_position, position(mark));
    open.has_key = false;
    return (*open.value)[open.key] = std::move(value);
  }

  void finish(const YAML::Mark& mark, const Json& value, YAML::anchor_t anchor, std::size_t bytes) {
    if (anchor == 0) return;
    // The copy that an anchor keeps is paid for like the value itself.
    count(mark, 1);
    count_bytes(mark, bytes);
    anchors_[anchor] = {value, 1, bytes, 0};
  }

  void open(const YAML::Mark& mark, const std::string& tag, std::string_view kind,
            YAML::anchor_t anchor, Json empty) {
    if (takes_key()) refuse(mark, {"a key that is a list or a mapping"}, {"a key that is a text"});
    const bool fits = tag.empty() || tag == "?" || tag == "!" || tag == joined({core, kind});
    if (!fits) refuse(mark, {"the tag ", tag, " is not of the core schema"}, {"no tag"}, {tag});
    if (open_.size() >= static_cast<std::size_t>(limits_.depth_max))
      refuse(mark, {"nested deeper than ", limits_.depth_max, " levels"});
    const std::size_t before = nodes_;
    Json& value = add(mark, std::move(empty));
    open_.push_back({&value, pointer_, anchor, mark, before, bytes_});
  }

  void close() {
    const Open done = std::move(open_.back());
    open_.pop_back();
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, done.depth + 1);
    if (done.anchor == 0) return;
    // The copy that an anchor keeps is paid for like the value itself.
    const std::size_t nodes = nodes_ - done.nodes_before;
    const std::size_t bytes = bytes_ - done.bytes_before;
    count(done.mark, nodes);
    count_bytes(done.mark, bytes);
    anchors_[done.anchor] = {*done.value, nodes, bytes, done.depth};
  }

  static Json scalar(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == joined({core, "str"})) return text;
    Result<Json> value = plain_scalar(text);
    if (!value)
      refuse(mark, {value.error().message}, {value.error().expected}, {value.error().got});
    if (tag.empty() || tag == "?") return std::move(*value);
    const bool fits = (tag == joined({core, "null"}) && value->is_null()) ||
                      (tag == joined({core, "bool"}) && value->is_boolean()) ||
                      (tag == joined({core, "int"}) && value->is_number_integer()) ||
                      (tag == joined({core, "float"}) && value->is_number());
    if (!fits)
      refuse(mark, {"the tag ", tag, " does not fit here"}, {"a core tag that fits"}, {tag});
    return std::move(*value);
  }

  const YamlLimits& limits_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::string pointer_;  ///< of what was added last
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
};

Result<void> check_utf8(std::string_view text) {
  Position place{1, 1};
  while (!text.empty()) {
    const std::size_t length = character(text);
    if (length == 0)
      return fault_at(place.line, place.column, {"not UTF-8 text"}, {"UTF-8 without NUL bytes"});
    const bool line_ends = text.front() == '\n';
    place.line += line_ends ? 1 : 0;
    place.column = line_ends ? 1 : place.column + static_cast<int>(length);
    text.remove_prefix(length);
  }
  return {};
}

Result<Document> parse(std::string_view text, const YamlLimits& limits) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  Builder builder(limits);
  if (!parser.HandleNextDocument(builder)) return Document(Json(), {{"", {1, 1}, {1, 1}}});
  Json value = std::move(builder.root);
  std::vector<Mark> marks = builder.marks.take();
  Builder second(limits);
  if (parser.HandleNextDocument(second))
    return fault_at(second.document_mark.line + 1, second.document_mark.column + 1,
                    {"a second document"}, {"one document"});
  return Document(std::move(value), std::move(marks));
}

}  // namespace

Result<Document> read_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max)
    return fault_at(1, 1, {"the YAML text has more than bytes_max = ", limits.bytes_max, " bytes"});
  if (const Result<void> readable = check_utf8(text); !readable) return readable.error();
  try {
    return parse(text, limits);
  } catch (const Stop& stop) {
    return stop.error;
  } catch (const YAML::Exception& e) {
    return fault_at(e.mark.line + 1, e.mark.column + 1, {"not valid YAML: ", e.msg},
                    {"valid YAML"});
  } catch (const std::exception& e) {  // what yaml-cpp lets through of the standard library
    return fault_at(1, 1, {"not valid YAML: ", e.what()}, {"valid YAML"});
  }
}

}  // namespace redoubt::yaml
