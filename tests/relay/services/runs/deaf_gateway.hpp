// Gateways for tests and benchmarks of runs.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/upstream/gateway.hpp"

namespace redoubt::runs {

/// Takes every call, and never answers.
class DeafGateway : public upstream::Gateway {
 public:
  Result<std::shared_ptr<upstream::GatewayCall>> start(
      const net::Executor&, upstream::Order, upstream::Delivery,
      std::shared_ptr<upstream::CallClient>) override {
    class Call final : public upstream::GatewayCall {
      void leave() override {}
    };
    return std::shared_ptr<upstream::GatewayCall>(std::make_shared<Call>());
  }
  void reload_keys() override {}
  std::vector<upstream::KnownModel> models() const override { return {{.name = "strategist"}}; }
  std::vector<upstream::ModelNote> model_notes(std::int64_t) const override { return {}; }
  bool knows(std::string_view) const override { return true; }
  Spent spent(const auth::Identity&, const auth::CallerLimits&, const limits::Drawn&,
              std::int64_t) override {
    return {};
  }
  void close() override {}
};

/// The same, and keeps what it is asked and by whom. Any thread.
class RecordingGateway final : public DeafGateway {
 public:
  Result<std::shared_ptr<upstream::GatewayCall>> start(
      const net::Executor& executor, upstream::Order order, upstream::Delivery delivery,
      std::shared_ptr<upstream::CallClient> client) override {
    {
      const std::lock_guard lock(mutex_);
      orders_.push_back(order);
      clients_.push_back(client);
    }
    return DeafGateway::start(executor, std::move(order), delivery, std::move(client));
  }

  std::vector<upstream::Order> orders() {
    const std::lock_guard lock(mutex_);
    return orders_;
  }
  std::vector<std::weak_ptr<upstream::CallClient>> clients() {
    const std::lock_guard lock(mutex_);
    return clients_;
  }

 private:
  std::mutex mutex_;
  std::vector<upstream::Order> orders_;
  std::vector<std::weak_ptr<upstream::CallClient>> clients_;
};

}  // namespace redoubt::runs
