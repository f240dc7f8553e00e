#include "relay/services/models/model_list.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/utc_date.hpp"
#include "relay/contract/sdk.hpp"
#include "relay/services/models/gemini_calls.hpp"

namespace redoubt::services {
namespace {

using llm::WireFormat;
using Models = std::vector<upstream::KnownModel>;

constexpr std::size_t parameter_shown_max = 60;

Error bad_parameter(const char* name, std::string_view expected, std::string_view found) {
  return make_error("bad_request", {name, ": expected ", expected}, {name}, {expected},
                    {found.substr(0, parameter_shown_max)});
}

/// How many a page has at most.
Result<std::size_t> read_size(const http::Request& request, const char* name) {
  const auto text = request.query_parameter(name);
  if (!text) return models_page_max;
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
  if (error == std::errc() && end == text->data() + text->size() && size >= 1 &&
      size <= models_page_max)
    return size;
  return bad_parameter(name, joined({"a whole number from 1 to ", models_page_max}), *text);
}

/// Where in the list the model is that a parameter names; nothing where there is no parameter.
Result<std::optional<std::size_t>> read_place(const Models& models, const http::Request& request,
                                              const char* name) {
  const auto text = request.query_parameter(name);
  if (!text || text->empty()) return std::optional<std::size_t>();
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const auto& model) { return model.name == *text; });
  if (found == models.end()) return bad_parameter(name, "the name of a model of the list", *text);
  return std::optional<std::size_t>(found - models.begin());
}

struct Page {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool has_more = false;
};

Result<Page> page_of(const Models& models, const http::Request& request, WireFormat format) {
  const bool gemini = format == WireFormat::gemini;
  if (!gemini && format != WireFormat::anthropic) return Page{.end = models.size()};
  const auto size = read_size(request, gemini ? "pageSize" : "limit");
  if (!size) return size.error();
  // A page's token is the name of the last model before it.
  const auto after = read_place(models, request, gemini ? "pageToken" : "after_id");
  if (!after) return after.error();
  const auto before =
      gemini ? std::optional<std::size_t>() : read_place(models, request, "before_id");
  if (!before) return before.error();
  if (*after && *before)
    return bad_parameter("before_id", "no before_id beside an after_id", "both");
  Page page;
  if (*before) {
    page.end = **before;
    page.begin = page.end - std::min(page.end, *size);
    page.has_more = page.begin > 0;
  } else {
    page.begin = *after ? **after + 1 : 0;
    page.end = page.begin + std::min(models.size() - page.begin, *size);
    page.has_more = page.end < models.size();
  }
  return page;
}

}  // namespace

Json model_json(const upstream::KnownModel& model) {
  Json json{{"id", model.name},      {"object", "model"},
            {"type", "model"},       {"display_name", model.name},
            {"created", 0},          {"created_at", "1970-01-01T00:00:00Z"},
            {"owned_by", "redoubt"}, {"price_known", model.price_known}};
  json["name"] = "models/" + model.name;
  json["displayName"] = model.name;
  json["supportedGenerationMethods"] = {"generateContent", "streamGenerateContent", "countTokens"};
  if (model.embeds) json["supportedGenerationMethods"] = {"embedContent", "batchEmbedContents"};
  if (model.shut_off_day) json["shut_off"] = date_text(*model.shut_off_day);
  return json;
}

Result<Json> models_page(const Models& models, const http::Request& request) {
  const WireFormat format = contract::format_of_sdk(request);
  const auto page = page_of(models, request, format);
  if (!page) return page.error();
  Json data = Json::array();
  for (std::size_t i = page->begin; i < page->end; ++i)
    data.push_back(model_json(models[i]));
  const bool empty = data.empty();
  Json body{{"object", "list"},
            {"has_more", page->has_more},
            {"first_id", empty ? Json() : Json(models[page->begin].name)},
            {"last_id", empty ? Json() : Json(models[page->end - 1].name)}};
  if (format == WireFormat::gemini && page->has_more)
    body["nextPageToken"] = models[page->end - 1].name;
  body["models"] = data;  // where Google's SDKs look for them
  body["data"] = std::move(data);
  return body;
}

}  // namespace redoubt::services
