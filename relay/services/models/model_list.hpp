// ModelList: GET /v1/models and /v1beta/models, as OpenAI's, Anthropic's and Google's SDKs read it.
//
// 1. One object serves all three: `data` for OpenAI's and Anthropic's, `models` for Google's.
// 2. Anthropic's clients page by limit, after_id and before_id, Google's by pageSize and pageToken;
//    OpenAI's have no pages. Without any of them the page is the whole list.
//
// Sources: https://docs.claude.com/en/api/models-list, https://ai.google.dev/api/models
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/base/result.hpp"
#include "engine/llm/wire.hpp"
#include "relay/contract/dialect.hpp"
#include "relay/http/message.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

/// As Anthropic and Google have it.
constexpr std::size_t models_page_max = 1'000;

Json model_json(const upstream::KnownModel& model);

/// The page that is asked for. Errors: bad_request with the parameter's name.
Result<Json> models_page(const std::vector<upstream::KnownModel>& models,
                         const http::Request& request);

}  // namespace redoubt::services
