// Any bytes from a client are a request or an error with a message; a request is encoded for every
// provider as valid JSON, or refused; as it is, and without what is not passed on.
#include <cstdlib>

#include "engine/base/json.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"

namespace {

void encode_for_all(const redoubt::llm::ChatRequest& request) {
  using namespace redoubt::llm;
  for (const Dialect& dialect : dialects()) {
    Target target;
    target.dialect = &dialect;
    target.base_url = "https://provider.example/v1";
    const auto wire = encode_request(request, target);
    if (!wire.ok()) continue;
    if (!redoubt::parse_json(wire->body, {64u << 20, 140}).ok()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  using namespace redoubt::llm;
  if (size == 0) return 0;
  constexpr WireFormat formats[] = {WireFormat::openai_chat, WireFormat::openai_responses,
                                    WireFormat::anthropic, WireFormat::gemini};
  auto request = decode_client_request(formats[data[0] % 4],
                                       {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!request.ok()) {
    if (request.error().message.empty()) std::abort();
    return 0;
  }
  encode_for_all(*request);
  if (const auto held = hold_to_allowed(*request, {}); !held.ok()) {
    if (held.error().message.empty()) std::abort();
    return 0;
  }
  encode_for_all(*request);
  return 0;
}
