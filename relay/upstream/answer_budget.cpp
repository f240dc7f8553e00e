#include "relay/upstream/answer_budget.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::upstream {

AnswerBudget::AnswerBudget(Options options)
    : options_(options),
      work_max_(std::min(work_factor * options.answer_bytes_max, options.bytes_max / 2)),
      kept_max_(options.bytes_max - work_max_),
      caller_max_(kept_max_ / 8 * 3),
      strangers_max_(kept_max_ / 2) {}

AnswerBudget::Id AnswerBudget::open(std::string caller, bool stranger) {
  Caller& counted = callers_[caller];
  ++counted.answers;
  answers_.emplace(++last_,
                   Answer{.caller = &counted, .name = std::move(caller), .stranger = stranger});
  return last_;
}

std::vector<AnswerBudget::Part*> AnswerBudget::parts_of(const Answer& answer) {
  std::vector<Part*> parts{&all_, &answer.caller->part};
  if (answer.stranger) parts.push_back(&strangers_);
  return parts;
}

/// What such an answer and all others may keep, of a part that takes `bytes_max` at the most.
std::size_t AnswerBudget::most_of(const Part& part, std::size_t bytes_max, const Answer& answer,
                                  std::size_t kept) const {
  const Answer* first = part.in_line.empty() ? nullptr : part.in_line.begin()->second;
  if (first == &answer) return bytes_max;
  const std::size_t longest = options_.answer_bytes_max + slack_bytes;
  const std::size_t for_first = first ? longest - std::min(longest, first->has.kept) : longest;
  const std::size_t for_short = kept > small_bytes_max ? bytes_max / 8 : 0;
  return bytes_max - std::min(bytes_max, for_first + for_short);
}

bool AnswerBudget::has_room(const Part& part, std::size_t bytes_max, const Answer& answer,
                            std::size_t kept) const {
  const std::size_t most = most_of(part, bytes_max, answer, kept);
  const std::size_t others = part.bytes - answer.has.kept;
  return kept <= most && others <= most - kept;
}

/// Would its caller, who keeps so much beside it, keep half of what the other callers leave of the
/// part at the most? The first in line may have all, and who keeps little passes.
bool AnswerBudget::leaves_half(const Part& part, std::size_t bytes_max, const Answer& answer,
                               std::size_t kept, std::size_t callers_other_bytes) const {
  const bool first = !part.in_line.empty() && part.in_line.begin()->second == &answer;
  if (first || callers_other_bytes + kept <= little_bytes_max) return true;
  const std::size_t most = most_of(part, bytes_max, answer, small_bytes_max + 1);
  const std::size_t of_others = part.bytes - answer.caller->part.bytes;
  return of_others < most && callers_other_bytes + kept <= (most - of_others) / 2;
}

bool AnswerBudget::fits(const Answer& answer, const Need& need) const {
  // Whatever it needs: alone it has all there is.
  const std::size_t work = std::min(need.work, work_max_);
  if (work > answer.has.work && work_ - answer.has.work + work > work_max_) return false;
  if (need.kept <= answer.has.kept) return true;
  const std::size_t own = answer.caller->part.bytes - answer.has.kept;
  const auto fits_in = [&](const Part& part, std::size_t bytes_max) {
    return has_room(part, bytes_max, answer, need.kept) &&
           leaves_half(part, bytes_max, answer, need.kept, own);
  };
  return has_room(answer.caller->part, caller_max_, answer, need.kept) &&
         fits_in(all_, kept_max_) && (!answer.stranger || fits_in(strangers_, strangers_max_));
}

bool AnswerBudget::is_short() const {
  return std::any_of(waiting_.begin(), waiting_.end(), [this](Id id) {
    const Answer& answer = answers_.find(id)->second;
    const std::size_t kept = answer.wants->kept;
    if (kept <= answer.has.kept) return false;  // it waits to be worked on
    const auto is_full = [&](const Part& part, std::size_t bytes_max) {
      return !has_room(part, bytes_max, answer, kept) ||
             !leaves_half(part, bytes_max, answer, kept, 0);
    };
    return is_full(all_, kept_max_) || (answer.stranger && is_full(strangers_, strangers_max_));
  });
}

