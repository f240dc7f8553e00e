// AnswerBudget: how much memory providers' answers take on their way through the relay, and which
// of them waits where there is no room.
//
//   (none)           --(resize, there is room)-->   holding
//   holding          --(resize, there is room)-->   holding
//   (none) | holding --(resize, there is none)-->   waiting   with what it held
//   waiting          --(others gave back)-->        holding   told
//   any              --(settle)-->                  holding   whatever there is room for
//   any              --(share)-->                   same      maybe on another caller's part
//   any              --(close)-->                   (none)
//
// 1. An answer keeps bytes for as long as its provider, its client or a turn lets it, and works on
//    them (reads and writes documents) for no longer than a processor takes. What it works with has
//    a part of the budget of its own, three times the longest answer.
// 2. Of what is kept one caller has three eighths, and callers without a token half. Of all of it,
//    and of the strangers' half, a caller who keeps more than little_bytes_max has half of what the
//    others leave: however many keep what they can, as much as each of them has is left to others.
// 3. Nobody waits for ever: who is long (over small_bytes_max) or has to wait stands in line, until
//    it is short again, settled or closed. In each of these parts the first in line is left room
//    for the longest answer, so that it comes to its end whatever the others keep; then the next
//    has it. Who waits for room in their own caller's part lets others pass in the other lines. A
//    settled answer grows no more.
// 4. Long ones but that one leave an eighth to short ones, which most answers are.
// 5. What several callers wait for is in the part of whoever of them kept less when they asked for
//    it: one who has filled theirs with answers that they do not read does not hold up the others.
//    It stays there when that one leaves: in nobody's part, two callers' answers could fill all
//    that there is. Once it is told each of those who waited keeps what they do not read on their
//    own.
// 6. It is short while an answer waits for what other callers keep (is_short): then whoever has to
//    read what was settled is held to a least rate (relay/net/deadlines.hpp), or cut.
//
// Not thread-safe; no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace redoubt::upstream {

class AnswerBudget {
 public:
  struct Options {
    std::size_t bytes_max = 26u << 20;        ///< of all answers together
    std::size_t answer_bytes_max = 4u << 20;  ///< of a whole answer, or of an event of a stream
  };
  /// What is worked with is so much for a byte that is read: a document's tree, the texts that are
  /// read of it, and the bytes that are written of them.
  static constexpr std::size_t work_factor = 3;
  static constexpr std::size_t small_bytes_max = 32u << 10;
  /// Of one caller's answers together.
  static constexpr std::size_t little_bytes_max = 2 * small_bytes_max;
  /// What may be kept of an answer beyond its bound: its head, and what was read at once.
  static constexpr std::size_t slack_bytes = 256u << 10;
  /// The least `bytes_max` in which one caller finds room for the longest answer, beside short
  /// ones.
  static constexpr std::size_t bytes_min(std::size_t answer_bytes_max) {
    const std::size_t callers_part = (answer_bytes_max + slack_bytes) / 7 * 8;
    return work_factor * answer_bytes_max + callers_part / 3 * 8 + 64;
  }

  using Id = std::uint64_t;
  struct Need {
    std::size_t kept = 0;
    std::size_t work = 0;
  };

  explicit AnswerBudget(Options options);

  Id open(std::string caller, bool stranger);
  /// From now on it needs this. False where it waits for more than it has; what it needs less of
  /// is given back at once.
  bool resize(Id id, Need need);
  /// Another caller waits for it, too; of strangers' another stranger.
  void share(Id id, const std::string& caller);
  /// It keeps so much, which is made already, and works on nothing any more.
  void settle(Id id, std::size_t kept);
  void close(Id id);
  /// Those that have what they waited for since the last call, in their order.
  std::vector<Id> take_served();

  /// Does an answer wait for others than its own caller's? O(waiting)
  bool is_short() const;

  std::size_t kept_bytes() const { return all_.bytes; }
  std::size_t work_bytes() const { return work_; }

 private:
  struct Answer;
  /// What a number of answers keep together.
  struct Part {
    std::size_t bytes = 0;
    std::map<std::uint64_t, const Answer*> in_line;  ///< by Answer::in_line
  };
  struct Caller {
    Part part;
    std::size_t answers = 0;
  };
  struct Answer {
    Caller* caller = nullptr;
    std::string name;  ///< the caller's
    bool stranger = false;
    Need has;
    std::optional<Need> wants;
    std::uint64_t in_line = 0;  ///< its place; 0: none
  };

  std::vector<Part*> parts_of(const Answer& answer);
  std::size_t most_of(const Part& part, std::size_t bytes_max, const Answer& answer,
                      std::size_t kept) const;
  bool has_room(const Part& part, std::size_t bytes_max, const Answer& answer,
                std::size_t kept) const;
  bool leaves_half(const Part& part, std::size_t bytes_max, const Answer& answer, std::size_t kept,
                   std::size_t callers_other_bytes) const;
  bool fits(const Answer& answer, const Need& need) const;
  void give(Answer& answer, const Need& need);
  void enter_line(Answer& answer);
  /// Its place in the lines of all and of strangers, which one held up by its own caller lacks.
  void stand_in_line(Answer& answer, const Need& need);
  void leave_line(Answer& answer);
  void serve();

  Options options_;
  std::size_t work_max_;
  std::size_t kept_max_;
  std::size_t caller_max_;
  std::size_t strangers_max_;
  std::map<Id, Answer> answers_;
  std::set<Id> waiting_;  // the oldest first
  std::map<std::string, Caller> callers_;
  Part all_;
  Part strangers_;
  std::size_t work_ = 0;
  Id last_ = 0;
  std::uint64_t line_last_ = 0;
  std::vector<Id> served_;
};

}  // namespace redoubt::upstream
