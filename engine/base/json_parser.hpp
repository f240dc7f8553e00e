// JsonParser: one JSON text (RFC 8259) into a Json, in one pass.
//
// 1. It takes what nlohmann's parser takes, with the same values, and refuses three things more:
//    nesting over the bound and values over the memory they may take (json_weights), before they
//    cost it, and a key that appears twice in one object. A byte order mark before the text is
//    passed over.
// 2. Numbers: an integer that fits is an integer (unsigned where it has no sign), everything else a
//    double; one that no double holds is refused. Strings: valid UTF-8, no lone surrogates,
//    unless `any_text` is set.
// 3. Nothing throws but an allocation that fails; there is no recursion.
//
// A prompt is one long string: strings without escapes are looked at eight bytes at a time.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt {

class JsonParser {
 public:
  /// `text` outlives the parser.
  JsonParser(std::string_view text, int depth_max, std::size_t memory_max, bool any_text = false)
      : text_(text), depth_max_(depth_max), memory_max_(memory_max), any_text_(any_text) {}

  /// Once. False: fault() says why and position() where; `root` is then of no use.
  bool read(nlohmann::json& root);
  const std::string& fault() const { return fault_; }
  /// Bytes from the text's beginning.
  std::size_t position() const { return at_; }

 private:
  bool value(nlohmann::json& slot);
  bool open(nlohmann::json& slot, char bracket);
  bool next(nlohmann::json*& slot);
  bool member(nlohmann::json*& slot);
  bool literal(std::string_view word);
  bool number(nlohmann::json& slot);
  bool digits();
  bool integer(nlohmann::json& slot, std::string_view digits, bool negative) const;
  bool string(std::string_view& out);
  bool escape();
  bool code_unit(unsigned& unit);
  bool second_half(unsigned high);
  void append_code_point(unsigned code);
  void skip_space();
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(std::size_t bytes);
  bool expected(std::string_view what);
  bool refuse(std::string why);

  std::string_view text_;
  int depth_max_;
  std::size_t memory_max_;
  bool any_text_;
  std::size_t taken_ = 0;
  std::size_t at_ = 0;
  bool fresh_ = false;                  ///< the innermost container was just opened
  std::vector<nlohmann::json*> stack_;  ///< open containers
  std::string unescaped_;
  std::string fault_;
};

}  // namespace redoubt
