// A line is a regular expression or an error at one of its bytes; whether it is found in what
// follows the line does not depend on groups or alternatives that mean nothing.
#include <cstdlib>
#include <string>

#include "engine/schema/pattern.hpp"

using namespace redoubt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kTextBytes = 1024;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t end = bytes.find('\n');
  const std::string source(bytes.substr(0, end));
  const auto pattern = schema::Pattern::compile(source);
  if (!pattern) {
    const auto column = static_cast<std::size_t>(pattern.error().column);
    if (pattern.error().message.empty() || column > source.size() + 1) std::abort();
    return 0;
  }
  const std::string_view text =
      end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1, kTextBytes);
  const bool found = pattern->found_in(text);
  for (const std::string& same :
       {"(?:" + source + ")", "(" + source + "){1}", "(?:" + source + ")|(?:" + source + ")"}) {
    const auto other = schema::Pattern::compile(same);
    if (other && other->found_in(text) != found) std::abort();
  }
  return 0;
}
