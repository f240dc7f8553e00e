// What a JSON Schema says in a roundabout way, said straight: for providers that do not follow it.
//
// 1. No step loses a property: what cannot be merged is told in the description.
// 2. Bounded: where a schema grows over shaped_parts_max parts or by more than growth_max() bytes,
//    or its references lead deeper than open_refs_max, what is left of them stays as objects of any
//    shape, with their name in the description. Whoever converts several adds their growths up.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace redoubt::llm {

constexpr std::size_t shaped_parts_max = 20'000;
constexpr std::size_t open_refs_max = 64;  ///< references inside of one another

/// By how many bytes a schema of this text may grow where references and choices are written out;
/// 0 where it has none.
std::size_t growth_max(std::string_view schema);

/// Every `$ref` with what it names in its place, and what stands beside it over that; no
/// definitions. A reference to what it is in becomes an object of any shape. `growth`: how many
/// bytes may be copied.
void inline_refs(nlohmann::json& schema, std::size_t growth);

/// Whether a reference leads back to what it is in, or deeper than open_refs_max.
bool is_recursive(const nlohmann::json& schema);

/// Puts one schema's demands to another's: properties and required together, of all else the first.
void merge_schema(nlohmann::json& into, const nlohmann::json& other);

/// A tool's schema as OpenAI's and Anthropic's APIs want its root: an object with `properties`, and
/// no combination of schemas. Byte for byte where it is that already.
std::string rooted_schema(std::string_view schema);

}  // namespace redoubt::llm
