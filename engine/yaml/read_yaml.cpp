#include "engine/yaml/read_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "engine/base/json.hpp"
#include "engine/base/mark_list.hpp"
#include "engine/base/message.hpp"
#include "engine/yaml/quotes.hpp"
#include "engine/yaml/scalar.hpp"

namespace redoubt::yaml {
namespace {

constexpr std::string_view core = "tag:yaml.org,2002:";
constexpr std::string_view never_closed = "the quote that opens here is never closed";

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

// Where a line begins, counted from 0; the text's end where it has no such line.
std::size_t line_begin(std::string_view text, int line) {
  std::size_t at = 0;
  for (; line > 0 && at < text.size(); --line)
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return at;
}

/// Where marks are in the text. Marks come in the order of the text, so that each line is counted
/// once.
class MarkedText {
 public:
  explicit MarkedText(std::string_view text) : text_(text) {}

  std::size_t offset(const YAML::Mark& mark) {
    if (mark.line < line_) *this = MarkedText(text_);
    begin_ += line_begin(text_.substr(begin_), mark.line - line_);
    line_ = mark.line;
    return std::min(begin_ + static_cast<std::size_t>(std::max(mark.column, 0)), text_.size());
  }

 private:
  std::string_view text_;
  int line_ = 0;
  std::size_t begin_ = 0;  ///< of the line
};

/// Builds the value from the parser's events, checking each before it costs anything.
class Builder : public YAML::EventHandler {
 public:
  /// Without variables nothing is expanded.
  Builder(std::string_view source, const YamlLimits& limits, const Variables* variables)
      : source_(source), limits_(limits), variables_(variables), marked_(source) {}

  Json root;
  std::vector<Error> notes;
  MarkList marks;
  YAML::Mark document_mark;

  void OnDocumentStart(const YAML::Mark& mark) override { document_mark = mark; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (takes_key()) return key(mark, "?", "");
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
    check_quote(mark);
    const std::string readable = mended(text);
    if (takes_key()) return key(mark, tag, readable);
    if (variables_ != nullptr && has_variables(readable))
      return expanded_scalar(mark, tag, anchor, readable);
    if (tag == "?") note(mark, note_of_older_reading(readable));
    count_bytes(mark, readable.size());
    finish(mark, add(mark, scalar(mark, tag, readable)), anchor, readable.size());
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, tag, "seq", anchor, Json::array());
    // With a tag or an anchor the mark is that one's, not the first dash's.
    const bool marks_dash = anchor == 0 && tag == "?";
    if (style == YAML::EmitterStyle::Block && marks_dash) open_.back().indent = mark.column;
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, "map", anchor, Json::object());
    open_.back().block = style == YAML::EmitterStyle::Block;
  }
  void OnMapEnd() override { close(); }

  /// Where the parser met the end within a quoted text: where that one opens, if it can be found.
  std::optional<Error> unclosed_quote() {
    const std::size_t last = marked_.offset(last_mark_);
    const std::size_t quote = quote_at(last);
    const std::size_t end = quote == source_.npos ? last : quote_end(source_, quote);
    const std::size_t open = end == source_.npos ? quote : next_quote(source_, end);
    if (open == source_.npos) return std::nullopt;
    const Position place = place_at(0, 0, open);
    return fault_at(place.line, place.column, {never_closed});
  }

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
    bool block = false;     ///< a mapping in lines
    int indent = -1;        ///< column of the block that this is or is in; -1: of none
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

  void note(const YAML::Mark& mark, Piece message) {
    const std::string told = joined({message});
    if (told.empty() || notes.size() >= yaml_notes_max) return;
    notes.push_back(fault_at(mark.line + 1, mark.column + 1, {told}));
    notes.back().code = "yaml_note";
  }

