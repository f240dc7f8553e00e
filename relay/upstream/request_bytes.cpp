#include "relay/upstream/request_bytes.hpp"

#include <bit>

#include "engine/base/bytes.hpp"

namespace redoubt::upstream {
namespace {

template <class Enum>
void put_enum(ByteWriter& out, Enum value) {
  out.u8(static_cast<std::uint8_t>(value));
}
void put(ByteWriter& out, const std::optional<bool>& value) {
  out.u8(value ? (*value ? 2 : 1) : 0);
}
void put(ByteWriter& out, const std::optional<std::int64_t>& value) {
  out.u8(value ? 1 : 0);
  out.u64(static_cast<std::uint64_t>(value.value_or(0)));
}
void put(ByteWriter& out, const std::optional<double>& value) {
  out.u8(value ? 1 : 0);
  out.u64(std::bit_cast<std::uint64_t>(value.value_or(0)));
}
void put_count(ByteWriter& out, std::size_t count) {
  out.u64(count);
}

void put(ByteWriter& out, const llm::ChatPart& part) {
  put_enum(out, part.kind);
  for (const std::string* text : {&part.text, &part.id, &part.name, &part.arguments,
                                  &part.media_type, &part.data, &part.url, &part.signature})
    out.text(*text);
  out.u8(part.redacted ? 1 : 0);
  out.u8(part.is_error ? 1 : 0);
  put_enum(out, part.format);
  put_enum(out, part.signed_by);
  out.text(part.extra);
  // As deep as a decoder of requests lets them be.
  put_count(out, part.content.size());
  for (const llm::ChatPart& inner : part.content)
    put(out, inner);
}

void put(ByteWriter& out, const llm::ChatMessage& message) {
  put_enum(out, message.role);
  out.text(message.name);
  put_enum(out, message.format);
  out.text(message.extra);
  put_count(out, message.parts.size());
  for (const llm::ChatPart& part : message.parts)
    put(out, part);
}

void put(ByteWriter& out, const llm::ToolDefinition& tool) {
  for (const std::string* text : {&tool.name, &tool.description, &tool.parameters, &tool.extra})
    out.text(*text);
  put(out, tool.strict);
  put_enum(out, tool.format);
  out.u8(tool.opaque ? 1 : 0);
}

void put(ByteWriter& out, const llm::OutputFormat& output) {
  put_enum(out, output.kind);
  for (const std::string* text : {&output.name, &output.description, &output.schema})
    out.text(*text);
  put(out, output.strict);
}

void put(ByteWriter& out, const llm::Sampling& sampling) {
  put(out, sampling.temperature);
  put(out, sampling.top_p);
  put(out, sampling.top_k);
  put(out, sampling.frequency_penalty);
  put(out, sampling.presence_penalty);
  put(out, sampling.seed);
  put_count(out, sampling.stop.size());
  for (const std::string& stop : sampling.stop)
    out.text(stop);
}

}  // namespace

std::string request_bytes(const llm::ChatRequest& request) {
  ByteWriter out;
  out.text(request.model);
  put_count(out, request.messages.size());
  for (const llm::ChatMessage& message : request.messages)
    put(out, message);
  put_count(out, request.tools.size());
  for (const llm::ToolDefinition& tool : request.tools)
    put(out, tool);
  put_enum(out, request.tool_choice);
  out.text(request.tool_choice_name);
  put(out, request.parallel_tools);
  put(out, request.output);
  put(out, request.sampling);
  out.text(request.reasoning.effort);
  put(out, request.reasoning.budget_tokens);
  out.u8(request.reasoning.summary ? 1 : 0);
  put(out, request.output_tokens_max);
  put_enum(out, request.format);
  out.text(request.extra);
  put_count(out, request.betas.size());
  for (const std::string& beta : request.betas)
    out.text(beta);
  return out.take();
}

CacheKey answer_key(std::string_view tenant, const llm::ChatRequest& request) {
  return cache_key(tenant, request_bytes(request));
}

}  // namespace redoubt::upstream
