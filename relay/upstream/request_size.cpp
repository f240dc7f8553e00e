#include "relay/upstream/request_size.hpp"

#include "engine/llm/schema_shape.hpp"

namespace redoubt::upstream {
namespace {

template <class... Texts>
std::size_t text_bytes(const Texts&... texts) {
  return (texts.size() + ...);
}

std::size_t size_of(const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts)
    bytes += sizeof text + text.size();
  return bytes;
}

std::size_t size_of(const llm::ChatPart& part) {
  std::size_t bytes =
      sizeof part + text_bytes(part.text, part.id, part.name, part.arguments, part.media_type,
                               part.data, part.url, part.signature, part.extra);
  for (const llm::ChatPart& inner : part.content)
    bytes += size_of(inner);
  return bytes;
}

std::size_t size_of(const llm::ChatMessage& message) {
  std::size_t bytes = sizeof message + text_bytes(message.name, message.extra);
  for (const llm::ChatPart& part : message.parts)
    bytes += size_of(part);
  return bytes;
}

std::size_t size_of(const llm::ToolDefinition& tool) {
  // What a schema's references and choices may be written out to is made, too.
  return sizeof tool + text_bytes(tool.name, tool.description, tool.parameters, tool.extra) +
         llm::growth_max(tool.parameters);
}

}  // namespace

std::size_t request_size(const llm::ChatRequest& request) {
  std::size_t bytes = sizeof request +
                      text_bytes(request.model, request.tool_choice_name, request.output.name,
                                 request.output.description, request.output.schema,
                                 request.reasoning.effort, request.user, request.extra) +
                      llm::growth_max(request.output.schema);
  for (const llm::ChatMessage& message : request.messages)
    bytes += size_of(message);
  for (const llm::ToolDefinition& tool : request.tools)
    bytes += size_of(tool);
  for (const std::string& stop : request.sampling.stop)
    bytes += sizeof stop + stop.size();
  for (const std::string& beta : request.betas)
    bytes += sizeof beta + beta.size();
  for (const auto& [key, value] : request.metadata)
    bytes += sizeof key + sizeof value + text_bytes(key, value);
  return bytes;
}

std::size_t request_size(const llm::EmbeddingRequest& request) {
  std::size_t bytes = sizeof request + size_of(request.inputs) +
                      text_bytes(request.model, request.task_type, request.title, request.extra);
  for (const std::vector<std::size_t>& ends : request.part_ends)
    bytes += sizeof ends + ends.size() * sizeof ends.front();
  return bytes;
}

std::size_t answer_size(const llm::ChatAnswer& answer) {
  std::size_t bytes = sizeof answer + text_bytes(answer.id, answer.model, answer.reason_detail);
  for (const llm::ChatPart& part : answer.parts)
    bytes += size_of(part) + size_of(part.told);
  const llm::Told& told = answer.told;
  for (const auto* texts : {&told.answer, &told.choice, &told.message, &told.usage, &told.logprobs})
    bytes += size_of(*texts);
  for (const llm::ChatAnswer& other : answer.others)
    bytes += answer_size(other);
  return bytes;
}

}  // namespace redoubt::upstream
