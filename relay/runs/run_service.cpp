#include "relay/runs/run_service.hpp"

#include <utility>

#include "relay/runs/run_host.hpp"

namespace redoubt::runs {

RunService::RunService(Catalogue shipped, Surroundings around)
    : host_(std::make_shared<RunHost>(std::move(shipped), std::move(around))) {
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

void RunService::start(Owner owner, StartOrder order, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), order = std::move(order),
               told = std::move(told)]() mutable {
    host->start(std::move(owner), std::move(order), std::move(told));
  });
}
void RunService::list(Owner owner, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), told = std::move(told)]() mutable {
    host->list(owner, std::move(told));
  });
}
void RunService::view(Owner owner, std::string id, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               told = std::move(told)]() mutable { host->view(owner, id, std::move(told)); });
}
void RunService::give(Owner owner, std::string id, GiveOrder order, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               order = std::move(order), told = std::move(told)]() mutable {
    host->give(owner, id, std::move(order), std::move(told));
  });
}
void RunService::resume(Owner owner, std::string id, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               told = std::move(told)]() mutable { host->resume(owner, id, std::move(told)); });
}
void RunService::remove(Owner owner, std::string id, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               told = std::move(told)]() mutable { host->remove(owner, id, std::move(told)); });
}
void RunService::export_run(Owner owner, std::string id, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id),
               told = std::move(told)]() mutable { host->export_run(owner, id, std::move(told)); });
}
void RunService::import_run(Owner owner, std::string bundle, std::int64_t clock_ms, ToldJson told) {
  host_->post([host = host_.get(), owner = std::move(owner), bundle = std::move(bundle), clock_ms,
               told = std::move(told)]() mutable {
    host->import_run(std::move(owner), std::move(bundle), clock_ms, std::move(told));
  });
}
void RunService::watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out) {
  host_->post([host = host_.get(), owner = std::move(owner), id = std::move(id), from,
               out = std::move(out)]() mutable { host->watch(owner, id, from, std::move(out)); });
}

}  // namespace redoubt::runs
