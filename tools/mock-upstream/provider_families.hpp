// What provider_checks.hpp chooses from: one check a family of formats, each in its own file. Pure.
#pragma once

#include <string>
#include <string_view>

#include "tools/mock-upstream/request_members.hpp"

namespace redoubt::mock {

/// Chat completions, as OpenAI and all who speak its format take them.
std::string chat_fault(std::string_view provider, std::string_view model, const Json& body);
/// OpenAI's Responses.
std::string responses_fault(std::string_view model, const Json& body);
/// Anthropic's Messages.
std::string anthropic_fault(std::string_view model, const Json& body);
/// Gemini's generateContent.
std::string gemini_fault(std::string_view model, const Json& body);

}  // namespace redoubt::mock
