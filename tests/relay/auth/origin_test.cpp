#include "relay/auth/origin.hpp"

#include <doctest/doctest.h>

#include "relay/config/config.hpp"

namespace redoubt::auth {
namespace {

Origins origins(std::vector<std::string> entries) {
  return parse_origins(entries).value();
}

std::string value(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return "-";
}

TEST_CASE("an origin is judged against the list and the relay's own host") {
  const Origins listed =
      origins({"http://localhost:*", "https://game.example", "http://[::1]:3000"});
  struct Row {
    const char* origin;
    const char* host;
    OriginVerdict verdict;
  };
  const Row rows[] = {
      {"", "localhost:8000", OriginVerdict::absent},
      {"http://localhost:3000", "localhost:8000", OriginVerdict::listed},
      {"http://localhost", "localhost:8000", OriginVerdict::listed},
      {"HTTP://LOCALHOST:5173", "localhost:8000", OriginVerdict::listed},
      {"https://localhost:3000", "localhost:8000", OriginVerdict::refused},
      {"https://game.example", "api.example", OriginVerdict::listed},
      {"https://game.example:443", "api.example", OriginVerdict::listed},
      {"https://game.example:8443", "api.example", OriginVerdict::refused},
      {"http://game.example", "api.example", OriginVerdict::refused},
      {"https://evil.game.example", "api.example", OriginVerdict::refused},
      {"http://[::1]:3000", "localhost:8000", OriginVerdict::listed},
      {"http://[::1]:3001", "localhost:8000", OriginVerdict::refused},
      // the relay's own page
      {"http://api.example:8000", "api.example:8000", OriginVerdict::same},
      {"https://api.example", "api.example", OriginVerdict::same},
      {"https://api.example", "api.example:443", OriginVerdict::same},
      {"http://api.example", "api.example:8000", OriginVerdict::refused},
      // not origins
      {"null", "localhost:8000", OriginVerdict::refused},
      {"http://localhost:3000/path", "localhost:8000", OriginVerdict::refused},
      {"http://localhost:30a0", "localhost:8000", OriginVerdict::refused},
      {"http://user@localhost:3000", "localhost:8000", OriginVerdict::refused},
      {"localhost:3000", "localhost:8000", OriginVerdict::refused},
      {"http://", "localhost:8000", OriginVerdict::refused},
      {"http://localhost:3000, http://evil.example", "localhost:8000", OriginVerdict::refused},
  };
  for (const Row& row : rows) {
    CAPTURE(row.origin);
    CAPTURE(row.host);
    CHECK(judge_origin(listed, row.origin, row.host) == row.verdict);
  }
}

TEST_CASE("the default list is this machine's pages on any port") {
  const Origins defaults = origins(config::Cors{}.origins);
  CHECK(judge_origin(defaults, "http://localhost:3000", "x") == OriginVerdict::listed);
  CHECK(judge_origin(defaults, "http://127.0.0.1:5173", "x") == OriginVerdict::listed);
  CHECK(judge_origin(defaults, "https://evil.example", "x") == OriginVerdict::refused);
  CHECK(judge_origin(defaults, "null", "x") == OriginVerdict::refused);
}

TEST_CASE("a star allows every page, without credentials") {
  const Origins any = origins({"*"});
  const OriginVerdict verdict = judge_origin(any, "https://anywhere.example", "x");
  CHECK(verdict == OriginVerdict::any);
  const auto headers = cors_headers(verdict, "https://anywhere.example");
  CHECK(value(headers, "Access-Control-Allow-Origin") == "*");
  CHECK(value(headers, "Access-Control-Allow-Credentials") == "-");
  CHECK(judge_origin(origins({"null"}), "null", "x") == OriginVerdict::listed);
}

TEST_CASE("a listed origin is echoed, with credentials") {
  const auto headers = cors_headers(OriginVerdict::listed, "http://localhost:3000");
  CHECK(value(headers, "Access-Control-Allow-Origin") == "http://localhost:3000");
  CHECK(value(headers, "Access-Control-Allow-Credentials") == "true");
  CHECK(cors_headers(OriginVerdict::refused, "http://evil.example").empty());
  CHECK(cors_headers(OriginVerdict::absent, "").empty());
}

TEST_CASE("a preflight is answered with what was asked for") {
  const Preflight asked{
      .method = "POST", .headers = "content-type,x-thing", .private_network = true};
  const auto headers =
      preflight_headers(OriginVerdict::listed, "http://localhost:3000", asked, "POST, OPTIONS");
  CHECK(value(headers, "Access-Control-Allow-Methods") == "POST, OPTIONS");
  CHECK(value(headers, "Access-Control-Allow-Headers") == "content-type,x-thing");
  CHECK(value(headers, "Access-Control-Allow-Private-Network") == "true");
  CHECK(value(headers, "Access-Control-Max-Age") == "600");
  const Preflight odd{.method = "POST", .headers = "a\x01b"};
  CHECK(value(preflight_headers(OriginVerdict::listed, "http://localhost:3000", odd, "POST"),
              "Access-Control-Allow-Headers") == "-");
  CHECK(preflight_headers(OriginVerdict::refused, "http://evil.example", asked, "POST").empty());
}

TEST_CASE("entries that are no origins are refused with what was expected") {
  for (const char* bad : {"localhost:3000", "http://a/path", "http://a:b", "", "http://"}) {
    CAPTURE(bad);
    const std::vector<std::string> entry{bad};
    const auto parsed = parse_origins(entry);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().expected.find("scheme://host") != std::string::npos);
  }
}

TEST_CASE("only methods that change something need a known origin") {
  CHECK(is_safe_method("GET"));
  CHECK(is_safe_method("HEAD"));
  CHECK(is_safe_method("OPTIONS"));
  CHECK_FALSE(is_safe_method("POST"));
  CHECK_FALSE(is_safe_method("DELETE"));
  CHECK_FALSE(is_safe_method("get"));
  CHECK(check_origin(OriginVerdict::refused)->status == 403);
  CHECK_FALSE(check_origin(OriginVerdict::absent).has_value());
}

}  // namespace
}  // namespace redoubt::auth
