// Whose streams have a place.
#include "relay/services/models/model_stream.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

namespace redoubt::services {
namespace {

class Streams {
 public:
  using Stream = std::shared_ptr<ModelStream>;

  /// Null where it got no place.
  Stream begun(const auth::Identity& caller) {
    contract::Caller who;
    who.identity = caller;
    const auto stream = std::make_shared<ModelStream>(shard_.get_executor(), registry_, "s", who,
                                                      llm::ChatRequest{}, 0);
    return stream->begin({.number = ++sockets_, .peer = {}}) ? stream : nullptr;
  }
  std::vector<Stream> begun(const auth::Identity& caller, std::size_t count) {
    std::vector<Stream> all;
    while (all.size() < count)
      all.push_back(begun(caller));
    return all;
  }
  static void end(const Stream& stream) { stream->fail({}); }
  void run() {
    shard_.restart();
    shard_.poll();
  }
  std::size_t size() const { return registry_->size(); }

 private:
  boost::asio::io_context shard_{1};
  observe::Metrics metrics_;
  std::shared_ptr<StreamRegistry> registry_ =
      std::make_shared<StreamRegistry>(upstream::StreamHoldOptions{}, metrics_);
  std::uint64_t sockets_ = 0;
};

const auth::Identity ada{"valley", "ada"};
const auth::Identity bob{"valley", "bob"};

TEST_CASE("one caller's streams take no place from others, and those that are over make room") {
  Streams streams;
  const auto all = streams.begun(ada, caller_streams_max);
  CHECK_FALSE(streams.begun(ada));
  const auto other = streams.begun(bob);
  CHECK(other);
  Streams::end(other);
  CHECK_FALSE(streams.begun(ada));
  Streams::end(all[5]);
  Streams::end(all[3]);
  const auto next = streams.begun(ada);
  CHECK(next);
  streams.run();
  CHECK(all[3]->disposed());
  CHECK_FALSE(all[5]->disposed());
  CHECK_FALSE(other->disposed());
  CHECK(streams.size() == caller_streams_max + 1);
}

TEST_CASE("callers without a token are one, wherever they come from") {
  Streams streams;
  std::vector<Streams::Stream> all;
  for (std::size_t i = 0; i < caller_streams_max; ++i)
    all.push_back(streams.begun(auth::anonymous_identity("192.0.2." + std::to_string(i))));
  CHECK_FALSE(streams.begun(auth::anonymous_identity("198.51.100.1")));
  CHECK(streams.begun(bob));
}

TEST_CASE("where all places are taken, whoever has most gives one of those that are over") {
  Streams streams;
  std::vector<Streams::Stream> all;
  for (std::size_t i = 0; i < model_streams_max / caller_streams_max; ++i) {
    const auto some = streams.begun({"valley", std::to_string(i)}, caller_streams_max);
    all.insert(all.end(), some.begin(), some.end());
  }
  CHECK_FALSE(streams.begun(ada));
  for (const auto& stream : all)
    Streams::end(stream);
  const auto one = streams.begun(ada);
  CHECK(one);
  streams.run();
  CHECK(streams.size() == model_streams_max);
  std::size_t gone = 0;
  for (const auto& stream : all)
    gone += stream->disposed() ? 1 : 0;
  CHECK(gone == 1);
}

}  // namespace
}  // namespace redoubt::services
