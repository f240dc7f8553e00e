#include "tools/mock-upstream/provider_checks.hpp"

#include "tools/mock-upstream/provider_families.hpp"

namespace redoubt::mock {

std::string fault_of(std::string_view provider, std::string_view model, const Json& body) {
  if (!body.is_object()) return "no object";
  if (provider == "anthropic") return anthropic_fault(model, body);
  if (provider == "gemini") return gemini_fault(model, body);
  if (provider == "openai-responses") return responses_fault(model, body);
  return chat_fault(provider, model, body);
}

}  // namespace redoubt::mock
