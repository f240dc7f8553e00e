#include "engine/llm/embeddings.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "engine/base/base64.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/decode_openai_chat.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view input_wanted =
    "a text, a list of texts, a list of tokens, or a list of lists of tokens";

bool all_of(const Json& list, bool (*is)(const Json&)) {
  return std::all_of(list.begin(), list.end(), is);
}

bool is_token(const Json& value) {
  return value.is_number_unsigned();
}

bool is_token_list(const Json& value) {
  return value.is_array() && !value.empty() && all_of(value, is_token);
}

void read_inputs(const Json& json, EmbeddingRequest& request, RequestFault& fault) {
  const Json* input = member_of(json, "input");
  if (input == nullptr) return fault.set("input", input_wanted, nullptr);
  if (input->is_string()) {
    request.inputs.emplace_back(text_of(input));
    return;
  }
  if (!input->is_array() || input->empty()) return fault.set("input", input_wanted, input);
  request.by_tokens = !input->front().is_string();
  if (is_token_list(*input)) {
    request.inputs.push_back(dump(*input));
    return;
  }
  if (input->size() > embedding_inputs_max)
    return fault.set("input", joined({"a list of ", embedding_inputs_max, " inputs at most"}),
                     input);
  for (std::size_t i = 0; i < input->size(); ++i) {
    const Json& each = (*input)[i];
    const bool fits = request.by_tokens ? is_token_list(each) : each.is_string();
    if (!fits)
      return fault.set(indexed("input", i),
                       request.by_tokens ? "a list of tokens, which are whole numbers" : "a text",
                       &each);
    request.inputs.push_back(request.by_tokens ? dump(each) : std::string(text_of(&each)));
  }
}

void read_encoding(const Json& json, EmbeddingRequest& request, RequestFault& fault) {
  const Json* format = member_of(json, "encoding_format");
  if (format == nullptr || *format == "float") return;
  request.as_base64 = *format == "base64";
  if (!request.as_base64) fault.set("encoding_format", "float or base64", format);
}

void read_dimensions(const Json& json, EmbeddingRequest& request, RequestFault& fault) {
  request.dimensions = read_count(json, "dimensions", fault);
  if (!request.dimensions) return;
  if (*request.dimensions < 1 || *request.dimensions > embedding_dimensions_max)
    fault.set("dimensions", joined({"a whole number from 1 to ", embedding_dimensions_max}),
              member_of(json, "dimensions"));
}

// What the providers of embeddings call things. Sources: their API references (2026-11).
struct Accent {
  std::string_view dialect;
  std::string_view word_dimensions;  ///< "": it takes none
  bool takes_tokens = false;
};
constexpr Accent accents[] = {
    {"openai", "dimensions", true},     {"openai-responses", "dimensions", true},
    {"azure", "dimensions", true},      {"gemini", "outputDimensionality"},
    {"mistral", "output_dimension"},    {"cohere", ""},
    {"openrouter", "dimensions", true}, {"ollama", "dimensions"},
    {"vllm", "dimensions", true},       {"nim", "dimensions"},
};

const Accent* accent_of(std::string_view dialect) {
  const auto* found = std::find_if(std::begin(accents), std::end(accents),
                                   [&](const Accent& each) { return each.dialect == dialect; });
  return found == std::end(accents) ? nullptr : found;
}

Error unsupported(std::string message, std::string_view path) {
  return Error{.code = "unsupported", .message = std::move(message), .path = std::string(path)};
}

