// A relay's runs in the test's own process: a store, a gateway that is told what to answer, and a
// RunService that can end and begin again over the same store.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/json.hpp"
#include "relay/services/runs/run_service.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_agent_memory_store.hpp"
#include "relay/storage/sqlite_run_store.hpp"
#include "tests/relay/services/runs/deaf_gateway.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::runs {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::chrono::seconds patience{240};  // reading a long history back takes 30 times as long
#else
constexpr std::chrono::seconds patience{30};
#endif

/// A stream that keeps what it is given. Any thread.
class Stream final : public http::BodyStream {
 public:
  void write(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    text_ += bytes;
  }
  void end() override { open_ = false; }
  void abort() override { open_ = false; }
  bool open() const override { return open_; }
  void on_gone(std::function<void()>) override {}
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
  std::atomic<bool> open_{true};
};

class RunsFixture {
 public:
  /// How all runs together are bounded, and how long one waits for room in memory.
  struct Memory {
    std::uint64_t all_max = 48u << 20;
    std::int64_t wait_ms_max = 10'000;
  };
  explicit RunsFixture(OwnerBounds bounds = {}) : RunsFixture(bounds, Memory{}) {}
  RunsFixture(OwnerBounds bounds, Memory memory) : bounds_(bounds), memory_(memory) {
    auto shipped = Catalogue::shipped();
    REQUIRE(shipped);
    catalogue_.emplace(std::move(*shipped));
    begin();
  }
  ~RunsFixture() { end(); }
  RunsFixture(const RunsFixture&) = delete;
  RunsFixture& operator=(const RunsFixture&) = delete;

  /// Adds a workflow for everybody.
  void workflow(const std::string& yaml) {
    Catalogue all = *catalogue_->current();
    auto definition = read_workflow(yaml, all.load_context());
    REQUIRE_MESSAGE(definition.ok(), definition.error().message);
    all.put((*definition)->name, *definition);
    catalogue_->replace(std::move(all));
  }

  void begin() {
    auto database = storage::open(path());
    REQUIRE_MESSAGE(database.ok(), database.error().message);
    writer_.emplace(std::move(*database));
    auto second = storage::Database::open(path());
    REQUIRE_MESSAGE(second.ok(), second.error().message);
    reads_.emplace(*writer_, std::move(*second));
    store_.emplace(*writer_, *reads_, bounds_);
    memories_.emplace(*writer_, *reads_);
    auto shipped = Catalogue::shipped();
    service_.emplace(std::move(*shipped),
                     RunService::Dependencies{
                         .store = *store_,
                         .memories = *memories_,
                         .gateway = &gateway_,
                         .log = log_,
                         .metrics = metrics_,
                         .catalogue = *catalogue_,
                         .folder = "",
                         .weight_all_max = memory_.all_max,
                         .take_wait_ms_max = memory_.wait_ms_max,
                         .wall_now_ms = [this] { return observe::wall_now_ms() + later_ms_; }});
    service_->begin();
  }
  void end() {
    service_.reset();
    if (!writer_) return;
    writer_->flush();
    reads_.reset();
    writer_.reset();
  }
  /// The clock of runs is so much later from now on, or earlier.
  void pass(std::int64_t ms) { later_ms_ += ms; }
  std::string path() const { return folder_.file("relay.db"); }
  RunService& service() { return *service_; }
  RecordingGateway& gateway() { return gateway_; }

  /// What the service tells: its JSON, or {"code": ...} of its error.
  Json ask(const std::function<void(JsonCallback)>& question) {
    auto promise = std::make_shared<std::promise<Result<std::string>>>();
    auto future = promise->get_future();
    question([promise](Result<std::string> said) { promise->set_value(std::move(said)); });
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    const Result<std::string> said = future.get();
    if (!said) return Json{{"code", said.error().code}, {"message", said.error().message}};
    const auto json = parse_json(*said, {64u << 20, 64});
    return json ? *json : Json(*said);
  }
  Json start(const Owner& owner, const std::string& workflow, const std::string& input = "{}") {
    return ask([&](JsonCallback callback) {
      service_->start(owner, {.workflow = workflow, .input = input}, std::move(callback));
    });
  }
  std::string started(const Owner& owner, const std::string& workflow,
                      const std::string& input = "{}") {
    const Json run = start(owner, workflow, input);
    REQUIRE_MESSAGE(run.contains("id"), run.dump());
    return run["id"].get<std::string>();
  }
  Json view(const Owner& owner, const std::string& id) {
    return ask(
        [&](JsonCallback callback) { service_->view(owner, id, copying(std::move(callback))); });
  }
  Json remove(const Owner& owner, const std::string& id) {
    return ask([&](JsonCallback callback) { service_->remove(owner, id, std::move(callback)); });
  }
  Json give(const Owner& owner, const std::string& id, GiveOrder order) {
    return ask([&](JsonCallback callback) {
      service_->give(owner, id, std::move(order), std::move(callback));
    });
  }
  Json list(const Owner& owner) {
    return ask([&](JsonCallback callback) { service_->list(owner, std::move(callback)); })["runs"];
  }
  std::string export_run(const Owner& owner, const std::string& id) {
    const Json said = ask([&](JsonCallback callback) {
      service_->export_run(owner, id, copying(std::move(callback)));
    });
    REQUIRE_MESSAGE(said.is_string(), said.dump());
    return said.get<std::string>();
  }
  Json import_run(const Owner& owner, const std::string& bundle) {
    return ask([&](JsonCallback callback) {
      service_->import_run(owner, bundle, -1, std::move(callback));
    });
  }

  /// Looks until it is so. A look asks the service, whose thread works meanwhile.
  template <class Look>
  auto until(Look look) -> decltype(look()) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      auto seen = look();
      if (seen) return seen;
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::yield();
    }
  }
  /// The run's view once it is not running any more.
  Json ended(const Owner& owner, const std::string& id) {
    return *until([&]() -> std::optional<Json> {
      Json run = view(owner, id);
      if (run.value("status", "") == "running") return std::nullopt;
      return run;
    });
  }
  /// The id of the owner's run of that workflow.
  std::string run_of(const Owner& owner, const std::string& workflow) {
    return *until([&]() -> std::optional<std::string> {
      for (const Json& run : list(owner))
        if (run["workflow"] == workflow) return run["id"].get<std::string>();
      return std::nullopt;
    });
  }
  /// SQL over the store between end() and begin().
  void sql(const std::string& text) {
    auto database = storage::open(path());
    REQUIRE(database.ok());
    const auto done = database->execute(text);
    REQUIRE_MESSAGE(done.ok(), done.error().message);
  }

 private:
  struct Nowhere {
    int descriptor = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ~Nowhere() { ::close(descriptor); }
  };
  std::atomic<std::int64_t> later_ms_{0};
  const OwnerBounds bounds_;
  const Memory memory_;
  storage::Folder folder_;
  Nowhere nowhere_;
  observe::Log log_{nowhere_.descriptor, observe::Level::info, 1'000};
  observe::Metrics metrics_;
  std::optional<LiveCatalogue> catalogue_;
  RecordingGateway gateway_;
  std::optional<storage::Writer> writer_;
  std::optional<storage::Reader> reads_;
  std::optional<storage::SqliteRunStore> store_;
  std::optional<storage::SqliteAgentMemoryStore> memories_;
  std::optional<RunService> service_;
};

inline Owner owner(const std::string& subject, const std::string& tenant = "default") {
  Owner owner;
  owner.identity = {tenant, subject};
  owner.may_author = true;
  return owner;
}

}  // namespace redoubt::runs
