#include "relay/runs/run_store.hpp"

#include <memory>
#include <optional>
#include <span>

#include "engine/agents/memory_call.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"

namespace redoubt::runs {
namespace {

using store::Database;

constexpr std::size_t entry_bytes_max = 4u << 20;
constexpr const char* columns =
    "SELECT id, owner, tenant, anonymous, workflow, definition, started_ms, ended_ms FROM runs ";

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<void> read_history(Database& database, StoredRun& run) {
  auto rows = database.prepare("SELECT frames FROM run_pieces WHERE run = ? ORDER BY number");
  if (!rows) return rows.error();
  rows->bind(1, run.id);
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    run.history += text_of(rows->blob(0));
    ++run.pieces;
  }
  auto epochs = database.prepare("SELECT epoch FROM run_epochs WHERE owner = ? AND run = ?");
  if (!epochs) return epochs.error();
  epochs->bind(1, run.owner).bind(2, run.id);
  for (;;) {
    const auto row = epochs->step();
    if (!row) return row.error();
    if (!*row) return {};
    run.epochs.push_back(static_cast<std::uint32_t>(epochs->integer(0)));
  }
}

Result<std::vector<StoredRun>> read_runs(Database& database, store::Statement& rows,
                                         bool with_histories) {
  std::vector<StoredRun> runs;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    StoredRun run;
    run.id = rows.text(0);
    run.owner = rows.text(1);
    run.tenant = rows.text(2);
    run.anonymous = rows.integer(3) != 0;
    run.workflow = rows.text(4);
    if (with_histories) run.definition = rows.text(5);
    run.started_ms = rows.integer(6);
    run.ended_ms = rows.integer(7);
    runs.push_back(std::move(run));
  }
  if (!with_histories) return runs;
  for (StoredRun& run : runs)
    if (auto read = read_history(database, run); !read) return read.error();
  return runs;
}

Result<void> add_piece(Database& database, const std::string& run, std::int64_t number,
                       const std::string& frames) {
  auto piece = database.prepare("INSERT INTO run_pieces (run, number, frames) VALUES (?, ?, ?)");
  if (!piece) return piece.error();
  piece->bind(1, run).bind(2, number).bind_blob(3, bytes_of(frames));
  return piece->run();
}

Result<void> drop_oldest(Database& database, const std::string& owner) {
  auto old = database.prepare(
      "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE owner = ? AND ended_ms > 0 "
      "ORDER BY started_ms DESC LIMIT -1 OFFSET ?)");
  if (!old) return old.error();
  old->bind(1, owner).bind(2, static_cast<std::int64_t>(ended_kept_max));
  return old->run();
}

Result<void> put_run(Database& database, const StoredRun& run, std::int64_t epoch) {
  auto gone = database.prepare("DELETE FROM runs WHERE id = ? AND owner = ?");
  if (!gone) return gone.error();
  gone->bind(1, run.id).bind(2, run.owner);
  if (auto done = gone->run(); !done) return done;
  auto row = database.prepare(
      "INSERT INTO runs (id, owner, tenant, anonymous, workflow, definition, started_ms, ended_ms)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  if (!row) return row.error();
  row->bind(1, run.id).bind(2, run.owner).bind(3, run.tenant);
  row->bind(4, static_cast<std::int64_t>(run.anonymous)).bind(5, run.workflow);
  row->bind(6, run.definition).bind(7, run.started_ms).bind(8, run.ended_ms);
  if (auto done = row->run(); !done) return done;
  if (auto done = add_piece(database, run.id, 0, run.history); !done) return done;
  if (epoch >= 0) {
    auto known = database.prepare("INSERT INTO run_epochs (owner, run, epoch) VALUES (?, ?, ?)");
    if (!known) return known.error();
    known->bind(1, run.owner).bind(2, run.id).bind(3, epoch);
    if (auto done = known->run(); !done) return done;
  }
  return drop_oldest(database, run.owner);
}

Result<agents::Memory> read_memory(Database& database, const MemoryCall& call) {
  agents::Memory memory;
  auto rows =
      database.prepare("SELECT entry FROM memories WHERE tenant = ? AND owner = ? ORDER BY id");
  if (!rows) return rows.error();
  rows->bind(1, call.tenant).bind(2, call.owner);
  for (;;) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return memory;
    const auto json = parse_json(rows->text(0), {entry_bytes_max, 32});
    if (!json) return json.error();
    auto entry = agents::read_entry(*json);
    if (!entry) return entry.error();
    if (auto restored = memory.restore(std::move(*entry)); !restored) return restored.error();
  }
}

Result<void> keep_memory(Database& database, const MemoryCall& call,
                         const agents::MemoryChange& change) {
  for (const std::uint64_t id : change.dropped) {
    auto row = database.prepare("DELETE FROM memories WHERE tenant = ? AND owner = ? AND id = ?");
    if (!row) return row.error();
    row->bind(1, call.tenant).bind(2, call.owner).bind(3, static_cast<std::int64_t>(id));
    if (auto done = row->run(); !done) return done;
  }
  for (const agents::MemoryEntry& entry : change.written) {
    auto row = database.prepare(
        "INSERT OR REPLACE INTO memories (tenant, owner, id, entry) VALUES (?, ?, ?, ?)");
    if (!row) return row.error();
    row->bind(1, call.tenant).bind(2, call.owner).bind(3, static_cast<std::int64_t>(entry.id));
    row->bind(4, canonical(agents::entry_json(entry)));
    if (auto done = row->run(); !done) return done;
  }
  return {};
}