void AnswerBudget::give(Answer& answer, const Need& need) {
  const std::size_t work = std::min(need.work, work_max_);
  for (Part* part : parts_of(answer))
    part->bytes += need.kept - answer.has.kept;
  work_ += work - answer.has.work;
  answer.has = {need.kept, work};
}

void AnswerBudget::enter_line(Answer& answer) {
  if (answer.in_line > 0) return;
  answer.in_line = ++line_last_;
  for (Part* part : parts_of(answer))
    part->in_line.emplace(answer.in_line, &answer);
}

void AnswerBudget::stand_in_line(Answer& answer, const Need& need) {
  if (answer.in_line == 0) return;
  const Part& own = answer.caller->part;
  const bool held_up =
      need.kept > answer.has.kept && !has_room(own, caller_max_, answer, need.kept);
  for (Part* part : parts_of(answer)) {
    if (part == &own) continue;
    if (held_up) {
      part->in_line.erase(answer.in_line);
    } else {
      part->in_line.emplace(answer.in_line, &answer);
    }
  }
}

void AnswerBudget::leave_line(Answer& answer) {
  for (Part* part : parts_of(answer))
    part->in_line.erase(answer.in_line);
  answer.in_line = 0;
}

bool AnswerBudget::resize(Id id, Need need) {
  Answer& answer = answers_.find(id)->second;
  answer.wants.reset();
  waiting_.erase(id);
  if (need.kept < answer.has.kept && need.kept <= small_bytes_max) leave_line(answer);
  if (need.kept > small_bytes_max || !fits(answer, need)) enter_line(answer);
  stand_in_line(answer, need);
  const bool fit = fits(answer, need);
  if (fit) {
    give(answer, need);
  } else {
    give(answer, {std::min(need.kept, answer.has.kept), std::min(need.work, answer.has.work)});
    answer.wants = need;
    waiting_.insert(id);
  }
  serve();
  return fit;
}

void AnswerBudget::share(Id id, const std::string& caller) {
  Answer& answer = answers_.find(id)->second;
  const auto known = callers_.find(caller);
  const std::size_t theirs = known == callers_.end() ? 0 : known->second.part.bytes;
  if (caller == answer.name || theirs >= answer.caller->part.bytes - answer.has.kept) return;
  Part& before = answer.caller->part;
  before.bytes -= answer.has.kept;
  before.in_line.erase(answer.in_line);
  if (--answer.caller->answers == 0) callers_.erase(answer.name);
  Caller& now = callers_[caller];
  ++now.answers;
  now.part.bytes += answer.has.kept;
  if (answer.in_line > 0) now.part.in_line.emplace(answer.in_line, &answer);
  answer.caller = &now;
  answer.name = caller;
  serve();
}

void AnswerBudget::settle(Id id, std::size_t kept) {
  Answer& answer = answers_.find(id)->second;
  answer.wants.reset();
  waiting_.erase(id);
  leave_line(answer);
  give(answer, {kept, 0});
  serve();
}

void AnswerBudget::close(Id id) {
  settle(id, 0);
  const auto found = answers_.find(id);
  if (--found->second.caller->answers == 0) callers_.erase(found->second.name);
  answers_.erase(found);
}

void AnswerBudget::serve() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Answer& answer = answers_.find(*at)->second;
    stand_in_line(answer, *answer.wants);
    if (!fits(answer, *answer.wants)) {
      ++at;
      continue;
    }
    give(answer, *std::exchange(answer.wants, std::nullopt));
    served_.push_back(*at);
    at = waiting_.erase(at);
  }
}

std::vector<AnswerBudget::Id> AnswerBudget::take_served() {
  return std::exchange(served_, {});
}

}  // namespace redoubt::upstream
