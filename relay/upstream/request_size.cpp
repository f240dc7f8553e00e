#include "relay/upstream/request_size.hpp"

#include "engine/llm/schema_shape.hpp"

namespace redoubt::upstream {
namespace {

template <class... Texts>
std::size_t text_bytes(const Texts&... texts) {
  return (texts.size() + ...);
}

// What an element of a list owns beside its own size.
std::size_t owned_bytes(const llm::ChatPart& part);
std::size_t owned_bytes(const llm::ChatMessage& message);
std::size_t owned_bytes(const llm::ToolDefinition& tool);

std::size_t owned_bytes(const std::string& text) {
  return text.size();
}

std::size_t owned_bytes(const std::pair<std::string, std::string>& texts) {
  return text_bytes(texts.first, texts.second);
}

// A list that grew has room for up to twice its elements.
template <class Element>
std::size_t size_of(const std::vector<Element>& list) {
  std::size_t bytes = list.capacity() * sizeof(Element);
  for (const Element& element : list)
    bytes += owned_bytes(element);
  return bytes;
}

std::size_t owned_bytes(const llm::ChatPart& part) {
  return text_bytes(part.text, part.id, part.name, part.arguments, part.media_type, part.data,
                    part.url, part.signature, part.extra) +
         size_of(part.content);
}

std::size_t owned_bytes(const llm::ChatMessage& message) {
  return text_bytes(message.name, message.extra) + size_of(message.parts);
}

std::size_t owned_bytes(const llm::ToolDefinition& tool) {
  // What a schema's references and choices may be written out to is made, too.
  return text_bytes(tool.name, tool.description, tool.parameters, tool.extra) +
         llm::growth_max(tool.parameters);
}

}  // namespace

std::size_t request_size(const llm::ChatRequest& request) {
  return sizeof request +
         text_bytes(request.model, request.tool_choice_name, request.output.name,
                    request.output.description, request.output.schema, request.reasoning.effort,
                    request.user, request.extra) +
         llm::growth_max(request.output.schema) + size_of(request.messages) +
         size_of(request.tools) + size_of(request.sampling.stop) + size_of(request.betas) +
         size_of(request.metadata);
}

std::size_t texts_size(const std::vector<std::string>& texts) {
  return size_of(texts);
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
    bytes += sizeof part + owned_bytes(part) + size_of(part.reported);
  const llm::Reported& reported = answer.reported;
  for (const auto* texts :
       {&reported.answer, &reported.choice, &reported.message, &reported.usage, &reported.logprobs})
    bytes += size_of(*texts);
  for (const llm::ChatAnswer& other : answer.others)
    bytes += answer_size(other);
  return bytes;
}

}  // namespace redoubt::upstream