// Whether the target can give what is asked, in an answer that can be read.
std::optional<Error> fault_for(const EmbeddingRequest& request, const Target& target,
                               std::int64_t dimensions_usual, std::int64_t read_bytes_max) {
  const std::string_view dialect = target.dialect->name;
  const bool gemini = target.dialect->format == WireFormat::gemini;
  const Accent* accent = accent_of(dialect);
  if (accent == nullptr)
    return unsupported(joined({dialect, " has no embeddings: ask a model of another provider."}),
                       "model");
  if (request.by_tokens && !accent->takes_tokens)
    return unsupported(joined({"input: ", dialect, " takes texts, not tokens."}), "input");
  if (request.dimensions && accent->word_dimensions.empty())
    return unsupported(joined({"dimensions: ", dialect, " takes none."}), "dimensions");
  if (!gemini && !request.task_type.empty())
    return unsupported(joined({"taskType: ", dialect, " takes none."}), "taskType");
  if (!gemini && !request.title.empty())
    return unsupported(joined({"title: ", dialect, " takes none."}), "title");
  if (gemini && request.inputs.size() > gemini_embedding_inputs_max)
    return unsupported(
        joined({"input: ", dialect, " takes ", gemini_embedding_inputs_max,
                " texts in one request at most, this one has ", request.inputs.size(), "."}),
        "input");
  // Of OpenAI's formats the provider is asked for base64, whatever the client reads.
  const std::int64_t numbers_max = std::min(
      read_bytes_max / (gemini ? embedding_listed_number_bytes : embedding_base64_number_bytes),
      request.as_base64 ? INT64_MAX : read_bytes_max / embedding_written_number_bytes);
  const std::int64_t each = request.dimensions.value_or(dimensions_usual);
  const auto inputs = static_cast<std::int64_t>(request.inputs.size());
  if (inputs * each > numbers_max)
    return unsupported(
        joined({"input: ", inputs, " vectors of ", each, " numbers are more than the ", numbers_max,
                " of one answer; ask with fewer inputs",
                request.as_base64 || gemini ? "." : ", or with encoding_format base64."}),
        "input");
  return std::nullopt;
}

void write_openai(const EmbeddingRequest& request, const Target& target, JsonWriter& out) {
  out.open_object();
  out.text("model", target.model);
  out.open_array("input");
  for (const std::string& input : request.inputs) {
    if (request.by_tokens) {
      out.raw(input);
    } else {
      out.text(input);
    }
  }
  out.close_array();
  out.text("encoding_format", "base64");
  if (request.dimensions)
    out.integer(accent_of(target.dialect->name)->word_dimensions, *request.dimensions);
  out.members_but(request.extra, {"model", "input", "encoding_format", "dimensions"});
  out.close_object();
}

void write_text_part(std::string_view text, JsonWriter& out) {
  out.open_object();
  out.text("text", text);
  out.close_object();
}

void write_parts(const EmbeddingRequest& request, std::size_t input, JsonWriter& out) {
  const std::string_view text = request.inputs[input];
  std::size_t from = 0;
  if (input < request.part_ends.size()) {
    for (const std::size_t end : request.part_ends[input]) {
      write_text_part(text.substr(from, end - from), out);
      from = end + 1;
    }
  }
  write_text_part(text.substr(from), out);
}

void write_gemini(const EmbeddingRequest& request, const Target& target, JsonWriter& out) {
  out.open_object();
  out.open_array("requests");
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    out.open_object();
    out.text("model", joined({"models/", target.model}));
    out.open_object("content");
    out.open_array("parts");
    write_parts(request, i, out);
    out.close_array();
    out.close_object();
    out.text_if("taskType", request.task_type);
    out.text_if("title", request.title);
    if (request.dimensions) out.integer("outputDimensionality", *request.dimensions);
    out.close_object();
  }
  out.close_array();
  out.close_object();
}

/// The float that lies at `at` as four bytes, little-endian. REQUIRES: at + 4 <= bytes.size()
float float_at(std::string_view bytes, std::size_t at) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i)
    bits |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool is_float(const Json& number) {
  return number.is_number() && std::abs(number.get<double>()) <= std::numeric_limits<float>::max();
}

bool are_floats(std::string_view bytes) {
  if (bytes.empty() || bytes.size() % 4 != 0) return false;
  for (std::size_t at = 0; at < bytes.size(); at += 4)
    if (!std::isfinite(float_at(bytes, at))) return false;
  return true;
}

/// The vector's JSON, as opaque events have it: a list of numbers, or packed floats in base64.
/// Nothing where it is neither. `text` is its own.
std::optional<std::string> vector_text(const Json* value, std::string_view text) {
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) {
    const auto bytes = from_base64(value->get_ref<const std::string&>());
    if (!bytes || !are_floats(*bytes)) return std::nullopt;
    return joined({"\"", to_base64(*bytes), "\""});
  }
  if (!value->is_array() || value->empty() || !all_of(*value, is_float)) return std::nullopt;
  return text_or_dump(text, *value);
}

