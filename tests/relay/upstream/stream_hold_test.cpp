#include "relay/upstream/stream_hold.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t ms_ns = 1'000'000;

Frame frame(std::size_t bytes) {
  return std::make_shared<const std::string>(bytes, 'x');
}

std::string numbers(const Resumed& resumed) {
  std::string out = resumed.ok ? "ok" : "refused";
  for (const NumberedFrame& one : resumed.frames)
    out += " " + std::to_string(one.sequence);
  return out;
}

TEST_CASE("a client that comes back gets what it lacks, once") {
  StreamHold hold;
  CHECK(hold.push(frame(1)) == 1);
  CHECK(hold.push(frame(1)) == 2);
  hold.detach(0);
  CHECK(hold.push(frame(1)) == 3);
  CHECK(numbers(hold.resume(1, 14'999 * ms_ns)) == "ok 2 3");
  CHECK(hold.state() == HoldState::attached);
  CHECK(hold.push(frame(1)) == 4);
  // The old connection's end came unnoticed: the new one takes over.
  CHECK(numbers(hold.resume(2, 15'000 * ms_ns)) == "ok 3 4");
}

TEST_CASE("nobody comes back in 15 s: it is lost") {
  StreamHold hold;
  hold.push(frame(1));
  hold.detach(0);
  CHECK(hold.expires_at_ns() == 15'000 * ms_ns);
  hold.time(15'000 * ms_ns - 1);
  CHECK(hold.state() == HoldState::detached);
  hold.time(15'000 * ms_ns);
  CHECK(hold.state() == HoldState::lost);
  CHECK(hold.kept_bytes() == 0);
  CHECK(numbers(hold.resume(1, 15'000 * ms_ns)) == "refused");
}

TEST_CASE("256 KiB are kept: what was sent goes first, what never went out loses the stream") {
  StreamHold hold({.bytes_max = 10});
  for (int i = 0; i < 5; ++i)
    hold.push(frame(4));  // 4 and 5 are kept
  hold.detach(0);
  CHECK(numbers(hold.resume(2, 0)) == "refused");
  CHECK(numbers(hold.resume(3, 0)) == "ok 4 5");
  hold.detach(0);
  hold.push(frame(4));
  hold.push(frame(4));  // 4 and 5 are gone, which the client may have
  CHECK(hold.state() == HoldState::detached);
  CHECK(numbers(hold.resume(5, 0)) == "ok 6 7");
  hold.detach(0);
  hold.push(frame(4));
  hold.push(frame(4));
  hold.push(frame(4));
  CHECK(hold.state() == HoldState::lost);
}

TEST_CASE("what all streams keep has a budget: what was sent goes first, then the stream") {
  std::size_t counted = 0;
  const auto room_for = [&counted](std::size_t bytes_max) {
    return [&counted, bytes_max](std::size_t bytes) {
      if (bytes > counted && bytes > bytes_max) return false;
      counted = bytes;
      return true;
    };
  };
  StreamHold hold({}, room_for(10));
  for (int i = 0; i < 5; ++i)
    hold.push(frame(4));
  CHECK(counted == 8);
  hold.detach(0);
  CHECK(numbers(hold.resume(3, 0)) == "ok 4 5");
  hold.push(frame(20));  // it went out, and is not kept
  CHECK(counted == 0);
  hold.push(frame(4));
  CHECK(counted == 4);
  hold.acknowledge(7);
  CHECK(counted == 0);
  hold.detach(0);
  hold.push(frame(8));
  CHECK(counted == 8);
  hold.push(frame(8));  // neither went out
  CHECK(hold.state() == HoldState::lost);
  CHECK(counted == 0);
}

TEST_CASE("an acknowledgement frees, a wrong one does not") {
  StreamHold hold;
  hold.push(frame(8));
  hold.push(frame(8));
  hold.acknowledge(1);
  CHECK(hold.kept_bytes() == 8);
  hold.detach(0);
  hold.push(frame(8));
  hold.acknowledge(3);  // 3 never went out
  CHECK(hold.kept_bytes() == 8);
  CHECK(numbers(hold.resume(3, 0)) == "refused");
  CHECK(numbers(hold.resume(2, 0)) == "ok 3");
}

}  // namespace
}  // namespace redoubt::upstream
