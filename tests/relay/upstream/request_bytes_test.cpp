#include "relay/upstream/request_bytes.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>

using namespace redoubt;
using upstream::request_bytes;

namespace {

llm::ChatRequest plain() {
  llm::ChatRequest request;
  request.model = "m";
  request.messages.push_back(llm::text_message(llm::Role::user, "Where to?"));
  return request;
}

using Change = std::function<void(llm::ChatRequest&)>;

}  // namespace

TEST_CASE("a request's bytes tell whatever a model would be asked differently") {
  const Change changes[] = {
      [](auto&) {},
      [](auto& r) { r.model = "n"; },
      [](auto& r) { r.messages[0].parts[0].text = "Where from?"; },
      [](auto& r) { r.messages[0].role = llm::Role::system; },
      [](auto& r) { r.messages[0].name = "ada"; },
      [](auto& r) { r.messages.push_back(llm::text_message(llm::Role::user, "")); },
      [](auto& r) { r.messages[0].parts.emplace_back(); },
      [](auto& r) { r.messages[0].parts[0].content.emplace_back(); },
      [](auto& r) { r.messages[0].parts[0].is_error = true; },
      [](auto& r) { r.messages[0].parts[0].data = "Where to?"; },
      [](auto& r) { r.messages[0].parts[0].url = "Where to?"; },
      [](auto& r) { r.tools.emplace_back().name = "move"; },
      [](auto& r) { r.tools.emplace_back().description = "move"; },
      [](auto& r) { r.tools.emplace_back().strict = false; },
      [](auto& r) { r.tools.emplace_back().strict = true; },
      [](auto& r) { r.tool_choice = llm::ToolChoice::required; },
      [](auto& r) { r.tool_choice_name = "move"; },
      [](auto& r) { r.parallel_tools = false; },
      [](auto& r) { r.parallel_tools = true; },
      [](auto& r) { r.output.kind = llm::OutputKind::json; },
      [](auto& r) { r.output.schema = "{}"; },
      [](auto& r) { r.output.strict = true; },
      [](auto& r) { r.sampling.temperature = 0; },
      [](auto& r) { r.sampling.temperature = 0.5; },
      [](auto& r) { r.sampling.top_p = 0.5; },
      [](auto& r) { r.sampling.top_k = 1; },
      [](auto& r) { r.sampling.seed = 1; },
      [](auto& r) {
        r.sampling.stop = {"a", "b"};
      },
      [](auto& r) { r.sampling.stop = {"ab"}; },
      [](auto& r) { r.reasoning.effort = "low"; },
      [](auto& r) { r.reasoning.budget_tokens = 0; },
      [](auto& r) { r.reasoning.summary = true; },
      [](auto& r) { r.output_tokens_max = 1; },
      [](auto& r) { r.format = llm::WireFormat::anthropic; },
      [](auto& r) { r.extra = "{}"; },
  };
  std::set<std::string> seen;
  for (const Change& change : changes) {
    llm::ChatRequest request = plain();
    change(request);
    CHECK(seen.insert(request_bytes(request)).second);
    CHECK(seen.contains(request_bytes(request)));
  }
}

TEST_CASE("a request's bytes leave out what does not change the answer") {
  const Change changes[] = {
      [](auto& r) { r.stream = true; },
      [](auto& r) { r.stream_usage = true; },
      [](auto& r) { r.user = "ada"; },
      [](auto& r) { r.metadata.emplace_back("a", "b"); },
  };
  for (const Change& change : changes) {
    llm::ChatRequest request = plain();
    change(request);
    CHECK(request_bytes(request) == request_bytes(plain()));
  }
}
