// Visible text: what a person who reads a list or a log sees as it is, and can tell from another.
//
// Hidden is what shows nothing and changes how the rest is shown or compared: controls (C0, DEL,
// C1), line and paragraph separators, bidirectional marks, embeddings, overrides and isolates
// (Trojan Source, CVE-2021-42574), zero width and the other default-ignorable characters (Unicode
// 15, DerivedCoreProperties: Default_Ignorable_Code_Point), annotations and noncharacters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt {

bool is_hidden(std::uint32_t code_point);

/// Well-formed UTF-8 (so no surrogates) without hidden characters. An empty text is visible.
bool is_visible_text(std::string_view text);

/// The code point of the sequence at `at`. REQUIRES: utf8_length(text, at) == length > 0
std::uint32_t code_point_at(std::string_view text, std::size_t at, std::size_t length);

/// Appends the code point as JSON spells one that is not to be shown as it is (RFC 8259 7): \u202e,
/// pairs over U+FFFF.
void append_escape(std::string& out, std::uint32_t code_point);

}  // namespace redoubt
