#include "engine/llm/client_request.hpp"

#include <algorithm>

#include "engine/base/ascii.hpp"
#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {

void RequestFault::set(std::string path, std::string_view expected, const Json* got) {
  if (error) return;
  const std::string found = got == nullptr ? "nothing" : describe(*got);
  error = make_error("bad_request", {path, ": expected ", expected, ", got ", found}, {path},
                     {expected}, {found});
}

namespace {

// A prompt's texts are as long as they are; what they are made of is bounded as in any text.
Result<Json> parse_body(std::string_view body) {
  return parse_json(body, {.bytes_max = client_body_bytes_max,
                           .depth_max = 100,
                           .memory_max = body.size() + JsonLimits{}.memory_max});
}

}  // namespace

Result<Json> parse_client_body(std::string_view body, std::string& mended) {
  auto parsed = parse_body(body);
  if (parsed.ok() || body.size() > client_body_bytes_max) return parsed;
  std::string better = mended_json(body);
  auto again = parse_body(better);
  if (!again.ok()) return parsed;
  mended = std::move(better);
  return again;
}

Result<Json> parse_client_body(std::string_view body) {
  std::string mended;
  return parse_client_body(body, mended);
}

Result<ChatRequest> decode_client_request(WireFormat format, std::string_view body) {
  std::string mended;
  auto parsed = parse_client_body(body, mended);
  if (!parsed.ok()) return std::move(parsed.error());
  if (!mended.empty()) body = mended;
  const Json& json = parsed.value();
  ChatRequest request;
  RequestFault fault;
  request.format = format;
  if (!json.is_object()) {
    fault.set("body", "an object", &json);
  } else if (format == WireFormat::anthropic) {
    read_anthropic_request(json, body, request, fault);
  } else if (format == WireFormat::openai_responses) {
    read_openai_responses_request(json, body, request, fault);
  } else if (format == WireFormat::gemini) {
    read_gemini_request(json, body, request, fault);
  } else {
    read_openai_chat_request(json, body, request, fault);
  }
  if (request.model.empty() && format != WireFormat::gemini)
    fault.set("model", "a model's name", member_of(json, "model"));
  if (fault.error) return std::move(*fault.error);
  return request;
}

std::vector<std::string> read_betas(std::string_view header) {
  constexpr std::size_t name_bytes_max = 100;
  std::vector<std::string> betas;
  while (!header.empty() && betas.size() < betas_max) {
    const std::size_t end = std::min(header.find(','), header.size());
    std::string_view name = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!name.empty() && name.front() == ' ')
      name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ')
      name.remove_suffix(1);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (!name.empty() && name.size() <= name_bytes_max && plain) betas.emplace_back(name);
  }
  return betas;
}

std::string read_text(const Json& object, const char* key, const std::string& path,
                      RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return {};
  if (!value->is_string()) fault.set(joined({path, path.empty() ? "" : ".", key}), "a text", value);
  return std::string(text_of(value));
}

std::optional<bool> read_optional_flag(const Json& object, const char* key, RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    fault.set(key, "true or false", value);
    return std::nullopt;
  }
  return value->get<bool>();
}

bool read_flag(const Json& object, const char* key, RequestFault& fault) {
  return read_optional_flag(object, key, fault).value_or(false);
}

std::optional<double> read_number(const Json& object, const char* key, double low, double high,
                                  RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return std::nullopt;
  const double number = value->is_number() ? value->get<double>() : low - 1;
  if (!(number >= low && number <= high)) {
    fault.set(key,
              joined({"a number from ", static_cast<std::int64_t>(low), " to ",
                      static_cast<std::int64_t>(high)}),
              value);
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> read_count(const Json& object, const char* key, RequestFault& fault) {
  constexpr std::int64_t count_max = 1'000'000'000'000'000;
  const Json* value = member_of(object, key);
  if (value == nullptr) return std::nullopt;
  const std::int64_t count = integer_of(value, -1);
  if (count < 0 || count > count_max) {
    fault.set(key, "a whole number, 0 or more", value);
    return std::nullopt;
  }
  return count;
}

std::optional<std::int64_t> read_integer(const Json& object, const char* key, RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX)) {
    fault.set(key, "a whole number", value);
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<std::int64_t> read_limit(const Json& object, const char* key, RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value != nullptr && integer_of(value, 0) == -1) return std::nullopt;
  return read_count(object, key, fault);
}

std::int64_t read_answers(const Json& object, const char* key, std::string_view path,
                          RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return 1;
  const std::int64_t answers = integer_of(value, 0);
  if (answers >= 1 && answers <= answers_max) return answers;
  fault.set(std::string(path), joined({"1 to ", answers_max, " answers"}), value);
  return 1;
}

std::int64_t read_logprobs(const Json& object, const char* key, RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return 0;
  const std::int64_t others = integer_of(value, -1);
  if (others >= 0 && others <= logprobs_max) return others;
  fault.set(key, joined({"0 to ", logprobs_max}), value);
  return 0;
}

void read_texts(const Json& object, const char* key, std::vector<std::string>& texts,
                RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value == nullptr) return;
  if (value->is_string()) {
    texts.emplace_back(text_of(value));
    return;
  }
  bool all = value->is_array();
  if (all) {
    for (const Json& text : *value) {
      all = all && text.is_string();
      texts.emplace_back(text_of(&text));
    }
  }
  if (!all) fault.set(key, "a text or a list of texts", value);
}

