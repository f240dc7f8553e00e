#include "relay/http/static_files.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace redoubt::http;
namespace fs = std::filesystem;

namespace {

/// A directory of its own that is removed at the end.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "redoubt-static-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, std::string_view bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  fs::path path;
};

Folder example() {
  Folder folder;
  folder.write("index.html", "<p>hello");
  folder.write("index.html.gz", "gz");
  folder.write("index.html.br", "br");
  folder.write("sw.js", "worker");
  folder.write("assets/index-B1x2y3z4.js", "script");
  folder.write("assets/core.wasm", "wasm");
  folder.write("a b/index.html", "<p>inner");
  folder.write("archive.gz", "only compressed");
  folder.write(".env", "secret");
  folder.write(".git/config", "secret");
  fs::create_symlink("/etc/passwd", folder.path / "link.txt");
  return folder;
}

StaticFiles load(const Folder& folder) {
  StaticOptions options;
  options.directory = folder.path.string();
  options.content_security_policy = "default-src 'self'";
  auto loaded = StaticFiles::load(options);
  REQUIRE(loaded.ok());
  return std::move(*loaded);
}

std::string header(const Response& response, std::string_view name) {
  for (const auto& h : response.headers) {
    if (h.name == name) return h.value;
  }
  return "";
}

Request get(std::string_view path, std::vector<HeaderView> headers = {}) {
  Request request;
  request.method = Method::get;
  request.path = path;
  request.headers = std::move(headers);
  return request;
}

}  // namespace

TEST_CASE("files are served with type, caching and safety headers") {
  const Folder folder = example();
  const StaticFiles files = load(folder);
  const auto root = files.answer(get("/"));
  REQUIRE(root);
  CHECK(root->body_view() == "<p>hello");
  CHECK(header(*root, "Content-Type") == "text/html; charset=utf-8");
  CHECK(header(*root, "Cache-Control") == "no-cache");
  CHECK(header(*root, "X-Content-Type-Options") == "nosniff");
  CHECK(header(*root, "Content-Security-Policy") == "default-src 'self'");
  CHECK(header(*root, "Referrer-Policy") == "strict-origin-when-cross-origin");
  CHECK(header(*root, "Vary") == "Accept-Encoding");
  CHECK(header(*files.answer(get("/sw.js")), "Cache-Control") == "no-cache");
  CHECK(header(*files.answer(get("/assets/index-B1x2y3z4.js")), "Cache-Control") ==
        "public, max-age=31536000, immutable");
  CHECK(header(*files.answer(get("/assets/core.wasm")), "Content-Type") == "application/wasm");
  CHECK(files.answer(get("/a%20b/"))->body_view() == "<p>inner");
  CHECK(files.answer(get("/archive.gz"))->body_view() == "only compressed");
}

TEST_CASE("nothing outside the directory, hidden or linked is reached") {
  const Folder folder = example();
  const StaticFiles files = load(folder);
  for (const char* path :
       {"/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc/passwd", "/.env", "/.git/config",
        "/link.txt", "/assets", "/assets/", "//index.html", "/./index.html", "/index.html/",
        "/index.html.br", "/assets/../sw.js", "\\index.html", "/nothing"}) {
    CAPTURE(path);
    CHECK_FALSE(files.answer(get(path)));
  }
}

TEST_CASE("precompressed bodies are chosen by Accept-Encoding") {
  const Folder folder = example();
  const StaticFiles files = load(folder);
  const auto br = files.answer(get("/", {{"Accept-Encoding", "gzip, deflate, br"}}));
  CHECK(br->body_view() == "br");
  CHECK(header(*br, "Content-Encoding") == "br");
  CHECK(header(*br, "Content-Type") == "text/html; charset=utf-8");
  const auto gzip = files.answer(get("/", {{"Accept-Encoding", "gzip;q=1, br;q=0.5"}}));
  CHECK(gzip->body_view() == "gz");
  CHECK(header(*gzip, "ETag") != header(*br, "ETag"));
  CHECK(header(*files.answer(get("/sw.js", {{"Accept-Encoding", "br"}})), "Vary") == "");
}

TEST_CASE("a client that has the file is told so") {
  const Folder folder = example();
  const StaticFiles files = load(folder);
  const auto first = files.answer(get("/"));
  const std::string etag = header(*first, "ETag");
  const std::string modified = header(*first, "Last-Modified");
  for (const std::string& value : {etag, "W/" + etag, "\"x\", " + etag, std::string("*")}) {
    CAPTURE(value);
    const auto again = files.answer(get("/", {{"If-None-Match", value}}));
    CHECK(again->status == 304);
    CHECK(again->body_view().empty());
    CHECK(header(*again, "ETag") == etag);
  }
  CHECK(files.answer(get("/", {{"If-None-Match", "\"other\""}}))->status == 200);
  CHECK(files.answer(get("/", {{"If-Modified-Since", modified}}))->status == 304);
  // If-None-Match decides alone.
  CHECK(files.answer(get("/", {{"If-None-Match", "\"other\""}, {"If-Modified-Since", modified}}))
            ->status == 200);
  folder.write("index.html", "<p>changed");
  CHECK(header(*load(folder).answer(get("/")), "ETag") != etag);
}

TEST_CASE("bounds and missing directories are errors") {
  const Folder folder = example();
  StaticOptions options;
  options.directory = folder.path.string();
  options.bytes_max = 10;
  CHECK(StaticFiles::load(options).error().code == "bad_static");
  options.bytes_max = 1 << 20;
  options.files_max = 2;
  CHECK_FALSE(StaticFiles::load(options).ok());
  options.directory += "/nothing";
  CHECK_FALSE(StaticFiles::load(options).ok());
}

TEST_CASE("encodings are weighed") {
  const AvailableEncodings both{.gzip = true, .br = true};
  const AvailableEncodings gzip{.gzip = true, .br = false};
  const auto choose = [](std::string_view accept, AvailableEncodings available) {
    return choose_encoding(accept, available);
  };
  CHECK(choose("", both) == Encoding::identity);
  CHECK(choose("br", both) == Encoding::br);
  CHECK(choose("gzip", both) == Encoding::gzip);
  CHECK(choose("br", gzip) == Encoding::identity);
  CHECK(choose("*", both) == Encoding::br);
  CHECK(choose("*", gzip) == Encoding::gzip);
  CHECK(choose("br;q=0, *", both) == Encoding::gzip);
  CHECK(choose("br;q=0.4, gzip;q=0.5", both) == Encoding::gzip);
  CHECK(choose("br;q=0.001", both) == Encoding::br);
  CHECK(choose("BR ; Q=1.000 , gzip", both) == Encoding::br);
  CHECK(choose("gzip;q=0.5, identity;q=0.8", both) == Encoding::identity);
  CHECK(choose("br;q=x", both) == Encoding::identity);
  CHECK(choose("identity;q=0", both) == Encoding::identity);
  CHECK(choose("gzip;q=0", gzip) == Encoding::identity);
}

TEST_CASE("hashed names are told from words") {
  CHECK(is_hashed_name("/assets/index-B1x2y3z4.js"));
  CHECK(is_hashed_name("/assets/engine-core-a_-4zzzz.wasm"));
  CHECK(is_hashed_name("main.0f3a9c21.css"));
  CHECK_FALSE(is_hashed_name("/service-worker.js"));
  CHECK_FALSE(is_hashed_name("/some-director.js"));
  CHECK_FALSE(is_hashed_name("/B1x2y3z4.js"));
  CHECK_FALSE(is_hashed_name("/index.html"));
  CHECK_FALSE(is_hashed_name("/"));
}
