#include "engine/base/json.hpp"

#include <algorithm>

namespace redoubt {
namespace {

Error json_error(std::string_view text, std::size_t at, std::string message) {
  Error error{.code = "bad_json", .message = std::move(message), .expected = "a JSON text"};
  at = std::min(at, text.size());
  error.line = 1 + static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
  const std::size_t start = text.substr(0, at).rfind('\n');
  error.column = static_cast<int>(start == std::string_view::npos ? at + 1 : at - start);
  return error;
}

// Builds the document while it checks depth and repeated keys, which nlohmann's own DOM parser
// silently accepts.
class BoundedSax {
 public:
  BoundedSax(Json& root, int depth_max) : root_(root), depth_max_(depth_max) {}

  bool null() { return put(nullptr); }
  bool boolean(bool v) { return put(v); }
  bool number_integer(std::int64_t v) { return put(v); }
  bool number_unsigned(std::uint64_t v) { return put(v); }
  bool number_float(double v, const std::string&) { return put(v); }
  bool string(std::string& v) { return put(std::move(v)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (stack_.back()->contains(name)) {
      return refuse("the key \"" + name + "\" appears twice in one object");
    }
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
    position_ = position > 0 ? position - 1 : 0;
    std::string what = e.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: reason"
    const std::size_t cut = what.find(": ");
    fault_ = "not valid JSON: " + (cut == std::string::npos ? what : what.substr(cut + 2));
    return false;
  }

  const std::string& fault() const { return fault_; }
  std::size_t position() const { return position_; }

 private:
  bool refuse(std::string why) {
    fault_ = std::move(why);
    return false;
  }
  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }
  bool put(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (static_cast<int>(stack_.size()) >= depth_max_) {
      return refuse("nested deeper than " + std::to_string(depth_max_) + " levels");
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  Json& root_;
  int depth_max_;
  std::vector<Json*> stack_;
  std::string key_;
  std::string fault_;
  std::size_t position_ = 0;
};

std::string join(const std::string& path, std::string_view key) {
  if (path.empty()) return std::string(key);
  if (key.empty()) return path;
  return path + "." + std::string(key);
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.bytes_max) {
    return json_error(text, 0,
                      "the JSON text has " + std::to_string(text.size()) +
                          " bytes, more than the allowed " + std::to_string(limits.bytes_max));
  }
  // The parser takes a NUL for the text's end, and what follows it would pass unread.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos)
    return json_error(text, at, "a NUL byte, which no JSON text has");
  Json root;
  BoundedSax sax(root, limits.depth_max);
  if (!Json::sax_parse(text.begin(), text.end(), &sax)) {
    return json_error(text, sax.position(), sax.fault());
  }
  return root;
}

std::string describe(const Json& value) {
  constexpr std::size_t shown_bytes_max = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  // `replace` keeps a bad byte in a string from throwing.
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > shown_bytes_max) return std::string("a long ") + value.type_name();
  return text;
}

JsonFields::JsonFields(const Json& object, std::string code, std::string path)
    : object_(object), code_(std::move(code)), path_(std::move(path)) {
  if (!object_.is_object()) fault("", "an object", describe(object_));
}

void JsonFields::fault(std::string_view key, std::string expected, std::string got) {
  if (error_) return;
  Error error{.code = code_, .path = join(path_, key)};
  error.message = (error.path.empty() ? "the document" : error.path) + ": expected " + expected +
                  ", got " + got;
  error.expected = std::move(expected);
  error.got = std::move(got);
  error_ = std::move(error);
}

const Json* JsonFields::member_or_null(const char* key) {
  if (error_) return nullptr;
  read_.emplace_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

const Json* JsonFields::member(const char* key) {
  const Json* value = member_or_null(key);
  if (value == nullptr) fault(key, "a value", "nothing");
  return value;
}

std::int64_t JsonFields::integer(const char* key, std::int64_t low, std::int64_t high) {
  const Json* value = member(key);
  if (value == nullptr) return low;
  const std::string expected =
      "an integer from " + std::to_string(low) + " to " + std::to_string(high);
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
  if (!fits || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
    fault(key, expected, describe(*value));
    return low;
  }
  return value->get<std::int64_t>();
}

std::int64_t JsonFields::integer_or(const char* key, std::int64_t low, std::int64_t high,
                                    std::int64_t fallback) {
  return member_or_null(key) == nullptr ? fallback : integer(key, low, high);
}

std::string JsonFields::text(const char* key, std::size_t bytes_max) {
  const Json* value = member(key);
  if (value == nullptr) return {};
  if (!value->is_string() || value->get_ref<const std::string&>().size() > bytes_max) {
    fault(key, "a text of at most " + std::to_string(bytes_max) + " bytes", describe(*value));
    return {};
  }
  return value->get<std::string>();
}

std::string JsonFields::text_or(const char* key, std::size_t bytes_max, std::string fallback) {
  return member_or_null(key) == nullptr ? fallback : text(key, bytes_max);
}

void JsonFields::refuse_unknown() {
  if (error_) return;
  for (const auto& [key, value] : object_.items()) {
    if (std::find(read_.begin(), read_.end(), key) == read_.end()) {
      fault(key, "no such member", describe(value));
      return;
    }
  }
}

}  // namespace redoubt
