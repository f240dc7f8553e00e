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

void read_text_part(const Json& json, const std::string& path, EmbeddingRequest& request,
                    RequestFault& fault) {
  const Json* parts = member_of(member_of(json, "content"), "parts");
  const bool is_one = parts != nullptr && parts->is_array() && parts->size() == 1;
  const Json* text = is_one ? member_of(parts->front(), "text") : nullptr;
  if (text == nullptr || !text->is_string())
    return fault.set(path + "content.parts", "one part with a text", parts);
  request.inputs.emplace_back(text_of(text));
}

// What the vectors depend on is one for all of a batch.
void read_settings(const Json& json, const std::string& path, EmbeddingRequest& request,
                   RequestFault& fault) {
  const bool is_first = request.inputs.size() == 1;
  const Json* task = either(json, "taskType", "task_type");
  const std::string_view task_type = text_of(task);
  if (task_type.size() > embedding_task_type_bytes_max || (task != nullptr && task_type.empty()))
    return fault.set(path + "taskType", "the name of a task", task);
  const Json* wanted = either(json, "outputDimensionality", "output_dimensionality");
  std::optional<std::int64_t> dimensions;
  if (wanted != nullptr) {
    dimensions = integer_of(wanted, 0);
    if (*dimensions < 1 || *dimensions > embedding_dimensions_max)
      return fault.set(path + "outputDimensionality",
                       joined({"a whole number from 1 to ", embedding_dimensions_max}), wanted);
  }
  if (is_first) {
    request.task_type = task_type;
    request.dimensions = dimensions;
    return;
  }
  if (task_type != request.task_type)
    return fault.set(path + "taskType", "the one of requests[0]", task);
  if (dimensions != request.dimensions)
    fault.set(path + "outputDimensionality", "the one of requests[0]", wanted);
}

void read_one(const Json& json, const std::string& path, EmbeddingRequest& request,
              RequestFault& fault) {
  if (!json.is_object())
    return fault.set(path.empty() ? "body" : path.substr(0, path.size() - 1), "an object", &json);
  for (const auto& [name, value] : json.items()) {
    bool known = value.is_null();
    for (const char* one : {"model", "content", "taskType", "task_type", "outputDimensionality",
                            "output_dimensionality"})
      known = known || name == one;
    if (!known)
      return fault.set(path + name, "only content, taskType and outputDimensionality", &value);
  }
  read_text_part(json, path, request, fault);
  if (!fault.error) read_settings(json, path, request, fault);
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
