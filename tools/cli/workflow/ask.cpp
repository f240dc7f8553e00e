// redoubt workflow ask: one model effect, asked of a server; what `workflow run --model URL` begins
// for each, so that it can wait for many and cancel any.
#include <cstdio>
#include <string>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/terminal.hpp"
#ifdef REDOUBT_ASKS_PROVIDERS
#include "relay/services/runs/model_step.hpp"
#include "relay/upstream/model_ask.hpp"
#endif

namespace redoubt::cli {
namespace {

constexpr const char* token_variable = "REDOUBT_RELAY_TOKEN";

#ifdef REDOUBT_ASKS_PROVIDERS
Json failure_of(const llm::ChatFailure& failure) {
  return {{"code", llm::failure_name(failure.failure_class)}, {"message", failure.message}};
}

Result<Json> ask(const WorkflowAskOptions& o, const std::string& request) {
  auto chat = runs::chat_of(request);
  if (!chat) return chat.error();
  const upstream::ModelServer server{.base_url = o.model,
                                     .token = auth::take_variable(token_variable)};
  chat->model = o.model_name.empty() ? runs::model_name_of(request) : o.model_name;
  if (chat->model.empty()) chat->model = runs::model_default;
  auto answer = upstream::ask_model(server, *chat);
  // As in the relay: a step whose model nobody has is asked of the default.
  const bool unknown =
      answer && answer->failure && answer->failure->failure_class == llm::FailureClass::not_found;
  if (unknown && o.model_name.empty() && chat->model != runs::model_default) {
    chat->model = runs::model_default;
    answer = upstream::ask_model(server, *chat);
  }
  if (!answer) return answer.error();
  if (answer->failure) return Json{{"status", "failed"}, {"outcome", failure_of(*answer->failure)}};
  Json value = runs::answer_of(*answer);
  value["model"] = answer->model;
  value["usage"] = {{"input_tokens", answer->usage.input}, {"output_tokens", answer->usage.output}};
  return Json{{"status", "done"}, {"outcome", std::move(value)}};
}
#else
Result<Json> ask(const WorkflowAskOptions&, const std::string&) {
  return make_error("no_model", {"this build of the command asks no models"}, {}, {}, {});
}
#endif

}  // namespace

int workflow_ask(const WorkflowAskOptions& o) {
  const auto request = read_input("-", request_bytes_max);
  const auto answer = request ? ask(o, *request) : Result<Json>(request.error());
  Json line = {{"status", "failed"}};
  if (answer) {
    line = *answer;
  } else {
    line["outcome"] = {{"code", answer.error().code}, {"message", answer.error().message}};
  }
  std::printf("%s\n", canonical(line).c_str());
  return exit_ok;
}

}  // namespace redoubt::cli
