#include <Poco/Exception.h>
#include <Poco/Net/NetSSL.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "ledger_file.h"
#include "server.h"

namespace {

// Before the first thread, so that all inherit it.
sigset_t blockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int simulate(const acsim::Options& options) {
  const sigset_t signals = blockStopSignals();
  std::filesystem::create_directories(options.dir);
  acsim::World world(options);
  acsim::Server server(world);
  server.start();
  std::printf("acsim: listening on 127.0.0.1:%u\n", server.port());
  std::fflush(stdout);
  const std::string port = std::to_string(server.port()) + "\n";
  if (!options.portFile.empty() && !acsim::replaceFile(options.portFile, port)) {
    std::fprintf(stderr, "acsim: cannot write %s\n", options.portFile.c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  world.stopper.stop();
  server.stop();
  world.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string error;
  const auto options = acsim::readOptions(argc, argv, error);
  if (!options) {
    std::fprintf(stderr, "acsim: %s\n%s", error.c_str(), acsim::kUsage);
    return 2;
  }
  Poco::Net::initializeSSL();
  try {
    return simulate(*options);
  } catch (const Poco::Exception& e) {
    std::fprintf(stderr, "acsim: %s\n", e.displayText().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "acsim: %s\n", e.what());
  }
  return 1;
}
