#include "relay/services/runs/run_service.hpp"

#include <utility>

#include "relay/services/runs/run_host.hpp"

namespace redoubt::runs {

RunService::RunService(Catalogue shipped, Dependencies dependencies)
    : host_(std::make_shared<RunHost>(std::move(shipped), std::move(dependencies))) {
  host_->look_at_folder();
}

RunService::~RunService() {
  host_->stop();
}

void RunService::begin() {
  host_->begin();
}
void RunService::stop() {
  host_->stop();
}

void RunService::start(Owner owner, StartOrder order, JsonCallback callback) {
  host_->post([host = host_.get(), owner = std::move(owner), order = std::move(order),
               callback = std::move(callback)]() mutable {
    host->start(std::move(owner), std::move(order), std::move(callback));
  });
}
void RunService::list(Owner owner, JsonCallback callback) {
  host_->post(
      [host = host_.get(), owner = std::move(owner), callback = std::move(callback)]() mutable {
        host->list(owner, std::move(callback));
      });
}
void RunService::view(Owner owner, std::string id, SharedCallback callback) {
  host_->post(
      [host = host_.get(), owner = std::move(owner), id = std::move(id),
       callback = std::move(callback)]() mutable { host->view(owner, id, std::move(callback)); });
}
void RunService::give(Owner owner, std::string id, GiveOrder order, JsonCallback callback) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               order = std::move(order), callback = std::move(callback)]() mutable {
    host->give(owner, id, std::move(order), std::move(callback));
  });
}
void RunService::resume(Owner owner, std::string id, SharedCallback callback) {
  host_->post(
      [host = host_.get(), owner = std::move(owner), id = std::move(id),
       callback = std::move(callback)]() mutable { host->resume(owner, id, std::move(callback)); });
}
void RunService::remove(Owner owner, std::string id, JsonCallback callback) {
  host_->post(
      [host = host_.get(), owner = std::move(owner), id = std::move(id),
       callback = std::move(callback)]() mutable { host->remove(owner, id, std::move(callback)); });
}
void RunService::export_run(Owner owner, std::string id, SharedCallback callback) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               callback = std::move(callback)]() mutable {
    host->export_run(owner, id, std::move(callback));
  });
}
void RunService::import_run(Owner owner, std::string bundle, std::int64_t clock_ms,
                            JsonCallback callback) {
  host_->post([host = host_.get(), owner = std::move(owner), bundle = std::move(bundle), clock_ms,
               callback = std::move(callback)]() mutable {
    host->import_run(std::move(owner), std::move(bundle), clock_ms, std::move(callback));
  });
}
void RunService::may_watch(Owner owner, std::string id, JsonCallback callback) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               callback = std::move(callback)]() mutable {
    host->may_watch(owner, id, std::move(callback));
  });
}
void RunService::watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id), from,
               out = std::move(out)]() mutable { host->watch(owner, id, from, std::move(out)); });
}

}  // namespace redoubt::runs
