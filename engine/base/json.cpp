#include "engine/base/json.hpp"

#include <algorithm>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json_any_text.hpp"
#include "engine/base/json_parser.hpp"
#include "engine/base/nearest.hpp"

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

std::string join(const std::string& path, std::string_view key) {
  if (path.empty()) return std::string(key);
  if (key.empty()) return path;
  return path + "." + std::string(key);
}

Result<Json> parse(std::string_view text, JsonLimits limits, bool any_text) {
  if (text.size() > limits.bytes_max) {
    return json_error(text, 0,
                      "the JSON text has " + std::to_string(text.size()) +
                          " bytes, more than the allowed " + std::to_string(limits.bytes_max));
  }
  Json root;
  JsonParser parser(text, limits.depth_max, limits.memory_max, any_text);
  if (!parser.read(root)) return json_error(text, parser.position(), parser.fault());
  return root;
}

}  // namespace

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  return parse(text, limits, false);
}

Result<Json> parse_json_any_text(std::string_view text, JsonLimits limits) {
  return parse(text, limits, true);
}

std::uint64_t weight_of(const Json& value) {
  if (value.is_string())
    return json_weights::text + json_weights::bytes(value.get_ptr<const std::string*>()->size());
  if (!value.is_structured()) return 0;
  std::uint64_t bytes = json_weights::container;
  if (const auto* list = value.get_ptr<const Json::array_t*>())
    for (const Json& item : *list)
      bytes += json_weights::item + weight_of(item);
  if (const auto* object = value.get_ptr<const Json::object_t*>())
    for (const auto& [key, member] : *object)
      bytes += json_weights::member + json_weights::bytes(key.size()) + weight_of(member);
  return bytes;
}

std::string describe(const Json& value) {
  constexpr std::size_t shown_bytes_max = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array of " + std::to_string(value.size());
  std::string text = canonical_utf8(value);
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
      const std::vector<std::string_view> known(read_.begin(), read_.end());
      if (error_) error_->message += did_you_mean(key, known);
      return;
    }
  }
}

}  // namespace redoubt
