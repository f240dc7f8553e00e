#include "tests/relay/net/loopback.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <stdexcept>

namespace redoubt::net::test {

namespace {

Task<http::Response> later(http::Request& request) {
  const boost::asio::use_awaitable_t<Executor> use;
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, use);
  http::Response response = http::Response::text(200, "later " + std::string(request.body));
  co_return response;
}

Task<http::Response> broken_later(http::Request&) {
  const boost::asio::use_awaitable_t<Executor> use;
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, use);
  throw std::runtime_error("broken later");
}

}  // namespace

http::Router make_router() {
  using http::Method;
  using http::Request;
  using http::Response;
  http::Router router;
  const auto big = std::make_shared<const std::string>(big_bytes, 'x');
  router.add(Method::get, "/ping", [](Request&) { return Response::text(200, "pong"); });
  router.add(Method::post, "/echo",
             [](Request& request) { return Response::text(200, std::string(request.body)); });
  router.add(Method::get, "/big", [big](Request&) {
    Response response = Response::empty(200);
    response.shared_body = big;
    return response;
  });
  router.add(Method::get, "/broken",
             [](Request&) -> Response { throw std::runtime_error("broken"); });
  router.add_async(Method::get, "/later", later);
  router.add_async(Method::post, "/later", later);
  router.add_async(Method::get, "/broken-later", broken_later);
  return router;
}

}  // namespace redoubt::net::test
