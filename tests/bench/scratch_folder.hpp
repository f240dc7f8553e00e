// A temporary folder for servers' configuration and data; removed with the object.
#pragma once

#include <filesystem>
#include <string>

namespace redoubt::bench {

class ScratchFolder {
 public:
  /// Ends the program where there is no room for it.
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string at(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file that only its owner can read, and gives its path.
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace redoubt::bench
