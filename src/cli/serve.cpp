#include <utility>

#include "app/app.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "ops/log.h"
#include "ops/signals.h"

namespace mbr::cli {

int serve(const Arguments& arguments) {
  const auto signals = ops::blockStopSignals();  // before the first thread
  config::Config config = loadAsOwner(arguments.configPath());
  ops::configureLog(config.logLevel, config.logFormat);
  for (const std::string& warning : config.warnings) {
    ops::logWarning("configuration", {{"warning", warning}});
  }
  try {
    app::App app(std::move(config));  // opens the store, migrates
    app.start();                      // outbox, sync, then FastCGI
    ops::waitForStop(signals);
    app.stop();  // FastCGI first, store last
  } catch (const app::StartError& error) {
    ops::logError("not_started", {{"reason", error.what()}, {"exit_code", error.exitCode()}});
    return error.exitCode();
  }
  return kOk;
}

}  // namespace mbr::cli
