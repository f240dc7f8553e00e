// The API's description, an OpenAPI 3.1 document: made of the routes and of what each service says
// of them.
//
// A service says it in a file beside its routes, NAME.contract.json:
//
//   {"tag": {"name", "description"},
//    "operations": {ID: an operation as OpenAPI has it, without operationId and tags},
//    "parameters": {NAME: ...}, "schemas": {NAME: ...}}
//
// where "#/components/schemas/NAME" is a schema of any service. What no service says alone (info,
// servers, security, the shapes of errors) is the base document.
//
// 1. Every route names its operation (contract::Operation), every operation has one route that it
// is
//    described at, no name is given twice, and every $ref leads to something. Anything else is a
//    mistake of the program, found at the start.
// 2. A refusal has the shape of its route's dialect: "default", and each error of which a service
// says
//    no shape, are those of the base document's responses (Detail, Problem, OpenAIError,
//    AnthropicError, GeminiError).
// 3. The document has services and their operations in the order in which they are given.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/contract/route.hpp"

namespace redoubt::contract {

struct DescriptionTexts {
  std::string_view base;
  std::vector<std::string_view> services;
  std::string_view version;  ///< of the relay
};

/// Throws std::invalid_argument, which names the route, operation or reference at fault.
std::string describe(const Routes& routes, const DescriptionTexts& texts);

}  // namespace redoubt::contract
