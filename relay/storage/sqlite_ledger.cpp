#include "relay/storage/sqlite_ledger.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace redoubt::storage {

namespace {

using limits::LedgerLine;
using limits::LostCalls;
using limits::Picodollars;
using limits::UsageRow;

Result<Picodollars> drawn_of(storage::Database& database, const std::string& subject,
                             const std::string& period) {
  auto rows = database.prepare(
      "SELECT drawn_picodollars FROM budget_draws WHERE subject = ? AND period = ?");
  if (!rows) return rows.error();
  rows->bind(1, subject).bind(2, period);
  const auto row = rows->step();
  if (!row) return row.error();
  return *row ? rows->integer(0) : Picodollars{0};
}

Result<void> set_drawn(storage::Database& database, const std::string& subject,
                       const std::string& period, Picodollars drawn) {
  auto statement = database.prepare(
      "INSERT INTO budget_draws (subject, period, drawn_picodollars) VALUES (?, ?, ?)"
      " ON CONFLICT (subject, period) DO UPDATE SET drawn_picodollars = "
      "excluded.drawn_picodollars");
  if (!statement) return statement.error();
  return statement->bind(1, subject).bind(2, period).bind(3, drawn).run();
}

Result<void> insert(storage::Database& database, const LedgerLine& line) {
  auto statement = database.kept(
      "INSERT INTO model_calls (ended_ms, request_id, tenant, who, target, key_name, outcome,"
      " input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
      " cost_picodollars, estimated, first_token_ms, duration_ms)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!statement) return statement.error();
  return (*statement)
      ->bind(1, line.ended_ms)
      .bind(2, line.request_id)
      .bind(3, line.identity.tenant)
      .bind(4, line.identity.subject)
      .bind(5, line.target)
      .bind(6, line.key)
      .bind(7, line.outcome)
      .bind(8, line.usage.input)
      .bind(9, line.usage.cached_read)
      .bind(10, line.usage.cache_write)
      .bind(11, line.usage.output)
      .bind(12, line.usage.reasoning)
      .bind(13, line.cost)
      .bind(14, std::int64_t{line.estimated})
      .bind(15, line.first_token_ms)
      .bind(16, line.duration_ms)
      .run();
}

Result<void> erase_note(storage::Database& database, std::uint64_t noted) {
  auto statement = database.kept("DELETE FROM open_calls WHERE id = ?");
  if (!statement) return statement.error();
  return (*statement)->bind(1, static_cast<std::int64_t>(noted)).run();
}

Result<void> insert_note(storage::Database& database, const LedgerLine& line) {
  auto statement = database.kept(
      "INSERT OR REPLACE INTO open_calls (id, opened_ms, request_id, tenant, who, target, key_name,"
      " input_tokens, output_tokens, cost_picodollars) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!statement) return statement.error();
  return (*statement)
      ->bind(1, static_cast<std::int64_t>(line.noted))
      .bind(2, line.ended_ms)
      .bind(3, line.request_id)
      .bind(4, line.identity.tenant)
      .bind(5, line.identity.subject)
      .bind(6, line.target)
      .bind(7, line.key)
      .bind(8, line.usage.input)
      .bind(9, line.usage.output)
      .bind(10, line.cost)
      .run();
}

Result<LostCalls> write_lost_calls(storage::Database& database) {
  LostCalls lost;
  {
    auto sums = database.prepare("SELECT count(*), total(cost_picodollars) FROM open_calls");
    if (!sums) return sums.error();
    if (const auto row = sums->step(); !row) return row.error();
    lost = {sums->integer(0), sums->integer(1)};
  }
  if (lost.calls == 0) return lost;
  const auto written = database.execute(
      "INSERT INTO model_calls (ended_ms, request_id, tenant, who, target, key_name, outcome,"
      " input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,"
      " cost_picodollars, estimated, first_token_ms, duration_ms)"
      " SELECT opened_ms, request_id, tenant, who, target, key_name, 'lost', input_tokens, 0, 0,"
      " output_tokens, 0, cost_picodollars, 1, 0, 0 FROM open_calls ORDER BY opened_ms, id;"
      " DELETE FROM open_calls;");
  if (!written) return written.error();
  return lost;
}

Result<std::vector<UsageRow>> read_usage(storage::Database& database, const auth::Identity& caller,
                                         std::int64_t from_ms) {
  auto rows = database.prepare(
      "SELECT target, COUNT(*), SUM(input_tokens), SUM(output_tokens), SUM(cost_picodollars)"
      " FROM model_calls WHERE tenant = ? AND who = ? AND ended_ms >= ?"
      " GROUP BY target ORDER BY target LIMIT ?");
  if (!rows) return rows.error();
  rows->bind(1, caller.tenant)
      .bind(2, caller.subject)
      .bind(3, from_ms)
      .bind(4, static_cast<std::int64_t>(limits::usage_rows_max));
  std::vector<UsageRow> usage;
  while (true) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return usage;
    usage.push_back({.target = rows->text(0),
                     .calls = rows->integer(1),
                     .input_tokens = rows->integer(2),
                     .output_tokens = rows->integer(3),
                     .cost = rows->integer(4)});
  }
}

}  // namespace

void SqliteLedger::carry_out(const limits::StoreEffect& effect, limits::Granted granted) {
  const auto amount = std::make_shared<Picodollars>(0);
  storage::Job job;
  job.work = [subject = effect.subject, what = effect.effect,
              period = limits::period_name(effect.effect.period, effect.effect.index),
              amount](storage::Database& database) -> Result<void> {
    auto drawn = drawn_of(database, subject, period);
    if (!drawn) return drawn.error();
    *amount = limits::apply(what, *drawn);
    return set_drawn(database, subject, period, *drawn);
  };
  job.done = [amount, granted](const Result<void>& written) {
    granted(written ? std::optional(*amount) : std::nullopt);
  };
  if (!writer_.post(std::move(job))) granted(std::nullopt);
}

void SqliteLedger::write(LedgerLine line) {
  storage::Job job;
  job.patient = true;
  job.work = [line = std::move(line)](storage::Database& database) -> Result<void> {
    if (line.noted != 0) {
      if (auto erased = erase_note(database, line.noted); !erased) return erased;
    }
    return insert(database, line);
  };
  job.done = [this](const Result<void>& written) {
    if (!written) lost_.fetch_add(1, std::memory_order_relaxed);
  };
  if (!writer_.post(std::move(job))) lost_.fetch_add(1, std::memory_order_relaxed);
}

void SqliteLedger::note(const LedgerLine& line) {
  storage::Job job;
  job.patient = true;
  job.work = [line](storage::Database& database) { return insert_note(database, line); };
  (void)writer_.post(std::move(job));  // what is not noted is only missed if the process dies
}

void SqliteLedger::forget(std::uint64_t noted) {
  storage::Job job;
  job.patient = true;
  job.work = [noted](storage::Database& database) { return erase_note(database, noted); };
  (void)writer_.post(std::move(job));
}

void SqliteLedger::write_lost(std::function<void(const Result<LostCalls>&)> callback) {
  const auto lost = std::make_shared<LostCalls>();
  storage::Job job;
  job.work = [lost](storage::Database& database) -> Result<void> {
    auto written = write_lost_calls(database);
    if (!written) return written.error();
    *lost = *written;
    return {};
  };
  job.done = [lost, callback = std::move(callback)](const Result<void>& done) {
    if (!done) return callback(done.error());
    if (lost->calls > 0) callback(*lost);
  };
  (void)writer_.post(std::move(job));  // the first: there is room
}

void SqliteLedger::usage(auth::Identity caller, std::int64_t from_ms,
                         std::function<void(Result<std::vector<UsageRow>>)> callback) {
  reads_.after_writes<std::vector<UsageRow>>(
      [caller = std::move(caller), from_ms](storage::Database& database) {
        return read_usage(database, caller, from_ms);
      },
      std::move(callback));
}

void SqliteLedger::drawn(std::string subject, std::int64_t now_s,
                         std::function<void(Result<limits::Drawn>)> callback) {
  reads_.after_writes<limits::Drawn>(
      [subject = std::move(subject), now_s](storage::Database& database) -> Result<limits::Drawn> {
        const auto in = [&](limits::Period period) {
          return drawn_of(database, subject,
                          limits::period_name(period, limits::period_of(period, now_s)));
        };
        const auto day = in(limits::Period::day);
        if (!day) return day.error();
        const auto month = in(limits::Period::month);
        if (!month) return month.error();
        return limits::Drawn{*day, *month};
      },
      std::move(callback));
}

}  // namespace redoubt::storage
