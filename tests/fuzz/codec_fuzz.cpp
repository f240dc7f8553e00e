// Any bytes, from any provider with any status: the events end with exactly one finished or
// failed, tool fragments follow their call, pieces make no difference, and every client's format
// can tell the answer, in bytes that our own decoder reads.
#include <cstdlib>
#include <iterator>
#include <string>

#include "engine/base/json.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/encode_answer.hpp"

namespace {

using namespace redoubt;
using namespace redoubt::llm;

void expect(bool holds) {
  if (!holds) std::abort();
}

ChatEvents decode(const Dialect& dialect, int status, std::string_view a, std::string_view b) {
  Decoder decoder(dialect);
  ChatEvents events;
  decoder.head(status, {{"retry-after", "3"}}, 0);
  decoder.feed(a, events);
  decoder.feed(b, events);
  decoder.end(events);
  expect(decoder.over());
  return events;
}

void check_order(const ChatEvents& events) {
  std::int32_t calls = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const EventKind kind = events[i].kind;
    const bool last = kind == EventKind::finished || kind == EventKind::failed;
    expect(last == (i + 1 == events.size()));
    if (kind == EventKind::tool_begun) expect(events[i].index == calls++);
    if (kind == EventKind::tool_arguments) expect(events[i].index < calls);
    if (kind == EventKind::failed) expect(events[i].failure.has_value());
  }
}

void check_client_formats(const ChatEvents& events, WireFormat origin) {
  constexpr WireFormat formats[] = {WireFormat::openai_chat, WireFormat::openai_responses,
                                    WireFormat::anthropic, WireFormat::gemini};
  constexpr const char* dialects_back[] = {"openai", "openai-responses", "anthropic", "gemini"};
  for (std::size_t i = 0; i < std::size(formats); ++i) {
    AnswerStream stream;
    stream.format = formats[i];
    stream.origin = origin;
    stream.include_usage = true;
    std::string bytes;
    ChatAnswer answer;
    for (const ChatEvent& event : events) {
      encode_event(stream, event, bytes);
      fold(answer, event, origin);
    }
    const ChatEvents again = decode(*find_dialect(dialects_back[i]), 200, bytes, {});
    expect(again.back().kind == events.back().kind);
    expect(parse_json(encode_answer(formats[i], answer, {}), {64u << 20, 120}).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Dialect& dialect = dialects()[data[0] % dialects().size()];
  const int status = data[1] % 4 != 0 ? 200 : 400 + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t cut = data[2] % (bytes.size() + 1);
  const ChatEvents events = decode(dialect, status, bytes, {});
  const ChatEvents pieces = decode(dialect, status, bytes.substr(0, cut), bytes.substr(cut));
  expect(events.size() == pieces.size());
  check_order(events);
  check_client_formats(events, dialect.format);
  return 0;
}
