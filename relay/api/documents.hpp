// Documents: the API's description and its explorer, served from the binary.
//
// The same document at /openapi.json and /api/openapi.json, the same explorer at /docs, /redoc and
// /api/docs, because the clients' original backends have them there.
#pragma once

#include "relay/contract/route.hpp"

namespace redoubt::api {

std::vector<contract::Route> document_routes();

/// The OpenAPI document with this relay's version.
std::string openapi_document();

}  // namespace redoubt::api