  void key(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    count(mark, 1);
    count_bytes(mark, text.size());
    if (tag == "?" && text == "<<")
      refuse(mark,
             {"<< merges mappings in YAML 1.1 only: write the members of the other mapping "
              "out here"},
             {}, {"<<"});
    if (variables_ != nullptr && has_variables(text)) refuse(mark, {"a key holds no ${...}"});
    Open& open = open_.back();
    if (open.block) open.indent = mark.column;
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
    const int indent = open_.empty() ? -1 : open_.back().indent;
    Json& value = add(mark, std::move(empty));
    open_.push_back({&value, pointer_, anchor, mark, before, bytes_});
    open_.back().indent = indent;
    last_mark_ = mark;
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

  // Of an offset, counted from a line (from 0) that begins at `begin`.
  Position place_at(int line, std::size_t begin, std::size_t offset) const {
    Position place{line + 1, 1};
    for (std::size_t at = begin; at < offset; ++at) {
      const bool line_ends = source_[at] == '\n';
      place.line += line_ends ? 1 : 0;
      place.column = line_ends ? 1 : place.column + 1;
    }
    return place;
  }

  // Where the source names the variable that an error is about, at or after the scalar's begin.
  Position place_of(const YAML::Mark& mark, std::string_view shown) const {
    const std::size_t begin = line_begin(source_, mark.line);
    const std::size_t found =
        source_.find(shown, begin + static_cast<std::size_t>(std::max(mark.column, 0)));
    if (shown.empty() || found == std::string_view::npos) return position(mark);
    return place_at(mark.line, begin, found);
  }

  // The quote of the scalar that begins here, behind its tag and anchor; npos where it has none.
  std::size_t quote_at(std::size_t at) const {
    while (at < source_.size() && (source_[at] == '!' || source_[at] == '&'))
      at = source_.find_first_not_of(" \t\r\n", source_.find_first_of(" \t\r\n", at));
    const bool quoted = at < source_.size() && (source_[at] == '"' || source_[at] == '\'');
    return quoted ? at : source_.npos;
  }

  // The parser takes in what follows a quote that was not closed: to the next one, or all.
  void check_quote(const YAML::Mark& mark) {
    last_mark_ = mark;
    const std::size_t open = quote_at(marked_.offset(mark));
    if (open == source_.npos) return;
    const std::size_t end = quote_end(source_, open);
    if (end == source_.npos) refuse(mark, {never_closed});
    const int indent = open_.empty() ? -1 : open_.back().indent;
    const auto line = line_outdented(source_.substr(open, end - open), indent);
    if (!line) return;
    refuse(mark, {"the quote that opens here is not closed before line ", mark.line + 1 + *line,
                  ", which is not indented as a part of its text would be"});
  }

  [[noreturn]] void refuse_variable(const YAML::Mark& mark, const Error& fault) const {
    Error placed = fault;
    const Position place = place_of(mark, fault.got);
    placed.line = place.line;
    placed.column = place.column;
    throw Stop{std::move(placed)};
  }

  // Is what stands here a secret, which must not get into the value? Then its member was left out.
  bool left_out(const YAML::Mark& mark, const std::string& text) {
    const auto seen = variables_in(text);
    if (!seen) refuse_variable(mark, seen.error());
    const std::string* secret = nullptr;
    for (const std::string& name : seen->names)
      if (names_secret(name)) secret = &name;
    const bool in_member = !open_.empty() && open_.back().value->is_object();
    const std::string member = in_member ? open_.back().key : std::string();
    // A member that is called just `key` is a key of something else as often.
    const bool secret_member = member != "key" && member != "keys" && names_secret(member);
    if (!secret && (!secret_member || seen->names.empty())) return false;
    const std::string& name = secret ? *secret : seen->names.front();
    if (!in_member || !seen->whole)
      refuse_variable(
          mark, make_error("bad_variable",
                           {"the variable ", name,
                            " looks like a secret, and what a file says is "
                            "kept with its runs and goes out with them: name it nowhere but as the "
                            "whole value of a member such as api_key, or let the program read it"},
                           {}, {}, {"${", name}));
    // Whether it is set does not matter: nobody would read it.
    note(mark,
         joined({member, " is left out, and ${", name,
                 "} is not read: keys are no part of a workflow; the relay takes them from its "
                 "vault or its own environment, a program from its environment"}));
    open_.back().has_key = false;
    return true;
  }

  void expanded_scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       const std::string& text) {
    if (left_out(mark, text)) return;
    const auto done = expand_variables(text, *variables_);
    if (!done) refuse_variable(mark, done.error());
    count_bytes(mark, done->text.size());
    // An empty value is an empty text, and so is what stands in quotes a text.
    const bool text_only = done->quoted || done->text.empty();
    if (tag == "?" && !text_only && !plain_scalar(done->text))
      refuse(mark, {"a variable's value makes this a number that JSON has not; write \"${",
                    done->names.front(), "}\" in quotes for a text"});
    Json value = tag == "?" && text_only ? Json(done->text) : scalar(mark, tag, done->text);
    finish(mark, add(mark, std::move(value)), anchor, done->text.size());
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
    if (!fits && tag.starts_with(core))
      refuse(mark, {"the tag ", tag, " does not fit here"}, {"a core tag that fits"}, {tag});
    if (!fits)
      refuse(mark, {"the tag ", tag, " is not of the core schema: write the value itself"},
             {"no tag"}, {tag});
    return std::move(*value);
  }

