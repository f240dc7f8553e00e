#include "engine/schema/numbers.hpp"

#include <cmath>
#include <cstdint>
#include <string>

#include "engine/base/canonical_json.hpp"

namespace redoubt::schema {
namespace {

// A number as digits * 10^exponent, from the shortest text that reads back as the same number.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};
Decimal decimal(const Json& number) {
  Decimal result;
  bool fraction = false;
  const std::string text = canonical(number);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') fraction = true;
    if (c == 'e') {
      int power = 0;
      const bool minus = text[i + 1] == '-';
      for (std::size_t k = i + 1; k < text.size(); ++k)
        if (text[k] >= '0' && text[k] <= '9') power = power * 10 + (text[k] - '0');
      result.exponent += minus ? -power : power;
      break;
    }
    if (c < '0' || c > '9') continue;
    result.digits = result.digits * 10 + static_cast<std::uint64_t>(c - '0');
    if (fraction) --result.exponent;
  }
  while (result.digits != 0 && result.digits % 10 == 0) {
    result.digits /= 10;
    ++result.exponent;
  }
  return result;
}

}  // namespace

int compare(const Json& a, const Json& b) {
  if (a.is_number_float() && b.is_number_float()) {
    const double x = a.get<double>(), y = b.get<double>();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_number_float()) return -compare(b, a);
  const bool a_negative = !a.is_number_unsigned() && a.get<std::int64_t>() < 0;
  if (b.is_number_float()) {
    const double y = b.get<double>();
    if (y >= 18446744073709551616.0) return -1;
    if (y < -9223372036854775808.0) return 1;
    const double whole = std::floor(y);
    if (a_negative != (whole < 0)) return a_negative ? -1 : 1;
    if (a_negative) {
      const auto x = a.get<std::int64_t>(), w = static_cast<std::int64_t>(whole);
      return x < w ? -1 : x > w ? 1 : y > whole ? -1 : 0;
    }
    const auto x = a.get<std::uint64_t>(), w = static_cast<std::uint64_t>(whole);
    return x < w ? -1 : x > w ? 1 : y > whole ? -1 : 0;
  }
  const bool b_negative = !b.is_number_unsigned() && b.get<std::int64_t>() < 0;
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  const auto x = a.get<std::uint64_t>(), y = b.get<std::uint64_t>();
  return x < y ? -1 : x > y ? 1 : 0;
}

bool is_multiple(const Json& value, const Json& of) {
  __extension__ using Wide = unsigned __int128;
  const Decimal a = decimal(value), b = decimal(of);
  if (a.digits == 0) return true;
  if (b.digits == 0 || a.exponent < b.exponent) return false;
  std::uint64_t rest = a.digits % b.digits;
  for (int i = b.exponent; i < a.exponent && rest != 0; ++i)
    rest = static_cast<std::uint64_t>(Wide(rest) * 10 % b.digits);
  return rest == 0;
}

}  // namespace redoubt::schema