// Tells the vectors that stand in a list of objects, each under `name`.
bool tell_vectors(AnswerState& state, const Json* list, std::string_view text, const char* name,
                  ChatEvents& out) {
  if (list == nullptr || !list->is_array() || list->empty()) return false;
  const std::vector<std::string_view> texts = element_texts(text);
  std::vector<std::size_t> places(list->size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::int64_t index = integer_in((*list)[i], "index", static_cast<std::int64_t>(i));
    if (index < 0 || index >= static_cast<std::int64_t>(places.size())) return false;
    places[static_cast<std::size_t>(index)] = i;
  }
  for (const std::size_t place : places) {
    auto vector =
        vector_text(member_of((*list)[place], name), member_text(nth_text(texts, place), name));
    if (!vector) return false;
    state.opaque(out, std::move(*vector));
  }
  return true;
}

void finish(AnswerState& state, bool has_vectors, ChatEvents& out) {
  if (!has_vectors)
    return state.fail(out, no_answer_failure("the answer has no list of embeddings"));
  state.reason = FinishReason::stop;
  if (state.usage.reported) state.tell_usage(out);
  state.finish(out);
}

void decode_openai(AnswerState& state, const Json& answer, std::string_view text, ChatEvents& out) {
  state.start(out, text_in(answer, "id"), text_in(answer, "model"));
  const bool has_vectors =
      tell_vectors(state, member_of(answer, "data"), member_text(text, "data"), "embedding", out);
  if (const Json* usage = member_of(answer, "usage")) state.usage = read_openai_usage(*usage);
  finish(state, has_vectors, out);
}

// Models before gemini-embedding-2 report no usage.
void decode_gemini(AnswerState& state, const Json& answer, std::string_view text, ChatEvents& out) {
  state.start(out, {}, {});
  const bool has_vectors = tell_vectors(state, member_of(answer, "embeddings"),
                                        member_text(text, "embeddings"), "values", out);
  if (const Json* usage = member_of(answer, "usageMetadata")) {
    state.usage.reported = counts_in(*usage, {"promptTokenCount"});
    state.usage.input = integer_in(*usage, "promptTokenCount", 0);
  }
  finish(state, has_vectors, out);
}

// Of a vector's numbers as little-endian 32-bit floats.
std::string packed(const Json& numbers) {
  std::string bytes;
  bytes.reserve(numbers.size() * 4);
  for (const Json& number : numbers) {
    const auto value = static_cast<float>(number.get<double>());
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(bits >> shift & 0xffu);
  }
  return bytes;
}

void write_float(float value, std::string& out) {
  std::array<char, 64> digits{};
  // The shortest decimal that is read as this float, the same on every platform.
  char* const end = nlohmann::detail::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

// The numbers of packed floats as a JSON list; nothing for what is none.
std::string listed(std::string_view bytes) {
  std::string list = "[";
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    if (at > 0) list += ',';
    write_float(float_at(bytes, at), list);
  }
  return list + "]";
}

void write_vector(const std::string& text, bool as_base64, JsonWriter& out) {
  const bool is_base64 = !text.empty() && text.front() == '"';
  if (is_base64 == as_base64) return out.raw(text);
  if (is_base64) {
    const auto bytes = from_base64(std::string_view(text).substr(1, text.size() - 2));
    return out.raw(listed(bytes.value_or(std::string())));
  }
  const auto numbers = parse_json(text, wire_json_limits);
  out.text(numbers ? to_base64(packed(*numbers)) : std::string());
}

// OpenAI gives none, and Mistral's SDKs read no answer without: then of what the answer says.
std::string embeddings_id(const ChatAnswer& answer, const AnswerStamp& stamp) {
  if (const std::string_view given = answer_id(stamp, answer); !given.empty())
    return std::string(given);
  Hash64 hash;
  hash.add_bytes(answer_model(stamp, answer));
  for (const ChatPart& part : answer.parts)
    hash.add_bytes(part.extra);
  return joined({"embd-", hex16(hash.value())});
}

}  // namespace

