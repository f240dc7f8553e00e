#include "relay/http/message.hpp"

#include <doctest/doctest.h>

using namespace redoubt::http;

TEST_CASE("a date is written as RFC 9110 has it") {
  CHECK(http_date(784'111'777'000) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("percent escapes are decoded, malformed ones refused") {
  CHECK(percent_decode("a%20b+c%2Fd") == "a b+c/d");
  CHECK(query_decode("a%20b+c") == "a b c");
  CHECK(percent_decode("%00") == std::string(1, '\0'));
  for (const char* bad : {"%", "%1", "%zz", "a%4", "%g0"}) {
    CAPTURE(bad);
    CHECK_FALSE(percent_decode(bad));
  }
}

TEST_CASE("headers and query parameters are found") {
  Request request;
  request.headers = {{"Host", "a"}, {"X-One", "1"}, {"x-one", "2"}};
  request.query = "limit=5&name=a%20b&flag&limit=9&bad=%";
  CHECK(request.header("x-ONE") == "1");
  CHECK(request.header_count("X-one") == 2);
  CHECK_FALSE(request.header("y"));
  CHECK(request.query_parameter("limit") == "5");
  CHECK(request.query_parameter("name") == "a b");
  CHECK(request.query_parameter("flag") == "");
  CHECK_FALSE(request.query_parameter("bad"));
  CHECK_FALSE(request.query_parameter("none"));
}

TEST_CASE("a header that would split an answer is left out") {
  Response response = Response::json(200, "{}");
  response.add("X-Good", "1").add("X-Bad", "a\r\nSet-Cookie: b").add("X\nY", "1").add("a:b", "1");
  const auto prepared = Prepared::make(response);
  CHECK(prepared->head() == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Good: 1\r\n");
  CHECK(prepared->body() == "{}");
}

TEST_CASE("methods are case-sensitive") {
  for (Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                        Method::del, Method::options}) {
    CHECK(method_of(to_string(method)) == method);
  }
  CHECK(method_of("get") == Method::other);
  CHECK(method_of("") == Method::other);
}
