#include "tests/bench/scratch_folder.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace redoubt::bench {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder() {
  std::string name = (fs::temp_directory_path() / "redoubt-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    std::fprintf(stderr, "cannot make a folder in %s\n", fs::temp_directory_path().c_str());
    std::exit(2);
  }
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}

std::string ScratchFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name) << text;
  fs::permissions(path_ / name, fs::perms::owner_read | fs::perms::owner_write);
  return at(name);
}

}  // namespace redoubt::bench
