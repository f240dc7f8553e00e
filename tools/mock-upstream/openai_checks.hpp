// What OpenAI refuses in chat completions and in Responses alike. Pure.
#pragma once

#include <string>
#include <string_view>

#include "tools/mock-upstream/request_members.hpp"
#include "tools/mock-upstream/schema_checks.hpp"

namespace redoubt::mock {

/// Of a schema that is strict.
extern const SchemaRules openai_strict;

/// A file's data is a data: URL, and its name is known by its ending.
std::string file_fault(const Json& file, bool pdf_only);

/// What a model that thinks does not take.
std::string openai_model_fault(std::string_view model, std::string_view effort, const Json& body);

}  // namespace redoubt::mock
