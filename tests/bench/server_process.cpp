#include "tests/bench/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace redoubt::bench {

namespace {

constexpr int end_ms_max = 5'000;
constexpr int ready_tries = 200;
// A port that opens is no event: it is tried so often.
constexpr int ready_pause_ms = 25;

/// Has the child ended within `ms`? Its end is waited for, not looked for.
bool has_ended(pid_t pid, int ms) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return ::waitpid(pid, nullptr, WNOHANG) == pid;
  pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
  const bool ended = ::poll(&end, 1, ms) == 1;
  ::close(fd);
  return ended;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

int processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void pin(int processor) {
  if (processors() < 2) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(processor), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

int connect_loopback(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

ServerProcess::ServerProcess(std::string name, std::vector<std::string> command, std::uint16_t port,
                             const Launch& launch)
    : ServerProcess(
          std::move(name),
          [&command] {
            std::vector<char*> arguments;
            for (std::string& part : command)
              arguments.push_back(part.data());
            arguments.push_back(nullptr);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
          },
          port, launch) {}

ServerProcess::ServerProcess(std::string name, const std::function<void()>& serve,
                             std::uint16_t port, const Launch& launch)
    : name_(std::move(name)), port_(port), pid_(::fork()) {
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(launch.processor);
  if (!launch.output.empty()) {
    const int fd = ::open(launch.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0) ::_exit(126);
    ::close(fd);
  }
  serve();
  ::_exit(0);
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : name_(std::move(other.name_)), port_(other.port_), pid_(std::exchange(other.pid_, -1)) {}

ServerProcess::~ServerProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  if (!has_ended(pid_, end_ms_max)) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool ServerProcess::wait_ready() const {
  for (int i = 0; i < ready_tries; ++i) {
    const int fd = connect_loopback(port_);
    if (fd >= 0) {
      ::close(fd);
      return true;
    }
    if (has_ended(pid_, ready_pause_ms)) return false;
  }
  return false;
}

double ServerProcess::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // The name, in parentheses, may hold spaces; utime and stime are fields 14 and 15.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i)
    fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t ServerProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t ServerProcess::open_files() const {
  std::error_code ec;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/" + std::to_string(pid_) + "/fd", ec), end;
       !ec && it != end; it.increment(ec))
    ++count;
  return count;
}

}  // namespace redoubt::bench
