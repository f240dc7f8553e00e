// A directory served from memory: the page.
//
// 1. load() reads every file once; nothing outside the directory can be reached, because requests
//    only look up the paths found then. Hidden files and symbolic links are left out.
// 2. "x.br" and "x.gz" beside "x" are its encodings, not files of their own.
// 3. A name with a content hash ("index-B1x2y3z4.js") never changes and is cached for ever;
//    everything else is revalidated with its ETag.
// 4. Immutable after load(); answer() may be called on any thread. To take up new files, load
// again.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/http/content_encoding.hpp"
#include "relay/http/message.hpp"

namespace redoubt::http {

struct StaticOptions {
  std::string directory;
  std::string content_security_policy;  ///< sent with every file; empty: none
  std::string referrer_policy = "strict-origin-when-cross-origin";
  std::size_t bytes_max = 64 * 1024 * 1024;  ///< of all files and encodings together
  std::size_t files_max = 4096;
};

class StaticFiles {
 public:
  /// Errors: code "bad_static", path the file or directory (missing, unreadable, over a bound).
  static Result<StaticFiles> load(const StaticOptions& options);

  /// The file at the request's path ("/" and "/x/" give index.html), or nothing. For GET and HEAD.
  std::optional<Response> answer(const Request& request) const;
  /// The file at `path` ("/index.html") whatever the request's path is.
  std::optional<Response> answer_with(const Request& request, std::string_view path) const;

  std::size_t files() const { return files_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Variant {
    std::shared_ptr<const std::string> body;  // null where there is none
    std::string etag;
  };
  struct File {
    Variant identity;
    Variant gzip;
    Variant br;
    std::string content_type;
    std::string cache_control;
    std::string last_modified;
  };

  const Variant& choose(const File& file, const Request& request, Encoding& encoding) const;

  std::map<std::string, File, std::less<>> files_;  // by URL path, decoded
  std::vector<Header> fixed_headers_;
  std::size_t bytes_ = 0;
};

/// By the extension; "application/octet-stream" for what is unknown.
std::string_view content_type_of(std::string_view file_name);
/// The name carries a content hash, as bundlers write it.
bool is_hashed_name(std::string_view file_name);

}  // namespace redoubt::http
