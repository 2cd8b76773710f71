#include "cli/bench.h"

#include <string>
#include <utility>

#include "app/app.h"
#include "base/files.h"
#include "cli/exit_code.h"
#include "cli/identity.h"
#include "cli/settings.h"
#include "ops/log.h"

namespace mbr::cli {

std::unique_ptr<app::Workbench> openBench(const Arguments& arguments) {
  config::Config config = loadAsOwner(arguments.configPath());
  const std::string folder = folderOf(config.storePath);
  ops::configureLog(ops::LogLevel::kNone, ops::LogFormat::kText);
  requireStore(config);
  try {
    return std::make_unique<app::Workbench>(std::move(config));
  } catch (const app::StartError& error) {
    if (error.exitCode() != kNotPermitted) throw;
    throw Failure(kNotPermitted, std::string(error.what()) + "; " + whomToUse(folder));
  }
}

}  // namespace mbr::cli
