// A client's Gemini embedContent or batchEmbedContents request as a neutral one.
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/embeddings.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

// A member's name as JSON writes it, or as protocol buffers do: Google's servers read both.
const Json* either(const Json& json, const char* name, const char* proto_name) {
  const Json* value = member_of(json, name);
  return value != nullptr ? value : member_of(json, proto_name);
}

void read_texts(const Json& json, const std::string& path, EmbeddingRequest& request,
                RequestFault& fault) {
  const Json* parts = member_of(member_of(json, "content"), "parts");
  if (parts == nullptr || !parts->is_array() || parts->empty())
    return fault.set(path + "content.parts", "a list of parts, each with a text", parts);
  std::string all;
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const Json* text = member_of((*parts)[i], "text");
    if (text == nullptr || !text->is_string())
      return fault.set(indexed(path + "content.parts", i), "a part with a text", &(*parts)[i]);
    if (i > 0) {
      ends.push_back(all.size());
      all += '\n';
    }
    all += text_of(text);
  }
  if (!ends.empty()) request.part_ends.resize(request.inputs.size());
  if (!ends.empty() || !request.part_ends.empty()) request.part_ends.push_back(std::move(ends));
  request.inputs.push_back(std::move(all));
}

struct Settings {
  std::string_view task_type;
  std::string_view title;
  std::optional<std::int64_t> dimensions;
};

std::string_view read_short(const Json* text, std::size_t bytes_max, std::string path,
                            std::string_view expected, RequestFault& fault) {
  if (text == nullptr) return {};
  const std::string_view value = text_of(text);
  if (value.empty() || value.size() > bytes_max) fault.set(std::move(path), expected, text);
  return value;
}

// What the vectors depend on is one for all of a batch.
void read_settings(const Json& json, const std::string& path, EmbeddingRequest& request,
                   RequestFault& fault) {
  Settings given;
  const Json* task = either(json, "taskType", "task_type");
  given.task_type = read_short(task, embedding_task_type_bytes_max, path + "taskType",
                               "the name of a task", fault);
  const Json* title = member_of(json, "title");
  given.title =
      read_short(title, embedding_title_bytes_max, path + "title",
                 joined({"a text of at most ", embedding_title_bytes_max, " bytes"}), fault);
  const Json* wanted = either(json, "outputDimensionality", "output_dimensionality");
  if (wanted != nullptr) {
    given.dimensions = integer_of(wanted, 0);
    if (*given.dimensions < 1 || *given.dimensions > embedding_dimensions_max)
      return fault.set(path + "outputDimensionality",
                       joined({"a whole number from 1 to ", embedding_dimensions_max}), wanted);
  }
  const bool is_first = request.inputs.size() == 1;
  if (is_first) {
    request.task_type = given.task_type;
    request.title = given.title;
    request.dimensions = given.dimensions;
    return;
  }
  if (given.task_type != request.task_type)
    return fault.set(path + "taskType", "the one of requests[0]", task);
  if (given.title != request.title)
    return fault.set(path + "title", "the one of requests[0]", title);
  if (given.dimensions != request.dimensions)
    fault.set(path + "outputDimensionality", "the one of requests[0]", wanted);
}

constexpr const char* setting_names[] = {"taskType", "task_type", "outputDimensionality",
                                         "output_dimensionality", "title"};

// Settings stand beside the content, or in an object of their own.
void check_names(const Json& json, const std::string& path, bool is_config, RequestFault& fault) {
  for (const auto& [name, value] : json.items()) {
    bool known = value.is_null() || (is_config && name == "autoTruncate" && value == true);
    for (const char* one : setting_names)
      known = known || name == one;
    for (const char* one : {"model", "content", "embedContentConfig", "embed_content_config"})
      known = known || (!is_config && name == one);
    if (!known)
      return fault.set(path + name, "only content, taskType, title and outputDimensionality",
                       &value);
  }
}

void read_one(const Json& json, const std::string& path, EmbeddingRequest& request,
              RequestFault& fault) {
  if (!json.is_object())
    return fault.set(path.empty() ? "body" : path.substr(0, path.size() - 1), "an object", &json);
  check_names(json, path, false, fault);
  if (!fault.error) read_texts(json, path, request, fault);
  if (fault.error) return;
  const Json* config = either(json, "embedContentConfig", "embed_content_config");
  if (config == nullptr) return read_settings(json, path, request, fault);
  const std::string inner = path + "embedContentConfig";
  if (!config->is_object()) return fault.set(inner, "an object", config);
  for (const char* name : setting_names)
    if (const Json* beside = member_of(json, name))
      return fault.set(path + name, "nothing beside embedContentConfig", beside);
  check_names(*config, inner + ".", true, fault);
  if (!fault.error) read_settings(*config, inner + ".", request, fault);
}

}  // namespace

Result<EmbeddingRequest> decode_gemini_embedding_request(std::string_view body, bool as_batch) {
  auto parsed = parse_client_body(body);
  if (!parsed.ok()) return std::move(parsed.error());
  EmbeddingRequest request;
  RequestFault fault;
  if (!as_batch) {
    read_one(*parsed, "", request, fault);
    if (fault.error) return std::move(*fault.error);
    return request;
  }
  const Json* list = member_of(*parsed, "requests");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > embedding_inputs_max)
    fault.set("requests", joined({"a list of 1 to ", embedding_inputs_max, " requests"}), list);
  for (std::size_t i = 0; !fault.error && i < list->size(); ++i)
    read_one((*list)[i], indexed("requests", i) + ".", request, fault);
  if (fault.error) return std::move(*fault.error);
  return request;
}

}  // namespace redoubt::llm
