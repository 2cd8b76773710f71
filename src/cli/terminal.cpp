#include "cli/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "cli/exit_code.h"

namespace mbr::cli {
namespace {

// Typed letters stay invisible while it lives. Signals wait, so that none ends the program with
// the terminal still mute.
class Mute {
 public:
  Mute() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGTSTP, SIGHUP}) {
      sigaddset(&signals, signal);
    }
    ::sigprocmask(SIG_BLOCK, &signals, &before_);
    ::tcgetattr(STDIN_FILENO, &loud_);
    termios mute = loud_;
    mute.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute);
  }
  ~Mute() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &loud_);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    std::cout << '\n';
  }
  Mute(const Mute&) = delete;
  Mute& operator=(const Mute&) = delete;

 private:
  termios loud_{};
  sigset_t before_{};
};

std::string readLine() {
  std::string line;
  if (!std::getline(std::cin, line)) throw Failure(kUsage, "no answer; nothing was changed");
  return line;
}

}  // namespace

bool canAsk() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1; }

std::string ask(const std::string& question) {
  std::cout << question << ' ' << std::flush;
  const std::string line = readLine();
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

Secret askSecretly(const std::string& question) {
  std::cout << question << ' ' << std::flush;
  const Mute mute;
  return Secret::take(readLine());
}

}  // namespace mbr::cli
