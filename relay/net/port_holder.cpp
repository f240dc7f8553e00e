#include "relay/net/port_holder.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace redoubt::net {
namespace {

namespace fs = std::filesystem;

constexpr const char* listening = "0A";  // TCP_LISTEN, proc(5)

/// "socket:[INODE]" of each socket that listens on the port.
std::vector<std::string> sockets_on(std::uint16_t port) {
  std::vector<std::string> sockets;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
          timeout >> inode;
      const std::size_t colon = local.find(':');
      if (state != listening || colon == local.npos) continue;
      if (std::stoul(local.substr(colon + 1), nullptr, 16) == port)
        sockets.push_back("socket:[" + inode + "]");
    }
  }
  return sockets;
}

bool has_open(const fs::path& process, const std::vector<std::string>& sockets) {
  std::error_code error;
  fs::directory_iterator files(process / "fd", error);
  for (; !error && files != fs::directory_iterator(); files.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(files->path(), gone).string();
    if (std::find(sockets.begin(), sockets.end(), target) != sockets.end()) return true;
  }
  return false;
}

}  // namespace

std::string port_holder(std::uint16_t port) {
  const std::vector<std::string> sockets = sockets_on(port);
  std::error_code error;
  fs::directory_iterator processes("/proc", error);
  if (sockets.empty()) return "";
  for (; !error && processes != fs::directory_iterator(); processes.increment(error)) {
    const std::string id = processes->path().filename();
    const bool process = id.find_first_not_of("0123456789") == id.npos;
    if (!process || !has_open(processes->path(), sockets)) continue;
    std::ifstream file(processes->path() / "comm");
    std::string name;
    std::getline(file, name);
    return name + ", process " + id;
  }
  return "";
}

std::string bind_fault_text(std::uint16_t port, const std::error_code& fault) {
  const bool taken = fault == std::errc::address_in_use;
  const std::string holder = taken ? port_holder(port) : "";
  return fault.message() + (holder.empty() ? "" : " (" + holder + ", has it)");
}

}  // namespace redoubt::net
