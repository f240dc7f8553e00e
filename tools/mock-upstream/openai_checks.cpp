#include "tools/mock-upstream/openai_checks.hpp"

namespace redoubt::mock {
namespace {

// The words of effort that a model takes; none where nothing is known.
std::vector<std::string_view> openai_efforts(std::string_view model) {
  if (starts(model, {"gpt-6-astra", "gpt-6.1-sol"}))
    return {"low", "medium", "high", "xhigh", "max"};
  if (starts(model, {"gpt-6"})) return {"none", "low", "medium", "high", "xhigh", "max"};
  if (starts(model, {"gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro"}))
    return {"medium", "high", "xhigh"};
  if (starts(model, {"gpt-5-pro"})) return {"high"};
  if (starts(model, {"gpt-5.1"})) return {"none", "low", "medium", "high"};
  if (starts(model, {"gpt-5."})) return {"none", "low", "medium", "high", "xhigh"};
  if (starts(model, {"gpt-5"})) return {"minimal", "low", "medium", "high"};
  if (starts(model, {"o1", "o3", "o4"})) return {"low", "medium", "high"};
  return {};
}

}  // namespace

const SchemaRules openai_strict{.refused = {"minLength",
                                            "maxLength",
                                            "minProperties",
                                            "maxProperties",
                                            "patternProperties",
                                            "propertyNames",
                                            "uniqueItems",
                                            "contains",
                                            "minContains",
                                            "maxContains",
                                            "unevaluatedItems",
                                            "unevaluatedProperties",
                                            "default",
                                            "oneOf",
                                            "allOf",
                                            "not",
                                            "if",
                                            "then",
                                            "else",
                                            "$schema",
                                            "$id",
                                            "examples"},
                                .formats = {"date-time", "time", "date", "duration", "email",
                                            "hostname", "ipv4", "ipv6", "uuid"},
                                .all_required = true,
                                .closed = true,
                                .typed = true,
                                .alone_ref = true,
                                .depth_max = 10,
                                .properties_max = 5'000};

std::string file_fault(const Json& file, bool pdf_only) {
  const std::string url = text_in(file, "file_data");
  const std::string name = text_in(file, "filename");
  const std::size_t mark = url.find(";base64,");
  if (name.empty()) return "a file without a name";
  if (!starts(url, {"data:"}) || mark == url.npos || !is_base64(url.substr(mark + 8)))
    return "file_data";
  const bool pdf = starts(url, {"data:application/pdf;"});
  const bool named = name.size() > 4 && name.substr(name.size() - 4) == ".pdf";
  return (pdf_only && !pdf) || pdf != named ? "the kind of a file" : "";
}

std::string openai_model_fault(std::string_view model, std::string_view effort, const Json& body) {
  const std::vector<std::string_view> taken = openai_efforts(model);
  if (taken.empty()) {
    const bool silent = starts(model, {"gpt-4", "gpt-3"});
    return silent && !effort.empty() ? "reasoning effort for a model without" : "";
  }
  if (!effort.empty() && !is_listed(effort, taken)) return "reasoning effort";
  if (has(body, "max_tokens")) return "max_tokens: use max_completion_tokens";
  if (starts(model, {"o3", "o4"}) && has(body, "stop")) return "stop";
  const bool off_by_default = starts(model, {"gpt-5.1", "gpt-5.2", "gpt-5.3", "gpt-5.4"}) &&
                              model.find("-pro") == model.npos;
  if (effort == "none" || (effort.empty() && off_by_default)) return "";
  for (const char* key : {"temperature", "top_p", "frequency_penalty", "presence_penalty",
                          "logit_bias", "logprobs", "top_logprobs"}) {
    if (has(body, key)) return std::string(key) + " beside thinking";
  }
  return "";
}

}  // namespace redoubt::mock
