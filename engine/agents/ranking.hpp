// Ranking: which of many short texts answer a query best.
//
// BM25 (Robertson, Walker et al., 1994) with k1 = 1.2 and b = 0.75 in whole numbers: the idf's
// logarithm is computed bit by bit, so that every build gives the same order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::agents {

/// Words in lower case: letters and digits of ASCII, and every byte beyond.
std::vector<std::string> terms_of(std::string_view text, std::size_t terms_max);

/// Base-2 logarithm of numerator / denominator, in 1/65536. REQUIRES: both > 0, numerator >= it
std::int64_t log2_q16(std::uint64_t numerator, std::uint64_t denominator);

/// A score for each document, 0 where it shares no term with the query.
std::vector<std::int64_t> bm25(const std::vector<std::string_view>& documents,
                               std::string_view query, std::size_t query_terms_max);

/// The cosine in millionths, 0 where the lengths differ or one is nothing but zeros.
std::int64_t cosine_millionths(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace redoubt::agents
