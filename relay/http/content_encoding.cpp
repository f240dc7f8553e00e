#include "relay/http/content_encoding.hpp"

#include <algorithm>

#include "relay/http/message.hpp"

namespace redoubt::http {

namespace {

constexpr int q_one = 1000;
constexpr int q_absent = -1;

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// A qvalue in thousandths: "0.5" is 500. Malformed is 0: not wanted.
int parse_q(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  int q = (text[0] - '0') * q_one;
  if (text.size() > 1 && text[1] != '.') return 0;
  int scale = q_one / 10;
  for (std::size_t i = 2; i < text.size(); ++i, scale /= 10) {
    if (text[i] < '0' || text[i] > '9') return 0;
    q += (text[i] - '0') * scale;
  }
  return std::min(q, q_one);
}

struct Weights {
  int br = q_absent;
  int gzip = q_absent;
  int identity = q_absent;
  int any = q_absent;
};

void read_item(std::string_view item, Weights& weights) {
  const std::size_t semicolon = std::min(item.find(';'), item.size());
  const std::string_view name = trim(item.substr(0, semicolon));
  int q = q_one;
  std::string_view rest = trim(item.substr(std::min(item.size(), semicolon + 1)));
  if (rest.starts_with("q=") || rest.starts_with("Q=")) q = parse_q(rest.substr(2));
  if (equal_ignoring_case(name, "br")) weights.br = q;
  if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) weights.gzip = q;
  if (equal_ignoring_case(name, "identity")) weights.identity = q;
  if (name == "*") weights.any = q;
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::gzip:
      return "gzip";
    case Encoding::br:
      return "br";
    case Encoding::identity:
      break;
  }
  return "";
}

Encoding choose_encoding(std::string_view accept_encoding, AvailableEncodings available) {
  Weights weights;
  while (!accept_encoding.empty()) {
    const std::string_view item = accept_encoding.substr(0, accept_encoding.find(','));
    read_item(item, weights);
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), item.size() + 1));
  }
  const auto weight = [&](int own) { return own != q_absent ? own : std::max(weights.any, 0); };
  const int br = available.br ? weight(weights.br) : 0;
  const int gzip = available.gzip ? weight(weights.gzip) : 0;
  // Identity needs no naming; it is the last choice unless it is given a weight of its own.
  const int identity = std::max(weights.identity, 0);
  if (br > 0 && br >= gzip && br >= identity) return Encoding::br;
  if (gzip > 0 && gzip >= identity) return Encoding::gzip;
  return Encoding::identity;
}

}  // namespace redoubt::http
