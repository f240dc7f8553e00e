#include "tools/cli/workflow/journal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/document.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/history.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

constexpr int lock_poll_ms = 20;
constexpr int difference_depth_max = 64;

Error cannot(const char* what, const std::string& path) {
  return make_error("bad_file", {"cannot ", what, " ", path, ": ", std::strerror(errno)}, {path},
                    {}, {});
}

Result<void> lock(int file, const std::string& path) {
  for (int waited = 0;; waited += lock_poll_ms) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) return cannot("lock", path);
    if (waited >= lock_wait_ms_max)
      return make_error("busy_journal", {path, " is held by another run"}, {path}, {}, {});
    ::poll(nullptr, 0, lock_poll_ms);
  }
}

// How much of a history is whole. A file that does not even hold its header counts as empty.
Result<std::size_t> whole_bytes(std::string_view bytes, bool& any_event) {
  any_event = false;
  if (bytes.size() < workflow::history_header({}).size()) return std::size_t{0};
  auto reader = workflow::HistoryReader::open(bytes);
  if (!reader) return reader.error();
  workflow::Event event;
  for (;;) {
    const auto more = reader->next(event);
    if (!more && more.error().code != "torn_history") return more.error();
    if (!more || !*more) return reader->position();
    any_event = true;
  }
}

std::string beside(const std::string& path) {
  return path + ".workflow.json";
}

void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int file = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (file < 0) return;  // some file systems do not let a folder be opened
  ::fsync(file);
  ::close(file);
}

Result<void> same_definition(const std::string& path, std::string_view history,
                             const workflow::Definition& definition) {
  const auto reader = workflow::HistoryReader::open(history);
  if (!reader) return reader.error();
  if (reader->definition() == definition.hash) return {};
  const auto before = definition_beside(path);
  const std::string what = before ? difference(*before, definition.bytes) : std::string();
  return make_error("other_definition",
                    {path, " is of another definition than this workflow: ",
                     what.empty() ? std::string("their hashes differ") : what},
                    {path}, {"the workflow that the run began with"}, {what});
}

std::string first_difference(const Json& before, const Json& now, const std::string& at,
                             int depth) {
  if (before == now) return {};
  if (depth < difference_depth_max && before.is_object() && now.is_object()) {
    for (auto it = before.begin(); it != before.end(); ++it) {
      const std::string place = pointer_to(at, it.key());
      if (!now.contains(it.key())) return joined({place, " is gone"});
      std::string inside = first_difference(*it, now[it.key()], place, depth + 1);
      if (!inside.empty()) return inside;
    }
    for (auto it = now.begin(); it != now.end(); ++it)
      if (!before.contains(it.key())) return joined({pointer_to(at, it.key()), " is new"});
  }
  if (depth < difference_depth_max && before.is_array() && now.is_array()) {
    for (std::size_t i = 0; i < before.size() && i < now.size(); ++i) {
      std::string inside = first_difference(before[i], now[i], pointer_to(at, i), depth + 1);
      if (!inside.empty()) return inside;
    }
    return joined({at, " had ", before.size(), " entries, has ", now.size()});
  }
  return joined({at, " was ", describe(before), ", is ", describe(now)});
}

}  // namespace

std::string difference(std::string_view before, std::string_view now) {
  const auto a = parse_json(before);
  const auto b = parse_json(now);
  return a && b ? first_difference(*a, *b, "", 0) : std::string();
}

Result<std::string> definition_beside(const std::string& journal_path) {
  return read_input(beside(journal_path), request_bytes_max);
}

Result<StoredHistory> read_journal(const std::string& path) {
  auto bytes = read_input(path, journal_bytes_max);
  if (!bytes) return bytes.error();
  bool any_event = false;
  const auto whole = whole_bytes(*bytes, any_event);
  if (!whole) return whole.error();
  if (!any_event) return make_error("bad_history", {path, " holds no event"}, {path}, {}, {});
  StoredHistory out;
  out.bytes_torn = bytes->size() - *whole;
  bytes->resize(*whole);
  out.bytes = std::move(*bytes);
  return out;
}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      history_(std::move(other.history_)),
      bytes_cut_(other.bytes_cut_) {}

Journal::~Journal() {
  if (file_ >= 0) ::close(file_);
}

Result<Journal> Journal::open(const std::string& path, const workflow::Definition& definition) {
  Journal journal;
  journal.path_ = path;
  // Not closed on exec: see 2. above.
  journal.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0644);
  if (journal.file_ < 0) return cannot("open", path);
  if (const auto locked = lock(journal.file_, path); !locked) return locked.error();
  auto bytes = read_input(path, journal_bytes_max);
  if (!bytes) return bytes.error();
  bool any_event = false;
  const auto whole = whole_bytes(*bytes, any_event);
  if (!whole) return whole.error();
  const std::size_t kept = any_event ? *whole : 0;
  journal.bytes_cut_ = bytes->size() - kept;
  if (kept > 0) {
    bytes->resize(kept);
    if (const auto same = same_definition(path, *bytes, definition); !same) return same.error();
    journal.history_ = std::move(*bytes);
  }
  if (journal.bytes_cut_ > 0 && ::ftruncate(journal.file_, static_cast<off_t>(kept)) != 0)
    return cannot("cut", path);
  if (kept == 0) {
    if (auto written = write_file(beside(path), definition.bytes); !written) return written.error();
    sync_folder_of(path);
  }
  return journal;
}

Result<void> Journal::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return cannot("write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(file_) != 0) return cannot("store", path_);
  return {};
}

}  // namespace redoubt::cli
