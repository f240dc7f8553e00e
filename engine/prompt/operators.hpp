// Arithmetic, order and membership of values.
//
// 1. Integers are 64 bits, signed; a result that does not fit is a fault, never a wrap. A quotient
//    of integers that comes out even is an integer.
// 2. Doubles never become infinite or not-a-number: that is a fault.
// 3. Numbers equal each other by value, whatever type holds them.
//
// Internal to engine/prompt.
#pragma once

#include "engine/prompt/evaluator.hpp"

namespace redoubt::prompt {

/// A number as arithmetic sees it.
struct Number {
  bool whole = true;
  std::int64_t integer = 0;
  double real = 0;  ///< the value in any case
};

/// False for what is no number, and for an integer beyond 63 bits.
bool number_of(const Json& value, Number& out);
/// -1, 0 or 1. REQUIRES: both are numbers
int order_numbers(const Json& a, const Json& b);
/// Whether the two can be ordered (numbers, or texts), and how: -1, 0 or 1. Texts by code points.
bool order(const Json& a, const Json& b, int& out);

bool equal(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, bool& out);
bool contains(Evaluator& run, std::uint32_t at, const Json& item, const Json& container, bool& out);
/// `sign` is + - * / % or '#' for //.
bool arithmetic(Evaluator& run, std::uint32_t at, char sign, const Json& a, const Json& b,
                Value& out);
/// An integer where the double is one below 2^53, so that 3.0 and 3 are one value.
Json whole_if_even(double value);

}  // namespace redoubt::prompt