Result<std::string> carry_out(Database& database, const MemoryCall& call) {
  auto memory = read_memory(database, call);
  if (!memory) return memory.error();
  agents::MemoryChange change;
  change.dropped = memory->clean(call.now_ms);
  auto answer =
      agents::call_memory(*memory, call.name, call.request, {call.tenant, call.owner, {}, {}},
                          call.key, call.now_ms, change);
  if (!answer) return answer;
  if (auto kept = keep_memory(database, call, change); !kept) return kept.error();
  return answer;
}

}  // namespace

void RunStore::memory_call(MemoryCall call, Told<std::string> told) {
  auto shared = std::make_shared<const MemoryCall>(std::move(call));
  post<std::string>([shared](Database& database) { return carry_out(database, *shared); },
                    std::move(told));
}

template <class T>
void RunStore::post(std::function<Result<T>(Database&)> work, Told<T> told) {
  // Made by the job, told after its commit.
  auto made = std::make_shared<std::optional<Result<T>>>();
  store::Job job;
  job.work = [made, work = std::move(work)](Database& database) -> Result<void> {
    made->emplace(work(database));
    if (!**made) return (*made)->error();
    return {};
  };
  auto shared = std::make_shared<Told<T>>(std::move(told));
  job.done = [made, shared](const Result<void>& committed) {
    if (!committed) return (*shared)(committed.error());
    (*shared)(std::move(**made));
  };
  if (!writer_.post(std::move(job)))
    (*shared)(Error{.code = "store_busy", .message = "the store has too much to write"});
}

void RunStore::put(StoredRun run, std::int64_t epoch, Told<void> told) {
  auto kept = std::make_shared<const StoredRun>(std::move(run));
  post<void>([kept, epoch](Database& database) { return put_run(database, *kept, epoch); },
             std::move(told));
}

void RunStore::append(std::string id, std::int64_t number, std::string frames,
                      std::int64_t ended_ms, Told<void> told) {
  post<void>(
      [id = std::move(id), number, frames = std::move(frames),
       ended_ms](Database& database) -> Result<void> {
        if (auto added = add_piece(database, id, number, frames); !added) return added;
        auto row = database.prepare("UPDATE runs SET ended_ms = ? WHERE id = ?");
        if (!row) return row.error();
        row->bind(1, ended_ms).bind(2, id);
        return row->run();
      },
      std::move(told));
}

void RunStore::unfinished(Told<std::vector<StoredRun>> told) {
  post<std::vector<StoredRun>>(
      [](Database& database) -> Result<std::vector<StoredRun>> {
        auto rows = database.prepare(std::string(columns) + "WHERE ended_ms = 0 ORDER BY id");
        if (!rows) return rows.error();
        return read_runs(database, *rows, true);
      },
      std::move(told));
}

void RunStore::find(std::string owner, std::string id, Told<std::vector<StoredRun>> told) {
  post<std::vector<StoredRun>>(
      [owner = std::move(owner),
       id = std::move(id)](Database& database) -> Result<std::vector<StoredRun>> {
        auto rows = database.prepare(std::string(columns) + "WHERE id = ? AND owner = ?");
        if (!rows) return rows.error();
        rows->bind(1, id).bind(2, owner);
        return read_runs(database, *rows, true);
      },
      std::move(told));
}

void RunStore::list(std::string owner, Told<std::vector<StoredRun>> told) {
  post<std::vector<StoredRun>>(
      [owner = std::move(owner)](Database& database) -> Result<std::vector<StoredRun>> {
        auto rows = database.prepare(std::string(columns) +
                                     "WHERE owner = ? ORDER BY started_ms DESC, id LIMIT 400");
        if (!rows) return rows.error();
        rows->bind(1, owner);
        return read_runs(database, *rows, false);
      },
      std::move(told));
}

void RunStore::remove(std::string owner, std::string id, Told<void> told) {
  post<void>(
      [owner = std::move(owner), id = std::move(id)](Database& database) -> Result<void> {
        auto row = database.prepare("DELETE FROM runs WHERE id = ? AND owner = ?");
        if (!row) return row.error();
        row->bind(1, id).bind(2, owner);
        return row->run();
      },
      std::move(told));
}

void RunStore::signing_key(workflow::SigningKey fresh, Told<workflow::SigningKey> told) {
  post<workflow::SigningKey>(
      [fresh = std::move(fresh)](Database& database) -> Result<workflow::SigningKey> {
        auto known =
            database.prepare("SELECT id, secret FROM run_signing_keys ORDER BY id LIMIT 1");
        if (!known) return known.error();
        const auto row = known->step();
        if (!row) return row.error();
        if (*row) return workflow::SigningKey{known->text(0), text_of(known->blob(1))};
        auto added = database.prepare("INSERT INTO run_signing_keys (id, secret) VALUES (?, ?)");
        if (!added) return added.error();
        added->bind(1, fresh.id).bind_blob(2, bytes_of(fresh.bytes));
        if (auto done = added->run(); !done) return done.error();
        return fresh;
      },
      std::move(told));
}

}  // namespace redoubt::runs
