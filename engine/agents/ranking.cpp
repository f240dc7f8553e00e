#include "engine/agents/ranking.hpp"

#include "engine/base/ascii.hpp"

#include <cmath>
#include <limits>
#include <map>

namespace redoubt::agents {
namespace {

constexpr std::int64_t kK1Permille = 1200;
constexpr std::int64_t kBPermille = 750;
/// Of a document: more of them add nothing to its rank.
constexpr std::size_t kDocumentTermsMax = 20000;

bool in_word(char c) {
  return is_ascii_alnum(c) || static_cast<unsigned char>(c) >= 0x80;
}

// One word after the other, in a text that is used again.
template <class See>
void each_term(std::string_view text, std::size_t terms_max, const See& see) {
  std::string word;
  for (std::size_t at = 0; at <= text.size() && terms_max > 0; ++at) {
    if (at < text.size() && in_word(text[at])) {
      const char c = text[at];
      word.push_back(ascii_lower(c));
    } else if (!word.empty()) {
      see(word);
      --terms_max;
      word.clear();
    }
  }
}

}  // namespace

std::vector<std::string> terms_of(std::string_view text, std::size_t terms_max) {
  std::vector<std::string> terms;
  each_term(text, terms_max, [&](const std::string& term) { terms.push_back(term); });
  return terms;
}

std::int64_t log2_q16(std::uint64_t numerator, std::uint64_t denominator) {
  std::int64_t whole = 0;
  // The ratio as 1.31 fixed point in [1, 2), its exponent apart.
  while (numerator / denominator >= 2 &&
         denominator <= std::numeric_limits<std::uint64_t>::max() / 2) {
    denominator *= 2;
    ++whole;
  }
  while (numerator > std::numeric_limits<std::uint32_t>::max()) {
    numerator /= 2;
    denominator = denominator / 2 == 0 ? 1 : denominator / 2;
  }
  std::uint64_t x = (numerator << 31) / denominator;
  std::int64_t fraction = 0;
  for (int bit = 0; bit < 16; ++bit) {
    x = (x * x) >> 31;
    fraction *= 2;
    if (x >= (std::uint64_t{2} << 31)) {
      x /= 2;
      ++fraction;
    }
  }
  return whole * 65536 + fraction;
}

std::vector<std::int64_t> bm25(const std::vector<std::string_view>& documents,
                               std::string_view query, std::size_t query_terms_max) {
  std::vector<std::int64_t> scores(documents.size(), 0);
  std::map<std::string, std::vector<std::int64_t>, std::less<>> counts;
  for (std::string& term : terms_of(query, query_terms_max))
    counts.emplace(std::move(term), std::vector<std::int64_t>(documents.size(), 0));
  std::vector<std::int64_t> lengths(documents.size(), 0);
  std::int64_t total = 0;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    each_term(documents[d], kDocumentTermsMax, [&](const std::string& term) {
      ++lengths[d];
      if (const auto found = counts.find(term); found != counts.end()) ++found->second[d];
    });
    total += lengths[d];
  }
  if (total == 0) return scores;
  const auto all = static_cast<std::int64_t>(documents.size());
  for (const auto& [term, count] : counts) {
    std::int64_t with = 0;
    for (const std::int64_t times : count)
      with += times > 0 ? 1 : 0;
    // ln(1 + (N - n + 0.5) / (n + 0.5)), to another base: the order is the same.
    const std::int64_t idf =
        log2_q16(static_cast<std::uint64_t>(2 * all + 2), static_cast<std::uint64_t>(2 * with + 1));
    for (std::size_t d = 0; d < documents.size(); ++d) {
      if (count[d] == 0) continue;
      const std::int64_t length_permille =
          1000 - kBPermille + kBPermille * lengths[d] * all / total;
      const std::int64_t weight = count[d] * 1000 + kK1Permille * length_permille / 1000;
      scores[d] += idf * count[d] * (1000 + kK1Permille) / weight;
    }
  }
  return scores;
}

std::int64_t cosine_millionths(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return 0;
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  const double length = std::sqrt(aa) * std::sqrt(bb);
  if (!(length > 0) || !(length < 1e300)) return 0;
  return static_cast<std::int64_t>(dot / length * 1e6);
}

}  // namespace redoubt::agents
