#include "relay/services/models/exchange.hpp"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/llm/text_completion.hpp"
#include "relay/contract/errors.hpp"
#include "relay/net/turns.hpp"
#include "relay/services/models/answer_stamp.hpp"
#include "relay/services/models/model_responses.hpp"
#include "relay/upstream/answer_decoding.hpp"

namespace redoubt::services {

Exchange::Exchange(const net::Executor& shard, ModelsFace face, const llm::ChatRequest& request,
                   std::int64_t created_s, bool as_list)
    : WaitingClient(shard), face_(face) {
  stream_.format = face.format;
  stream_.as_list = as_list;
  stream_.include_usage = request.stream_usage;
  stream_.stamp = stamp_for(request, created_s);
}

void Exchange::on_event(const llm::ChatEvent& event, llm::WireFormat origin) {
  stream_.origin = origin;
  encode(event);
  began_ = true;
  push();
}

void Exchange::on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat,
                         const upstream::CallSummary& s) {
  summary = s;
  if (!began_) whole_ = std::move(answer);
  finish();
}

void Exchange::on_refusal(const upstream::CallRefusal& why, const upstream::CallSummary& s) {
  summary = s;
  refusal = why;
  if (began_) {
    llm::ChatEvent failed;
    failed.kind = llm::EventKind::failed;
    failed.failure = why.failure;
    encode(failed);
    push();
  }
  finish();
}

void Exchange::attach(http::BodyStreamPtr body) {
  body_ = std::move(body);
  body_->on_gone([self = shared_from_this()] { self->leave(); });
  push();
  if (is_over()) end_body();
}

http::Response Exchange::whole_response(std::string body) {
  whole_.reset();
  if (memory_) memory_->settle(body.capacity());
  http::Response response = http::Response::json(200, std::move(body));
  response.memory = std::exchange(memory_, nullptr);
  return response;
}

std::string Exchange::encode_whole() const {
  return face_.text_completion ? llm::encode_text_completion(*whole_, stream_.stamp)
                               : llm::encode_answer(face_.format, *whole_, stream_.stamp);
}

void Exchange::encode(const llm::ChatEvent& event) {
  if (face_.text_completion) {
    llm::encode_text_completion_event(stream_, event, waiting_);
  } else {
    llm::encode_event(stream_, event, waiting_);
  }
}

void Exchange::push() {
  if (body_ && !waiting_.empty()) body_->write(std::exchange(waiting_, {}));
  decided.notify();
}

void Exchange::finish() {
  if (body_) end_body();
  conclude();
}

void Exchange::end_body() {
  if (refusal && !llm::has_error_events(stream_.format)) return body_->break_off();
  body_->end();
}

net::Task<http::Response> answer_of(net::ComputePool& pool, std::string caller,
                                    std::shared_ptr<Exchange> exchange) {
  http::Response response;
  if (exchange->streams()) {
    response.add("Content-Type", exchange->as_list() ? "application/json; charset=utf-8"
                                                     : "text/event-stream; charset=utf-8");
    response.add("Cache-Control", "no-cache");
    response.add(contract::unbuffered_header, "no");
    response.stream = [exchange](http::BodyStreamPtr out) { exchange->attach(std::move(out)); };
    add_summary(response, exchange->summary);
  } else if (exchange->refusal) {
    response = refusal_response(exchange->format(), *exchange->refusal, exchange->summary);
  } else {
    std::string whole;
    if (exchange->size() > upstream::large_answer_bytes) {
      auto encode = [exchange] { return exchange->encode_whole(); };
      whole = *co_await pool.run_begun(caller, std::move(encode));
    } else {
      if (exchange->size() > net::Turns::short_step_bytes) {
        const net::Executor shard = co_await boost::asio::this_coro::executor;
        co_await net::Turns::of(shard).wait();
      }
      whole = exchange->encode_whole();
    }
    response = exchange->whole_response(std::move(whole));
    add_summary(response, exchange->summary);
    add_cost(response, exchange->summary);
  }
  add_quotas(response, exchange->quotas);
  if (exchange->source)
    response.add(cache_header, std::string(upstream::source_name(*exchange->source)));
  co_return response;
}

}  // namespace redoubt::services
