// What providers refuse: a request's body against its provider's own rules.
//
// Written from the providers' manuals and error texts (2026-11-29), apart from the codecs and their
// tables: tests hold the one against the other. A provider that is not known is taken for one with
// OpenAI's format and none of its limits. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace redoubt::mock {

/// The first fault that the provider would find, "" for none. `provider` is a dialect's name
/// ("openai", "openai-responses", "anthropic", "gemini", "mistral" ...); `model` as asked for.
std::string fault_of(std::string_view provider, std::string_view model, const nlohmann::json& body);

}  // namespace redoubt::mock
