#include "relay/services/models/model_list.hpp"

#include <doctest/doctest.h>

namespace redoubt::services {
namespace {

http::Request asked(std::string_view path, std::string_view header = {},
                    std::string_view query = {}) {
  http::Request request;
  request.path = path;
  request.query = query;
  if (!header.empty()) request.headers.push_back({header, "x"});
  return request;
}

std::vector<upstream::KnownModel> five() {
  std::vector<upstream::KnownModel> models;
  for (const char* name : {"a", "b", "c/c", "d", "e"})
    models.push_back({.name = name});
  return models;
}

std::string names(const Json& list, const char* member, const char* name) {
  std::string all;
  for (const Json& model : list.at(member))
    all += model.at(name).get<std::string>() + " ";
  return all;
}

TEST_CASE("model list: Anthropic's clients page forwards and backwards") {
  const auto page = [](std::string_view query) {
    const auto told = models_page(five(), asked("/v1/models", "anthropic-version", query));
    REQUIRE(told);
    const bool more = told->at("has_more").get<bool>();
    return names(*told, "data", "id") + told->at("first_id").dump() + told->at("last_id").dump() +
           (more ? " more" : "");
  };
  CHECK(page("") == R"(a b c/c d e "a""e")");
  CHECK(page("limit=2") == R"(a b "a""b" more)");
  CHECK(page("limit=2&after_id=b") == R"(c/c d "c/c""d" more)");
  CHECK(page("limit=2&after_id=d") == R"(e "e""e")");
  CHECK(page("limit=2&after_id=e") == "nullnull");
  CHECK(page("limit=2&before_id=d") == R"(b c/c "b""c/c" more)");
  CHECK(page("limit=5&before_id=c%2Fc") == R"(a b "a""b")");
  for (const auto& [query, name] : {std::pair{"limit=0", "limit"},
                                    {"limit=1001", "limit"},
                                    {"limit=-1", "limit"},
                                    {"limit=2x", "limit"},
                                    {"after_id=nope", "after_id"},
                                    {"before_id=nope", "before_id"},
                                    {"after_id=a&before_id=c/c", "before_id"}}) {
    const auto told = models_page(five(), asked("/v1/models", "anthropic-version", query));
    REQUIRE_FALSE(told);
    CHECK(told.error().code == "bad_request");
    CHECK(told.error().path == name);
  }
}

TEST_CASE("model list: Google's clients follow nextPageToken to the end") {
  std::string seen;
  std::string query = "pageSize=2";
  for (int pages = 0; pages < 3; ++pages) {
    const auto told = models_page(five(), asked("/v1beta/models", {}, query));
    REQUIRE(told);
    seen += names(*told, "models", "name") + "|";
    CHECK(told->contains("nextPageToken") == (pages < 2));
    query = "pageSize=2&pageToken=" + told->value("nextPageToken", "");
  }
  CHECK(seen == "models/a models/b |models/c/c models/d |models/e |");
  CHECK(models_page(five(), asked("/v1beta/models", {}, "pageToken=nope")).error().path ==
        "pageToken");
  // OpenAI's have no pages.
  const auto whole = models_page(five(), asked("/v1/models", {}, "limit=2&pageSize=2"));
  REQUIRE(whole);
  CHECK(whole->at("data").size() == 5);
}

}  // namespace
}  // namespace redoubt::services
