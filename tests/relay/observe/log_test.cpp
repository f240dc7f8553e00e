#include "relay/observe/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "engine/base/json.hpp"

namespace redoubt::observe {
namespace {

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

TEST_CASE("a line is one JSON object whatever its values hold") {
  const std::string nasty("a\"b\\c\nd\te\0f\x7f\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x8e\xae", 22);
  Line line(Level::info, "request", 1'795'172'777'123);
  const std::string text = line.text("value", nasty).number("n", -5).flag("ok", true).take();
  CHECK(text.find('\n') == text.size() - 1);
  const auto parsed = parse_json(text);
  REQUIRE(parsed.ok());
  CHECK((*parsed)["time"] == "2026-11-20T11:06:17.123Z");
  CHECK((*parsed)["level"] == "info");
  CHECK((*parsed)["n"] == -5);
  CHECK((*parsed)["ok"] == true);
  const std::string value = (*parsed)["value"];
  CHECK(value.find("\xc3\xa4") != std::string::npos);
  CHECK(value.find("\xf0\x9f\x8e\xae") != std::string::npos);
  CHECK(value.find("\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("what hides on a terminal is written as an escape, and reads back as it was") {
  const std::string value =
      "a\xE2\x80\xAE"
      "b\xC2\x9B"
      "c\xF3\xA0\x81\x81"
      "d\xE2\x80\xA8"
      "e";
  const std::string text = Line(Level::info, "x", 0).text("v", value).take();
  CHECK(text.find(R"(a\u202eb\u009bc\udb40\udc41d\u2028e)") != std::string::npos);
  CHECK((*parse_json(text))["v"] == value);
}

TEST_CASE("values are cut") {
  Line line(Level::info, "x", 0);
  const std::string text = line.text("v", std::string(100'000, 'a')).take();
  CHECK(text.size() < 700);
}

TEST_CASE("lines under the level are not written, the others arrive in order") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    Log log(ends[1], Level::warning, 100);
    CHECK_FALSE(log.wants(Level::info));
    log.write(Line(Level::info, "quiet", 0));
    log.write(Line(Level::warning, "first", 0));
    log.write(Line(Level::error, "second", 0));
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  CHECK(text.find("quiet") == std::string::npos);
  CHECK(text.find("first") < text.find("second"));
  CHECK(text.find("second") != std::string::npos);
}

TEST_CASE("a stuck output does not block who logs; what is lost is counted and told") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::string text;
  std::uint64_t dropped = 0;
  std::thread reader;
  {
    Log log(ends[1], Level::debug, 64);
    // Far more than the pipe and the queue's 64 lines hold, while nobody reads.
    for (int i = 0; i < 20'000; ++i) {
      log.write(Line(Level::info, "line", 0).text("v", std::string(100, 'x')));
    }
    dropped = log.dropped();
    reader = std::thread([&] { text = read_all(ends[0]); });
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  CHECK(dropped > 1'000);
  std::uint64_t told = 0;
  for (std::size_t at = 0; (at = text.find("\"lines\":", at)) != std::string::npos; ++at) {
    told += std::stoull(text.substr(at + 8));
  }
  CHECK(told == dropped);
}

}  // namespace
}  // namespace redoubt::observe
