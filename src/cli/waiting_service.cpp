#include "cli/waiting_service.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"

namespace mbr::cli {
namespace {

constexpr const char* kSocket = "membergate.socket";
constexpr const char* kService = "membergate.service";

bool systemctl(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "systemctl");
  arguments.push_back(nullptr);
  pid_t child = 0;
  auto* const words = const_cast<char* const*>(arguments.data());
  if (::posix_spawnp(&child, "systemctl", nullptr, nullptr, words, environ) != 0) return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool startWaitingService(const std::string& config) {
  if (config != Arguments::kDefaultConfig || ::geteuid() != 0) return false;
  if (::access("/run/systemd/system", F_OK) != 0) return false;
  if (!systemctl({"--quiet", "is-enabled", kSocket})) return false;
  if (systemctl({"start", kSocket, kService})) return true;
  warn("membergate.service does not start: journalctl -u membergate says why");
  return false;
}

}  // namespace mbr::cli
