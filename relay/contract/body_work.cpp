#include "relay/contract/body_work.hpp"

#include "relay/contract/gate.hpp"
#include "relay/http/content_coding.hpp"

namespace redoubt::contract {
namespace {

// A body of either is read in well under 200 us.
constexpr std::size_t quick_body_bytes_max = 64 * 1024;
constexpr std::size_t quick_values_max = 1'500;

}  // namespace

bool is_quick(std::string_view body) {
  if (body.size() <= inline_body_bytes_max) return true;
  if (body.size() > quick_body_bytes_max) return false;
  std::size_t values = 1;
  for (const char begins : {',', '[', '{'}) {
    for (std::size_t at = body.find(begins); at != body.npos; at = body.find(begins, at + 1)) {
      if (++values > quick_values_max) return false;
    }
  }
  return true;
}

Error overloaded() {
  return {.code = "overloaded", .message = "The relay has too much to do; try again."};
}

net::Task<Result<void>> UnpackedBody::unpack(net::ComputePool& pool, http::Request& request,
                                             std::size_t bytes_max) {
  const auto coding = http::read_coding(request.header_or("content-encoding", "identity"));
  if (!coding || *coding == http::Coding::identity) co_return Result<void>();
  const std::size_t most = http::unpacked_bytes_max(request.body.size(), bytes_max);
  // What may come out has its room before anything does.
  const auto room = request.hold_memory ? request.hold_memory(most) : nullptr;
  if (request.hold_memory && !room) co_return overloaded();
  const std::string caller = caller_key(request);
  auto work = [coding = *coding, packed = request.body, most] {
    return http::decode_content(coding, packed, most);
  };
  auto unpacked = co_await pool.run(caller, std::move(work));
  if (!unpacked) co_return overloaded();
  if (!*unpacked) co_return unpacked->error();
  text_ = std::move(**unpacked);
  if (request.drop_body) request.drop_body();
  held_ = request.hold_memory ? request.hold_memory(text_.capacity()) : nullptr;
  if (!held_) held_ = room;  // more than it takes
  request.body = text_;
  request.drop_body = [this, &request] {
    request.body = {};
    text_ = {};
    held_.reset();
  };
  co_return Result<void>();
}

}  // namespace redoubt::contract