Result<EmbeddingRequest> decode_embedding_request(std::string_view body) {
  auto parsed = parse_client_body(body);
  if (!parsed.ok()) return std::move(parsed.error());
  const Json& json = *parsed;
  EmbeddingRequest request;
  RequestFault fault;
  if (!json.is_object()) {
    fault.set("body", "an object", &json);
    return std::move(*fault.error);
  }
  request.model = read_text(json, "model", "", fault);
  if (request.model.empty()) fault.set("model", "a model's name", member_of(json, "model"));
  read_inputs(json, request, fault);
  read_encoding(json, request, fault);
  read_dimensions(json, request, fault);
  request.task_type = read_text(json, "task_type", "", fault);
  if (request.task_type.size() > embedding_task_type_bytes_max)
    fault.set("task_type", "the name of a task", member_of(json, "task_type"));
  if (fault.error) return std::move(*fault.error);
  request.extra = rest_of(json, {"model", "input", "encoding_format", "dimensions", "task_type"});
  return request;
}

Result<WireRequest> encode_embedding_request(const EmbeddingRequest& request, const Target& target,
                                             std::int64_t dimensions_usual,
                                             std::int64_t read_bytes_max) {
  if (auto fault = fault_for(request, target, dimensions_usual, read_bytes_max))
    return std::move(*fault);
  if (!is_model_name(target.model))
    return make_error("bad_chat_request", {"this is no model's name"}, {"model"}, {}, {});
  if (base_of(target).empty())
    return make_error("bad_chat_request",
                      {"the dialect ", target.dialect->name, " needs a base URL"}, {"base_url"}, {},
                      {});
  WireRequest wire;
  wire.auth = target.dialect->auth;
  wire.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  JsonWriter out;
  if (target.dialect->format == WireFormat::gemini) {
    wire.url = joined({base_of(target), "/models/", target.model, ":batchEmbedContents"});
    write_gemini(request, target, out);
  } else {
    wire.url = base_of(target) + "/embeddings";
    write_openai(request, target, out);
  }
  wire.body = out.take();
  return wire;
}

DecodeWhole embedding_decoder(WireFormat format) {
  return format == WireFormat::gemini ? decode_gemini : decode_openai;
}

std::string encode_embeddings(const ChatAnswer& answer, const AnswerStamp& stamp, bool as_base64,
                              std::int64_t input_tokens) {
  JsonWriter out;
  out.open_object();
  out.text("id", embeddings_id(answer, stamp));
  out.text("object", "list");
  out.open_array("data");
  std::int64_t index = 0;
  for (const ChatPart& part : answer.parts) {
    if (part.kind != PartKind::opaque) continue;
    out.open_object();
    out.text("object", "embedding");
    out.integer("index", index++);
    out.key("embedding");
    write_vector(part.extra, as_base64, out);
    out.close_object();
  }
  out.close_array();
  out.text("model", answer_model(stamp, answer));
  const std::int64_t tokens = answer.usage.reported ? answer.usage.input : input_tokens;
  out.open_object("usage");
  out.integer("prompt_tokens", tokens);
  out.integer("total_tokens", tokens);
  out.close_object();
  out.close_object();
  return out.take();
}

std::string encode_gemini_embeddings(const ChatAnswer& answer, bool as_batch,
                                     std::int64_t input_tokens) {
  JsonWriter out;
  out.open_object();
  if (as_batch) out.open_array("embeddings");
  for (const ChatPart& part : answer.parts) {
    if (part.kind != PartKind::opaque) continue;
    if (as_batch) {
      out.open_object();
    } else {
      out.open_object("embedding");
    }
    out.key("values");
    write_vector(part.extra, false, out);
    out.close_object();
    if (!as_batch) break;
  }
  if (as_batch) out.close_array();
  out.open_object("usageMetadata");
  out.integer("promptTokenCount", answer.usage.reported ? answer.usage.input : input_tokens);
  out.close_object();
  out.close_object();
  return out.take();
}

}  // namespace redoubt::llm
