#include "relay/services/runs/live_texts.hpp"

#include <algorithm>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::runs {
namespace {

constexpr std::size_t reason_bytes_max = 256;
/// Of an event beside its text: names, the effect's id, numbers.
constexpr std::size_t frame_bytes = 512;
/// A byte of text is so many of JSON at the most: a control character is written \u0001.
constexpr std::size_t escaped_bytes = 6;
/// All of a broken stream was seen, and that it broke.
constexpr std::size_t seen_all = SIZE_MAX;

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

/// The longest beginning within `bytes_max` that ends between two characters.
std::string_view whole_characters(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  while (size > 0 && !starts_character(text[size]))
    --size;
  return text.substr(0, size);
}

std::string event_of(std::string_view name, const Json& data) {
  std::string text = joined({"event: ", name, "\ndata: "});
  write_canonical(data, text);
  return text + "\n\n";
}

}  // namespace

LiveTexts::Stream* LiveTexts::open_stream(const std::string& effect) {
  const auto found = std::find_if(streams_.rbegin(), streams_.rend(),
                                  [&](const Stream& one) { return one.effect == effect; });
  return found == streams_.rend() || found->broken ? nullptr : &*found;
}

void LiveTexts::begin(const std::string& effect) {
  if (streams_.size() >= streams_max) return;
  const auto before = std::count_if(streams_.begin(), streams_.end(),
                                    [&](const Stream& one) { return one.effect == effect; });
  Stream& stream = streams_.emplace_back();
  stream.serial = ++serials_;
  stream.effect = effect;
  stream.number = static_cast<std::uint32_t>(before) + 1;
}

void LiveTexts::add(const std::string& effect, std::string_view text) {
  Stream* stream = open_stream(effect);
  if (!stream) return;
  stream->kept += text;
  if (stream->kept.size() <= kept_bytes_max) return;
  // By halves, so that a long text is not moved at every piece.
  std::size_t drop = stream->kept.size() - kept_bytes_max / 2;
  while (drop < stream->kept.size() && !starts_character(stream->kept[drop]))
    ++drop;
  stream->kept.erase(0, drop);
  stream->dropped += drop;
}

void LiveTexts::break_off(const std::string& effect, std::string_view reason) {
  Stream* stream = open_stream(effect);
  if (!stream) return;
  stream->broken = true;
  stream->reason = whole_characters(reason, reason_bytes_max);
}

void LiveTexts::finish(const std::string& effect) {
  std::erase_if(streams_, [&](const Stream& one) { return one.effect == effect; });
}

std::size_t LiveTexts::bytes() const {
  std::size_t bytes = streams_.capacity() * sizeof(Stream);
  for (const Stream& stream : streams_)
    bytes += stream.effect.capacity() + stream.kept.capacity() + stream.reason.capacity();
  return bytes;
}

bool LiveTexts::Stream::is_news(const Seen& seen) const {
  const auto found = seen.find(serial);
  const std::size_t had = found == seen.end() ? 0 : found->second;
  return had < dropped + kept.size() || (broken && had != seen_all);
}

bool LiveTexts::has_news(const Seen& seen) const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [&](const Stream& one) { return one.is_news(seen); });
}

std::optional<std::string> LiveTexts::next(Seen& seen, std::size_t bytes_max) const {
  // What is gone is not asked for again.
  std::erase_if(seen, [&](const auto& one) {
    return std::none_of(streams_.begin(), streams_.end(),
                        [&](const Stream& stream) { return stream.serial == one.first; });
  });
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const Stream& one) { return one.is_news(seen); });
  if (found == streams_.end() || bytes_max < frame_bytes + reason_bytes_max * escaped_bytes)
    return std::nullopt;
  std::size_t& had = seen[found->serial];
  Json data = {{"effect", found->effect}, {"stream", found->number}};
  const std::size_t at = std::max(had, found->dropped);
  if (at == found->dropped + found->kept.size()) {
    had = seen_all;
    data["reason"] = found->reason;
    return event_of("text_broken", data);
  }
  const std::size_t room = bytes_max - frame_bytes;
  const std::string_view rest = std::string_view(found->kept).substr(at - found->dropped);
  std::string_view piece = whole_characters(rest, room);
  data["at"] = at;
  data["text"] = piece;
  std::string event = event_of("text", data);
  if (event.size() > bytes_max) {
    piece = whole_characters(rest, room / escaped_bytes);
    data["text"] = piece;
    event = event_of("text", data);
  }
  had = at + piece.size();
  return event;
}

}  // namespace redoubt::runs
