// LiveTexts: what the models of one run are saying, for its watchers, while they say it.
//
//   begin(effect) -> add(effect, text)... -> finish(effect): the answer is in the history, or comes
//                                            to nothing
//                                         -> break_off(effect, reason) -> begin(effect): a retry
//
// 1. A call of a model has one stream after the other, numbered from 1. What was shown is never
//    taken back: a stream that breaks off stays so, and a retry is another stream.
// 2. Nothing of this is stored: after a crash the effect is begun anew, and its stream with it.
// 3. Of a stream the last kept_bytes_max are kept for whoever joins or falls behind; a gap shows in
//    the next event's `at`.
//
// Pure. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::runs {

class LiveTexts {
 public:
  static constexpr std::size_t kept_bytes_max = 64 << 10;
  static constexpr std::size_t streams_max = 64;  ///< of a run; others are not shown

  /// What one watcher has seen: by stream, bytes of its text.
  using Seen = std::map<std::uint64_t, std::size_t>;

  void begin(const std::string& effect);
  /// Nothing where no stream of it is open.
  void add(const std::string& effect, std::string_view text);
  void break_off(const std::string& effect, std::string_view reason);
  void finish(const std::string& effect);

  bool empty() const { return streams_.empty(); }
  std::size_t bytes() const;

  /// What a watcher is to be shown next, as a server-sent event of `bytes_max` bytes at most, which
  /// `seen` counts as seen then. Nothing where it has seen everything, or that is too little room.
  ///   event: text         {effect, stream, at, text}: `at` bytes of the stream's text come before
  ///   event: text_broken  {effect, stream, reason}
  std::optional<std::string> next(Seen& seen, std::size_t bytes_max) const;
  bool has_news(const Seen& seen) const;

 private:
  struct Stream {
    std::uint64_t serial = 0;
    std::string effect;
    std::uint32_t number = 1;
    std::string kept;         ///< the end of its text
    std::size_t dropped = 0;  ///< bytes before it
    std::string reason;       ///< why it broke off
    bool broken = false;
    bool is_news(const Seen& seen) const;
  };
  Stream* open_stream(const std::string& effect);

  std::vector<Stream> streams_;
  std::uint64_t serials_ = 0;
};

}  // namespace redoubt::runs
