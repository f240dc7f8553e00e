// Any text is an expression or an error; an expression gives the same value twice, or ends in an
// error, within its bounds. A first line that is a JSON object is the scope.
#include <cstdlib>
#include <string_view>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/prompt/expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  Json scope = Json::object();
  if (line != text.npos) {
    auto read = parse_json(text.substr(0, line));
    if (read && read->is_object()) {
      scope = *read;
      text.remove_prefix(line + 1);
    }
  }
  const auto expression = prompt::Expression::compile(text);
  if (!expression)
    return expression.error().line > 0 || size > prompt::source_bytes_max ? 0 : (std::abort(), 0);
  const prompt::Limits limits{.work_max = 20'000, .text_bytes_max = 100'000, .items_max = 2'000};
  const auto first = expression->evaluate(scope, limits);
  const auto second = expression->evaluate(scope, limits);
  if (first.ok() != second.ok()) std::abort();
  if (first && canonical(*first) != canonical(*second)) std::abort();
  return 0;
}