  const std::string_view source_;
  const YamlLimits& limits_;
  const Variables* const variables_;
  MarkedText marked_;
  YAML::Mark last_mark_;  ///< of the last list, mapping or text that began
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

Result<YamlFile> parse(std::string_view text, const YamlLimits& limits,
                       const Variables* variables) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  Builder builder(text, limits, variables);
  try {
    if (!parser.HandleNextDocument(builder))
      return YamlFile{Document(Json(), {{"", {1, 1}, {1, 1}}}), {}};
  } catch (const YAML::Exception& e) {
    const bool in_quotes =
        e.msg == YAML::ErrorMsg::EOF_IN_SCALAR || e.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    if (const auto fault = in_quotes ? builder.unclosed_quote() : std::nullopt) return *fault;
    throw;
  }
  Json value = std::move(builder.root);
  std::vector<Mark> marks = builder.marks.take();
  Builder second(text, limits, nullptr);
  if (parser.HandleNextDocument(second))
    return fault_at(second.document_mark.line + 1, second.document_mark.column + 1,
                    {"a second document"}, {"one document"});
  return YamlFile{Document(std::move(value), std::move(marks)), std::move(builder.notes)};
}

// What the author may have meant where the parser says only what it did not expect.
std::string_view advice(std::string_view text, const YAML::Exception& fault) {
  const std::string_view from = text.substr(line_begin(text, fault.mark.line));
  const std::string_view line = from.substr(0, from.find('\n'));
  const std::size_t first = line.find_first_not_of(" \t");
  if (line.substr(0, std::min(first, line.size())).find('\t') != std::string_view::npos)
    return "; a tab in the indentation: indent with spaces";
  const bool in_flow = fault.msg.find("flow") != std::string::npos;
  if (in_flow && line.find("${") != std::string_view::npos)
    return "; within {...} and [...] write \"${NAME}\" in quotes";
  const std::size_t at = static_cast<std::size_t>(std::max(fault.mark.column, 0));
  if (at > 0 && at < line.size() && line[at - 1] == '\'')
    return "; the quoted text ends before this: within '...' a ' is written ''";
  if (at > 0 && at < line.size() && line[at - 1] == '"')
    return "; the quoted text ends before this: within \"...\" a \" is written \\\"";
  if (at < line.size() && std::string_view("@`%").find(line[at]) != std::string_view::npos)
    return "; a text that begins with @, ` or % is quoted";
  if (line.find(": ") != line.rfind(": "))
    return "; a text with a colon and a space in it is quoted";
  return "";
}

Result<YamlFile> read(std::string_view text, const YamlLimits& limits, const Variables* variables) {
  if (text.size() > limits.bytes_max)
    return fault_at(1, 1, {"the YAML text has more than bytes_max = ", limits.bytes_max, " bytes"});
  if (const Result<void> readable = check_utf8(text); !readable) return readable.error();
  try {
    return parse(text, limits, variables);
  } catch (const Stop& stop) {
    return stop.error;
  } catch (const YAML::Exception& e) {
    return fault_at(e.mark.line + 1, e.mark.column + 1,
                    {"not valid YAML: ", e.msg, advice(text, e)}, {"valid YAML"});
  } catch (const std::exception& e) {  // what yaml-cpp lets through of the standard library
    return fault_at(1, 1, {"not valid YAML: ", e.what()}, {"valid YAML"});
  }
}

}  // namespace

Result<Document> read_yaml(std::string_view text, const YamlLimits& limits) {
  auto file = read(text, limits, nullptr);
  if (!file) return file.error();
  return std::move(file->document);
}

Result<YamlFile> read_yaml_file(std::string_view text, const Variables& variables,
                                const YamlLimits& limits) {
  return read(text, limits, &variables);
}

}  // namespace redoubt::yaml
