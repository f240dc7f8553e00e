#include "relay/http/static_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "engine/base/hash64.hpp"
#include "relay/http/request_parser.hpp"

namespace redoubt::http {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 27> content_types = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".tmj", "application/json"},
    {".wasm", "application/wasm"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".ttf", "font/ttf"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".xml", "application/xml"},
    {".pdf", "application/pdf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".mp4", "video/mp4"},
}};

constexpr std::string_view cached_for_ever = "public, max-age=31536000, immutable";
constexpr std::string_view revalidated = "no-cache";
constexpr std::size_t hash_characters = 8;

Error bad_static(const std::string& path, const std::string& what) {
  return {.code = "bad_static", .message = path + ": " + what, .path = path};
}

Result<std::shared_ptr<const std::string>> read_file(const fs::path& path, std::size_t bytes_max) {
  std::error_code ec;
  const std::uintmax_t size = fs::file_size(path, ec);
  if (ec) return bad_static(path.string(), ec.message());
  if (size > bytes_max) {
    return bad_static(path.string(), "the files together are over the bound for static files");
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return bad_static(path.string(), "cannot be read");
  }
  return std::make_shared<const std::string>(std::move(bytes));
}

std::string etag_of(std::string_view bytes, std::string_view suffix) {
  Hash64 hash;
  hash.add_bytes(bytes);
  std::string etag = "\"" + hex16(hash.value());
  if (!suffix.empty()) etag.append("-").append(suffix);
  return etag + "\"";
}

/// Weak comparison, as If-None-Match has it.
bool matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const std::string_view item = if_none_match.substr(0, if_none_match.find(','));
    if_none_match.remove_prefix(std::min(if_none_match.size(), item.size() + 1));
    const std::size_t start = item.find_first_not_of(" \t");
    if (start == std::string_view::npos) continue;
    std::string_view tag = item.substr(start, item.find_last_not_of(" \t") - start + 1);
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

bool hidden(const fs::path& name) {
  const std::string text = name.string();
  return text.starts_with('.') && text != ".well-known";
}

std::int64_t modified_ms(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? std::int64_t{status.st_mtime} * 1000 : 0;
}

/// Every plain file under `directory`, sorted; hidden ones and links are left out.
Result<std::vector<fs::path>> list_files(const std::string& directory, std::size_t files_max) {
  std::error_code ec;
  std::vector<fs::path> found;
  if (!fs::is_directory(directory, ec)) return bad_static(directory, "is not a directory");
  auto it = fs::recursive_directory_iterator(directory, ec);
  for (; !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
    const fs::directory_entry& entry = *it;
    if (hidden(entry.path().filename())) {
      it.disable_recursion_pending();
      continue;
    }
    if (entry.is_symlink(ec) || !entry.is_regular_file(ec)) continue;
    if (found.size() == files_max) {
      return bad_static(directory, "holds more than " + std::to_string(files_max) + " files");
    }
    found.push_back(entry.path());
  }
  if (ec) return bad_static(directory, ec.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string_view content_type_of(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    for (const auto& [extension, type] : content_types) {
      if (equal_ignoring_case(file_name.substr(dot), extension)) return type;
    }
  }
  return "application/octet-stream";
}

bool is_hashed_name(std::string_view file_name) {
  const std::size_t slash = file_name.rfind('/');
  if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
  const std::size_t dot = file_name.rfind('.');
  const std::string_view stem = file_name.substr(0, dot);
  if (stem.size() <= hash_characters + 1) return false;
  const char separator = stem[stem.size() - hash_characters - 1];
  if (separator != '-' && separator != '.') return false;
  bool mixed = false;
  for (char c : stem.substr(stem.size() - hash_characters)) {
    const bool digit = c >= '0' && c <= '9';
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    if (!digit && !upper && !lower && c != '-' && c != '_') return false;
    mixed = mixed || digit || upper;  // a plain word is not taken for a hash
  }
  return mixed;
}

Result<StaticFiles> StaticFiles::load(const StaticOptions& options) {
  auto paths = list_files(options.directory, options.files_max);
  if (!paths) return paths.error();
  StaticFiles loaded;
  loaded.fixed_headers_ = {{"X-Content-Type-Options", "nosniff"},
                           {"Referrer-Policy", options.referrer_policy}};
  if (!options.content_security_policy.empty()) {
    loaded.fixed_headers_.push_back({"Content-Security-Policy", options.content_security_policy});
  }
  const fs::path root(options.directory);
  // A file sorts before its encodings, so its entry exists when they come.
  for (const fs::path& path : *paths) {
    auto bytes = read_file(path, options.bytes_max - loaded.bytes_);
    if (!bytes) return bytes.error();
    loaded.bytes_ += (*bytes)->size();
    std::string url = "/" + path.lexically_relative(root).generic_string();
    const std::string extension = path.extension().string();
    const bool compressed = extension == ".gz" || extension == ".br";
    const auto plain = compressed ? loaded.files_.find(url.substr(0, url.size() - extension.size()))
                                  : loaded.files_.end();
    if (plain != loaded.files_.end()) {
      Variant& variant = extension == ".gz" ? plain->second.gzip : plain->second.br;
      variant = {*bytes, etag_of(**bytes, extension.substr(1))};
      continue;
    }
    File& file = loaded.files_[url];
    file.identity = {*bytes, etag_of(**bytes, "")};
    file.content_type = content_type_of(url);
    file.cache_control = is_hashed_name(url) ? cached_for_ever : revalidated;
    file.last_modified = http_date(modified_ms(path));
  }
  return loaded;
}

std::optional<Response> StaticFiles::answer(const Request& request) const {
  auto path = percent_decode(request.path);
  if (!path) return std::nullopt;
  if (path->ends_with('/')) path->append("index.html");
  return answer_with(request, *path);
}

const StaticFiles::Variant& StaticFiles::choose(const File& file, const Request& request,
                                                Encoding& encoding) const {
  encoding = choose_encoding(request.header_or("accept-encoding", ""),
                             {.gzip = file.gzip.body != nullptr, .br = file.br.body != nullptr});
  if (encoding == Encoding::br) return file.br;
  return encoding == Encoding::gzip ? file.gzip : file.identity;
}

std::optional<Response> StaticFiles::answer_with(const Request& request,
                                                 std::string_view path) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  const File& file = found->second;
  Encoding encoding = Encoding::identity;
  const Variant& variant = choose(file, request, encoding);
  Response response;
  response.headers.reserve(fixed_headers_.size() + 6);
  response.headers = fixed_headers_;
  response.add("Cache-Control", file.cache_control).add("ETag", variant.etag);
  response.add("Last-Modified", file.last_modified);
  if (file.gzip.body || file.br.body) response.add("Vary", "Accept-Encoding");
  const auto if_none_match = request.header("if-none-match");
  const bool unchanged = if_none_match
                             ? matches(*if_none_match, variant.etag)
                             : request.header_or("if-modified-since", "") == file.last_modified;
  if (unchanged) {
    response.status = 304;
    return response;
  }
  response.add("Content-Type", file.content_type);
  if (encoding != Encoding::identity) {
    response.add("Content-Encoding", std::string(to_string(encoding)));
  }
  response.shared_body = variant.body;
  return response;
}

}  // namespace redoubt::http
