#include "tools/arena/contestant.hpp"

#include <doctest/doctest.h>

#include "tools/arena/command_words.hpp"

using namespace redoubt;
using namespace redoubt::arena;

namespace {

std::vector<std::string> words(std::string_view text) {
  const auto split = command_words(text);
  REQUIRE(split.ok());
  return *split;
}

std::string refusal(std::string_view text) {
  const auto read = read_contestant(text);
  REQUIRE_FALSE(read.ok());
  return read.error().message;
}

}  // namespace

TEST_CASE("arena: a command is split without a shell") {
  using Words = std::vector<std::string>;
  CHECK(words("python3 bot.py") == Words{"python3", "bot.py"});
  CHECK(words("  a\t b ") == Words{"a", "b"});
  CHECK(words("a 'b c' \"d \\\" \\n\" e\\ f '' x'y'z") ==
        Words{"a", "b c", "d \" \\n", "e f", "", "xyz"});
  CHECK(words("echo $HOME * | cat > file; ls") ==
        Words{"echo", "$HOME", "*", "|", "cat", ">", "file;", "ls"});
  CHECK_FALSE(command_words("").ok());
  CHECK_FALSE(command_words("  ").ok());
  CHECK_FALSE(command_words("''").ok());
  CHECK_FALSE(command_words("a 'b").ok());
  CHECK_FALSE(command_words("a \\").ok());
}

TEST_CASE("arena: contestants are read, and what is wrong is named") {
  const auto builtin = read_contestant("builtin");
  REQUIRE(builtin.ok());
  CHECK(builtin->name == "builtin");
  const auto program = read_contestant("exec:node 'my bot.mjs'");
  REQUIRE(program.ok());
  CHECK(program->command == std::vector<std::string>{"node", "my bot.mjs"});
  CHECK(refusal("strategits").find("did you mean \"strategist\"") != std::string::npos);
  CHECK(refusal("rush:speed=3").find("rush has no setting \"speed\"") != std::string::npos);
  CHECK(refusal("rush:speed").find("expected SETTING=NUMBER") != std::string::npos);
  CHECK(refusal("exec:").find("names no program") != std::string::npos);
}

TEST_CASE("arena: settings have a range") {
  constexpr Setting known[] = {{"fighters", 6, 0, 16, "how many"}};
  Settings settings(known);
  CHECK(settings["fighters"] == 6);
  CHECK(settings.set("turtle", "fighters", "9").ok());
  CHECK(settings["fighters"] == 9);
  CHECK_FALSE(settings.set("turtle", "fighters", "17").ok());
  CHECK_FALSE(settings.set("turtle", "fighters", "nine").ok());
  const auto unknown = settings.set("turtle", "figthers", "1");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message ==
        "turtle has no setting \"figthers\"; it has fighters; did you mean \"fighters\"?");
}
