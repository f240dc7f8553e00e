// A server as a child process of the benchmark: started, watched through /proc, ended. It ends with
// the benchmark, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace redoubt::bench {

/// Where a server runs and what becomes of what it prints.
struct Launch {
  int processor = 0;
  std::string output;  ///< file for what it prints; empty: the benchmark's own output
};

class ServerProcess {
 public:
  /// Runs `command` (looked up on the PATH) on one processor.
  ServerProcess(std::string name, std::vector<std::string> command, std::uint16_t port,
                const Launch& launch = {});
  /// Runs `serve` in a forked child on one processor.
  ServerProcess(std::string name, const std::function<void()>& serve, std::uint16_t port,
                const Launch& launch = {});
  ~ServerProcess();
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& name() const { return name_; }
  std::uint16_t port() const { return port_; }
  /// Waits until the port answers; false after some seconds or when the process ended.
  bool wait_ready() const;
  /// User and system time of the process so far, in seconds.
  double cpu_seconds() const;
  /// Resident memory in bytes.
  std::size_t resident_bytes() const;
  /// Open file descriptors.
  std::size_t open_files() const;

 private:
  std::string name_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

/// A port that was free a moment ago.
std::uint16_t free_port();
/// A blocking connection on the loopback, or -1.
int connect_loopback(std::uint16_t port);
/// The processors that this process may use.
int processors();
/// Restricts this process to one processor, where there are at least two.
void pin(int processor);

}  // namespace redoubt::bench
