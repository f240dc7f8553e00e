#include "engine/workflow/history.hpp"

#include <cstring>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/budget.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::string_view kMagic = "RDBTHIST";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8 + 4 + 32;
constexpr std::size_t kSizeBytes = 4;
constexpr std::size_t kFixedBytes = 1 + 8 + 4 + 4;
constexpr std::size_t kLinkBytes = 8;

struct KindName {
  EventKind kind;
  const char* name;
};

constexpr KindName kNames[] = {
    {EventKind::started, "started"},
    {EventKind::completed, "completed"},
    {EventKind::failed, "failed"},
    {EventKind::timer_fired, "timer_fired"},
    {EventKind::signalled, "signalled"},
    {EventKind::answered, "answered"},
    {EventKind::cancelled_by, "cancelled_by"},
    {EventKind::resumed, "resumed"},
    {EventKind::moved, "moved"},
    {EventKind::imported, "imported"},
    {EventKind::scheduled, "scheduled"},
    {EventKind::withdrawn, "withdrawn"},
    {EventKind::ignored, "ignored"},
    {EventKind::retrying, "retrying"},
    {EventKind::waiting, "waiting"},
    {EventKind::step_done, "step_done"},
    {EventKind::step_skipped, "step_skipped"},
    {EventKind::step_failed, "step_failed"},
    {EventKind::step_cancelled, "step_cancelled"},
    {EventKind::fallback, "fallback"},
    {EventKind::written, "written"},
    {EventKind::merged, "merged"},
    {EventKind::emitted, "emitted"},
    {EventKind::compensating, "compensating"},
    {EventKind::repairing, "repairing"},
    {EventKind::handed_over, "handed_over"},
    {EventKind::run_done, "run_done"},
    {EventKind::run_failed, "run_failed"},
    {EventKind::run_cancelled, "run_cancelled"},
    {EventKind::run_continued, "run_continued"},
};

void put(char* at, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    at[i] = static_cast<char>(value >> (8 * i));
}

Digest256 linked(const Digest256& before, std::string_view frame) {
  Sha256 hash;
  hash.add(bytes_of(before));
  hash.add(frame);
  return hash.digest();
}

Error history_error(const char* code, std::uint64_t seq, const char* what, const char* expected) {
  return make_error(code, {"event ", seq, " of the history ", what}, {"event ", seq}, {expected},
                    {});
}

}  // namespace

const char* name_of(EventKind kind) {
  for (const KindName& entry : kNames)
    if (entry.kind == kind) return entry.name;
  return nullptr;
}

std::string describe(const Event& event, std::string_view step) {
  constexpr std::size_t shown_bytes_max = 300;
  const char* name = name_of(event.kind);
  std::string line = joined({event.seq, " ", name ? name : "?"});
  if (!step.empty()) line.append(" ").append(step);
  if (!event.payload.empty()) line.append(" ").append(event.payload.substr(0, shown_bytes_max));
  if (event.payload.size() > shown_bytes_max) line.append("...");
  return line;
}

Result<Json> read_payload(std::string_view text) {
  return parse_json(text, {kPayloadBytesMax, kValueDepthMax, kStateBytesMax + kUndoStateBytesMax});
}

Json payload_json(std::string_view text) {
  if (text.empty()) return Json();
  auto json = read_payload(text);
  return json ? std::move(*json) : Json(std::string(text));
}

std::string history_header(const Digest256& definition) {
  std::string header(kMagic);
  char version[4];
  put(version, kVersion, 4);
  header.append(version, 4);
  header.append(bytes_of(definition));
  return header;
}

ChainHead chain_start(std::string_view header) {
  return {0, sha256(header)};
}

void append_event(const Event& event, ChainHead& head, std::string& out) {
  char fixed[kSizeBytes + kFixedBytes];
  put(fixed, kFixedBytes + event.payload.size(), 4);
  put(fixed + 4, static_cast<std::uint8_t>(event.kind), 1);
  put(fixed + 5, static_cast<std::uint64_t>(event.stamp_ms), 8);
  put(fixed + 13, event.step, 4);
  put(fixed + 17, event.instance, 4);
  const std::size_t from = out.size();
  out.append(fixed, sizeof(fixed));
  out.append(event.payload);
  head.link = linked(head.link, std::string_view(out).substr(from));
  ++head.seq;
  out.append(bytes_of(head.link).substr(0, kLinkBytes));
}

Result<HistoryReader> HistoryReader::open(std::string_view history) {
  if (history.size() < kHeaderBytes || history.substr(0, kMagic.size()) != kMagic)
    return make_error("bad_history", {"these bytes are no history"}, {}, {"RDBTHIST"}, {});
  ByteReader version(history.substr(kMagic.size(), 4));
  const std::uint32_t found = version.u32();
  if (found != kVersion)
    return make_error("bad_history", {"the history has version ", found}, {}, {kVersion}, {found});
  HistoryReader opened(history, chain_start(history.substr(0, kHeaderBytes)));
  opened.at_ = kHeaderBytes;
  std::memcpy(opened.definition_.data(), history.data() + kMagic.size() + 4, 32);
  return opened;
}

std::string_view HistoryReader::peek(EventKind kind) const {
  ByteReader reader(bytes_.substr(at_));
  const std::size_t size = reader.u32();
  if (reader.failed() || size < kFixedBytes || size > reader.remaining()) return {};
  if (reader.u8() != static_cast<std::uint8_t>(kind)) return {};
  return bytes_.substr(at_ + kSizeBytes + kFixedBytes, size - kFixedBytes);
}

Result<bool> HistoryReader::next(Event& event) {
  if (at_ == bytes_.size()) return false;
  ByteReader reader(bytes_.substr(at_));
  const std::size_t size = reader.u32();
  if (reader.failed() || size + kLinkBytes > reader.remaining()) {
    // A size that no writer writes is damage, not an end that is missing.
    if (!reader.failed() && (size < kFixedBytes || size > kFixedBytes + kPayloadBytesMax))
      return history_error("broken_chain", head_.seq, "has an impossible size", "a frame");
    return history_error("torn_history", head_.seq, "is not whole", "the rest of its frame");
  }
  if (size < kFixedBytes || size > kFixedBytes + kPayloadBytesMax)
    return history_error("broken_chain", head_.seq, "has an impossible size", "a frame");
  const Digest256 link = linked(head_.link, bytes_.substr(at_, kSizeBytes + size));
  if (bytes_.substr(at_ + kSizeBytes + size, kLinkBytes) != bytes_of(link).substr(0, kLinkBytes))
    return history_error("broken_chain", head_.seq, "is not what was written there",
                         "bytes that fit the chain");
  event.seq = head_.seq;
  event.kind = static_cast<EventKind>(reader.u8());
  event.stamp_ms = static_cast<std::int64_t>(reader.u64());
  event.step = reader.u32();
  event.instance = reader.u32();
  event.payload = bytes_.substr(at_ + kSizeBytes + kFixedBytes, size - kFixedBytes);
  if (name_of(event.kind) == nullptr)
    return history_error("broken_chain", head_.seq, "is of no known kind", "a kind of event");
  at_ += kSizeBytes + size + kLinkBytes;
  head_ = {head_.seq + 1, link};
  return true;
}

}  // namespace redoubt::workflow
