// What the relay's host of runs costs: runs that are started and answered, signals to one run,
// looks at it, and runs that are read back at a start. Processor time of all threads, the store's
// among them, which is steadier than the clock. No model is asked: the gateway keeps what it is
// asked.
//
//   redoubt_runs_bench [ROUNDS]     (3 by default; the best of them is shown)
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "relay/services/runs/run_service.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_agent_memory_store.hpp"
#include "relay/storage/sqlite_run_store.hpp"
#include "tests/bench/scratch_folder.hpp"
#include "tests/relay/services/runs/deaf_gateway.hpp"

using namespace redoubt;
using namespace redoubt::runs;

namespace {

constexpr int short_runs = 4'000;
constexpr int short_runs_under_way = 50;
constexpr int signals = 4'000;
constexpr int looks = 200'000;
constexpr int read_back = 90;
constexpr int read_back_signals = 300;
/// As a page's requests would be.
constexpr int at_once = 32;

class Bench {
 public:
  Bench() : catalogue_(Catalogue::shipped().value()) {
    owner_.identity = {"default", "ada"};
    owner_.may_author = true;
    begin();
  }
  ~Bench() {
    end();
    ::close(nowhere_);
  }

  void begin() {
    writer_.emplace(storage::open(folder_.at("relay.db")).value());
    reads_.emplace(*writer_, storage::Database::open(folder_.at("relay.db")).value());
    store_.emplace(*writer_, *reads_, OwnerBounds{.under_way_max = 10'000});
    memories_.emplace(*writer_, *reads_);
    service_.emplace(Catalogue::shipped().value(), RunService::Dependencies{.store = *store_,
                                                                            .memories = *memories_,
                                                                            .gateway = &gateway_,
                                                                            .log = log_,
                                                                            .metrics = metrics_,
                                                                            .catalogue = catalogue_,
                                                                            .folder = ""});
    service_->begin();
  }
  void end() {
    service_.reset();
    writer_->flush();
    reads_.reset();
    writer_.reset();
  }

  using Ask = std::function<void(int, JsonCallback)>;
  /// So many calls, at_once at a time; what each of them was told.
  std::vector<std::string> ask(int calls, const Ask& one, int width = at_once) {
    std::vector<std::string> said(static_cast<std::size_t>(calls));
    int begun = 0, done = 0;
    std::unique_lock lock(mutex_);
    while (done < calls) {
      while (begun < calls && begun - done < width) {
        const int n = begun++;
        lock.unlock();
        one(n, [this, n, &said, &done](const Result<std::string>& answer) {
          const std::lock_guard held(mutex_);
          if (!answer) {
            std::fprintf(stderr, "%s\n", answer.error().message.c_str());
            std::exit(1);
          }
          said[static_cast<std::size_t>(n)] = *answer;
          ++done;
          changed_.notify_one();
        });
        lock.lock();
      }
      const int before = done;
      changed_.wait(lock, [&] { return done > before; });
    }
    return said;
  }

  std::vector<std::string> start(int count, const std::string& file) {
    std::vector<std::string> ids;
    for (const std::string& run : ask(count, [&](int, JsonCallback callback) {
           service_->start(owner_, {.definition = file, .input = "{}"}, std::move(callback));
         }))
      ids.push_back(parse_json(run)->at("id").get<std::string>());
    return ids;
  }
  void give(int count, const std::function<std::string(int)>& id, const GiveOrder& order,
            int width = at_once) {
    ask(
        count,
        [&](int n, JsonCallback callback) {
          service_->give(owner_, id(n), order, std::move(callback));
        },
        width);
  }
  void look(int count, const std::function<std::string(int)>& id) {
    ask(count, [&](int n, JsonCallback callback) {
      service_->view(owner_, id(n), copying(std::move(callback)));
    });
  }

 private:
  bench::ScratchFolder folder_;
  int nowhere_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  observe::Log log_{nowhere_, observe::Level::error, 1'000};
  observe::Metrics metrics_;
  LiveCatalogue catalogue_;
  DeafGateway gateway_;
  Owner owner_;
  std::optional<storage::Writer> writer_;
  std::optional<storage::Reader> reads_;
  std::optional<storage::SqliteRunStore> store_;
  std::optional<storage::SqliteAgentMemoryStore> memories_;
  std::optional<RunService> service_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

double microseconds(int things, const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return 1e6 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / things;
}

struct Row {
  const char* name;
  double best = 1e300;
};

const std::string asker =
    R"({"name":"asker","workflow":[{"id":"sure","ask":"Sure?"}],"result":"{{ steps.sure }}"})";
const std::string counter =
    R"({"name":"counter","state":{"n":{"initial":0,"reducer":"replace"}},"workflow":[
        {"loop":{"max":9000},"do":[{"id":"next","wait":{"signal":"next"}},
                                   {"set":{"n":"{{ state.n + 1 }}"}}]}]})";
const std::string thinker =
    R"({"name":"thinker","llms":{"one":{"model_name":"strategist"}},
        "state":{"n":{"initial":0,"reducer":"replace"}},"workflow":[
        {"parallel":[[{"id":"x","model":"one","prompt":"One?"}],
                     [{"loop":{"max":9000},"do":[{"id":"next","wait":{"signal":"next"}},
                                                 {"set":{"n":"{{ state.n + 1 }}"}}]}]]}]})";

void round(std::vector<Row>& rows) {
  std::size_t row = 0;
  const auto measure = [&](int things, const std::function<void()>& work) {
    rows[row].best = std::min(rows[row].best, microseconds(things, work));
    ++row;
  };
  Bench bench;
  measure(short_runs, [&] {
    for (int left = short_runs; left > 0; left -= short_runs_under_way) {
      const auto ids = bench.start(short_runs_under_way, asker);
      bench.give(short_runs_under_way, [&](int n) { return ids[static_cast<std::size_t>(n)]; },
                 {workflow::InputKind::answer, "sure#1", "1"});
    }
  });
  const std::string one = bench.start(1, counter).front();
  const auto always = [&](int) { return one; };
  measure(signals, [&] {
    bench.give(signals, always, {workflow::InputKind::signal, "next", "1"});
  });
  measure(looks, [&] { bench.look(looks, always); });
  const std::vector<std::string> many = bench.start(read_back, thinker);
  const auto in_turn = [&](int n) { return many[static_cast<std::size_t>(n % read_back)]; };
  bench.give(read_back * read_back_signals, in_turn, {workflow::InputKind::signal, "next", "1"},
             read_back);
  bench.end();
  measure(read_back, [&] {
    bench.begin();
    bench.look(read_back, in_turn);
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Row> rows{{"a run that is started, asks, and is answered"},
                        {"a signal to a run that counts them"},
                        {"a look at a run"},
                        {"a run of 300 signals read back at a start"}};
  for (int left = argc > 1 ? std::atoi(argv[1]) : 3; left > 0; --left)
    round(rows);
  for (const Row& row : rows)
    std::printf("%-48s %9.1f us\n", row.name, row.best);
}
