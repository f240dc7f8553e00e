// Who reads the events of runs.
#include <utility>

#include "engine/base/message.hpp"
#include "relay/services/runs/run_host.hpp"

namespace redoubt::runs {
namespace {

/// Reads for watchers at a time: each may be as long as what a turn of a run wrote, or a bundle.
constexpr std::size_t watch_reads_max = 1;

using TextsChange = std::function<void(LiveTexts&)>;

/// Shows what a model says among the run's texts.
class ShownStep final : public StepWatcher {
 public:
  ShownStep(std::function<void(const TextsChange&)> change, std::string effect)
      : change_(std::move(change)), effect_(std::move(effect)) {}

  void on_text(std::string_view text) override {
    change_([&](LiveTexts& texts) {
      if (!std::exchange(open_, true)) texts.begin(effect_);
      texts.add(effect_, text);
    });
  }
  void on_broken(std::string_view reason) override {
    open_ = false;
    change_([&](LiveTexts& texts) { texts.break_off(effect_, reason); });
  }

 private:
  const std::function<void(const TextsChange&)> change_;
  const std::string effect_;
  bool open_ = false;
};

}  // namespace

void RunHost::may_watch(const Owner& owner, const std::string& id, JsonCallback callback) {
  const RunKey key{owner.identity, id};
  auto look = [this, key, callback = std::move(callback)](const Result<void>& found) {
    if (!found) return callback(found.error());
    Watchers* watchers = watchers_of(key);
    if (watchers && !watchers->has_room())
      return callback(Error{.code = "too_many_watchers",
                            .message = joined({"run ", key.id, " has ", watchers_max,
                                               " readers of its events already"})});
    callback(std::string());
  };
  // One that is watched need not be read back.
  if (watchers_of(key)) return look({});
  with(key, std::move(look));
}

void RunHost::watch(const Owner& owner, const std::string& id, std::uint64_t from,
                    http::BodyStreamPtr out) {
  const RunKey key{owner.identity, id};
  auto add = [this, key, from, out = std::move(out)](const Result<void>& found) {
    Watchers* watchers = found ? hold_watchers(key) : nullptr;
    if (!watchers || !watchers->add(out, from)) return out->abort();
    schedule_watchers(key);
  };
  if (watchers_of(key)) return add({});
  with(key, std::move(add));
}

Watchers* RunHost::watchers_of(const RunKey& key) {
  const auto found = watchers_.find(key);
  return found == watchers_.end() ? nullptr : found->second.get();
}

/// Null where the run is not in memory and nobody watches it.
Watchers* RunHost::hold_watchers(const RunKey& key) {
  if (Watchers* there = watchers_of(key)) return there;
  const workflow::RunKey run_key = fleet_key(key);
  const workflow::Run* run = fleet_.find(run_key);
  if (!run) return nullptr;
  auto made = std::make_unique<Watchers>(
      watch_caches_, key.owner, ++watched_, StepNames(*run->definition()),
      static_cast<std::int64_t>(fleet_.record(run_key)->stores), [weak = weak_from_this(), key] {
        const auto self = weak.lock();
        if (self) self->post([host = self.get(), key] { host->schedule_watchers(key); });
      });
  std::uint64_t counted = 0;
  fleet_.count(run_key.owner, counted, made->bytes());
  // Otherwise it comes to rest yet.
  if (workflow::is_over(run->status()) && fleet_.is_stored(run_key)) made->finish();
  return (watchers_[key] = std::move(made)).get();
}

void RunHost::forget_watchers(const RunKey& key) {
  const auto found = watchers_.find(key);
  std::uint64_t counted = found->second->bytes();
  fleet_.count(key.owner.key(), counted, 0);
  watchers_.erase(found);
}

// --- what models are saying ---

const LiveTexts* RunHost::texts_of(const RunKey& key) const {
  const auto found = texts_.find(key);
  return found == texts_.end() ? nullptr : &found->second.texts;
}

/// Changes what is shown of the run, and shows it.
void RunHost::change_texts(const RunKey& key, const TextsChange& change) {
  const auto found = texts_.try_emplace(key).first;
  change(found->second.texts);
  const bool over = found->second.texts.empty();
  const std::uint64_t bytes = over ? 0 : found->second.texts.bytes();
  if (bytes != found->second.counted) fleet_.count(key.owner.key(), found->second.counted, bytes);
  if (over) texts_.erase(found);
  if (watchers_of(key)) schedule_watchers(key);
}

std::unique_ptr<StepWatcher> RunHost::watch_step(const RunRef& run, const std::string& effect) {
  auto change = [weak = weak_from_this(), key = own_key(run.key)](const TextsChange& what) {
    if (const auto self = weak.lock()) self->change_texts(key, what);
  };
  return std::make_unique<ShownStep>(std::move(change), effect);
}

/// The effect's answer is known, or not wanted.
void RunHost::forget_text(const RunRef& run, const std::string& effect) {
  const RunKey key = own_key(run.key);
  if (texts_.count(key) > 0) change_texts(key, [&](LiveTexts& texts) { texts.finish(effect); });
}

/// The run is here no more.
void RunHost::end_watchers(const RunKey& key) {
  Watchers* watchers = watchers_of(key);
  if (!watchers) return;
  watchers->end_all();
  forget_watchers(key);
}

void RunHost::schedule_watchers(const RunKey& key) {
  to_watch_.push(key.owner, key);
  pump();
}

/// A part of a slice for a watcher that is behind.
void RunHost::watch_on(const RunKey& key) {
  Watchers* watchers = watchers_of(key);
  if (!watchers) return;
  const bool sent = watchers->step(texts_of(key));
  if (watchers->empty()) return forget_watchers(key);
  if (watchers->want()) read_for_watchers(key, *watchers);
  if (sent) schedule_watchers(key);
}

/// REQUIRES: they want something.
void RunHost::read_for_watchers(const RunKey& key, Watchers& watchers) {
  if (watch_reads_ >= watch_reads_max) {
    to_read_.push(key.owner, key);
    return;
  }
  ++watch_reads_;
  const std::int64_t piece = watchers.ask();
  store_.pieces(key, piece, slice_bytes_max,
                on_thread<std::vector<std::string>>([this, key, run = watchers.run(), piece](
                                                        Result<std::vector<std::string>> pieces) {
                  --watch_reads_;
                  Watchers* again = watchers_of(key);
                  if (again && again->run() == run) {
                    again->give(piece, pieces ? std::move(*pieces) : std::vector<std::string>());
                    // At once, because what was read may have to give way to another's.
                    again->step(texts_of(key));
                    schedule_watchers(key);
                  }
                  read_next();
                }));
}

/// The watchers that waited may have left, or their run.
void RunHost::read_next() {
  while (watch_reads_ < watch_reads_max) {
    const auto next = to_read_.pop();
    if (!next) return;
    Watchers* watchers = watchers_of(*next);
    if (watchers && watchers->want()) read_for_watchers(*next, *watchers);
  }
}

}  // namespace redoubt::runs
