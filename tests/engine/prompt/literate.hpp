// Reads files of literate cases, or the fences ```prompt of a document (literate_test.cpp has the
// form), and hands each case to whoever can say what comes out of it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

struct Literate {
  std::string rewritten;  ///< the file with what came out in place of what was expected
  int cases = 0;
};

/// `answer(command, text, expected)` gives what comes out.
template <class Answer>
Literate walk_literate(const std::string& path, bool fenced, const Answer& answer) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string end = fenced ? "```" : "====";
  Literate out;
  std::string command, input, expected;
  const auto without_last = [](std::string lines) {
    if (!lines.empty()) lines.pop_back();
    return lines;
  };
  enum { outside, before, in_input, in_output } state = fenced ? outside : before;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, stop - at);
    at = stop + 1;
    if (state == in_output && line == end) {
      out.rewritten += answer(command, without_last(input), without_last(expected)) + "\n";
      ++out.cases;
      state = fenced ? outside : before;
    } else if (state == in_output) {
      expected += line + "\n";
      continue;
    } else if (state == outside) {
      if (line == "```prompt") state = before;
    } else if (state == before && !line.empty() && line.front() != '#') {
      command = line;
      input.clear();
      expected.clear();
      state = in_input;
    } else if (state == in_input && line == "----") {
      state = in_output;
    } else if (state == in_input) {
      input += line + "\n";
    }
    out.rewritten += line + "\n";
  }
  CHECK_MESSAGE(state == (fenced ? outside : before), "the last case has no end: ", command);
  return out;
}