void read_stops(const Json& object, const char* key, Sampling& sampling, RequestFault& fault) {
  const Json* value = member_of(object, key);
  if (value != nullptr && value->is_array() && value->size() > client_stops_max)
    return fault.set(key, joined({client_stops_max, " texts at most"}), value);
  read_texts(object, key, sampling.stop, fault);
}

bool read_metadata(const Json& object, ChatRequest& request) {
  const Json* metadata = member_of(object, "metadata");
  if (metadata == nullptr || !metadata->is_object()) return false;
  for (const Json& value : *metadata) {
    if (!value.is_string()) return false;
  }
  for (auto it = metadata->begin(); it != metadata->end(); ++it)
    request.metadata.emplace_back(it.key(), text_of(&*it));
  return true;
}

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// A scheme and a colon (RFC 3986 3.1): base64 has none.
bool is_address(std::string_view url) {
  const std::size_t colon = url.find(':');
  return colon != 0 && colon != url.npos &&
         std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return is_ascii_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

/// "" where the first bytes are of no type that is known here.
std::string_view type_by_bytes(std::string_view base64) {
  constexpr std::size_t head_characters = 16;  // 12 bytes
  const std::string head = from_base64(base64.substr(0, head_characters)).value_or("");
  const auto has = [&](std::size_t at, std::string_view bytes) {
    return head.size() >= at + bytes.size() && head.compare(at, bytes.size(), bytes) == 0;
  };
  if (has(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (has(0, "\xff\xd8\xff")) return "image/jpeg";
  if (has(0, "GIF8")) return "image/gif";
  if (has(0, "RIFF") && has(8, "WEBP")) return "image/webp";
  return has(0, "%PDF-") ? "application/pdf" : "";
}

}  // namespace

std::optional<DataUrl> read_data_url(std::string_view url) {
  constexpr std::string_view scheme = "data:";
  const std::size_t comma = url.find(',');
  if (ascii_lower(url.substr(0, scheme.size())) != scheme || comma == url.npos) return std::nullopt;
  const std::string_view head = url.substr(scheme.size(), comma - scheme.size());
  const std::size_t last = head.rfind(';');
  if (last == head.npos || ascii_lower(trimmed(head.substr(last + 1))) != "base64")
    return std::nullopt;
  return DataUrl{.media_type = trimmed(head.substr(0, head.find(';'))),
                 .data = url.substr(comma + 1)};
}

void settle_image_type(const std::string& path, ChatPart& part, RequestFault& fault) {
  const std::string type = ascii_lower(trimmed(part.media_type));
  if (type.empty() || type == "application/octet-stream")
    part.media_type = type_by_bytes(part.data);
  if (part.media_type.empty()) {
    const Json given = type;
    fault.set(path, "the type of the image, as image/png: its first bytes do not tell it", &given);
  }
  if (ascii_lower(part.media_type) != "application/pdf") return;
  part.kind = PartKind::document;
  // What is said of a picture is not said of a document; its mark for the cache is.
  const std::string_view mark = cache_mark(part.format, part.extra);
  part.extra = mark.empty() ? std::string() : joined({R"({"cache_control":)", mark, "}"});
}

void read_image_url(const Json* url, const std::string& path, ChatPart& part, RequestFault& fault) {
  const std::string_view text = text_of(url);
  part.kind = PartKind::image;
  if (const auto data = read_data_url(text); data && !data->data.empty()) {
    part.media_type = data->media_type;
    part.data = data->data;
    settle_image_type(path, part, fault);
  } else if (ascii_lower(text.substr(0, 5)) != "data:" && is_address(text)) {
    part.url = text;
  } else {
    fault.set(path, "an address, or the image itself as data:image/png;base64,...", url);
  }
}

ChatPart opaque_part(const Json& json, WireFormat format) {
  ChatPart part;
  part.kind = PartKind::opaque;
  part.format = format;
  part.extra = dump(json);
  return part;
}

std::string indexed(std::string_view path, std::size_t index) {
  return joined({path, "[", index, "]"});
}

void read_tools(const Json& json, std::string_view body, WireFormat format, ToolReader read_tool,
                ChatRequest& request, RequestFault& fault) {
  const Json* tools = member_of(json, "tools");
  if (tools == nullptr) return;
  if (!tools->is_array()) {
    fault.set("tools", "a list", tools);
    return;
  }
  const auto texts = element_texts(member_text(body, "tools"));
  for (std::size_t i = 0; i < tools->size(); ++i) {
    ToolDefinition& definition = request.tools.emplace_back();
    definition.format = format;
    read_tool((*tools)[i], nth_text(texts, i), indexed("tools", i), definition, fault);
  }
}

}  // namespace redoubt::llm
