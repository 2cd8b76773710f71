#include <iostream>

#include "app/app.h"
#include "app/installation.h"
#include "app/process_lock.h"
#include "app/stand_in.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/identity.h"
#include "cli/output.h"
#include "cli/settings.h"

namespace mbr::cli {
namespace {

int report(const Arguments& arguments, const std::string& path, std::int64_t from, std::int64_t to,
           bool done) {
  const bool current = from == to;
  if (arguments.json) {
    printJson(json::Object{{"schema", from}, {"newest", to}, {"migrated", done}});
  } else if (current) {
    std::cout << path << ": of this release (schema " << to << ")\n";
  } else {
    std::cout << path << ": schema " << from << (done ? ", is now " : ", would become ") << to
              << '\n';
  }
  return current || done ? kOk : kNegative;
}

}  // namespace

int migrate(const Arguments& arguments) try {
  const config::Config config = loadAsOwner(arguments.configPath());
  const std::string& path = config.storePath;
  const auto before = app::inspectStore(path);
  if (before.schema > before.newest) {
    throw Failure(kConfiguration, path + ": made by a newer release of membergate; use that one");
  }
  if (arguments.check || before.schema == before.newest) {
    return report(arguments, path, before.schema, before.newest, false);
  }
  // Held until the end, so that no service starts meanwhile without noticing.
  const app::ProcessLock lock(app::ProcessLock::pathFor(path));
  if (!lock.wasAlone()) {
    throw Failure(kTryLater, "the service runs on " + path + "; stop it first");
  }
  const app::ProcessLock standIns(app::StandIn::lockFor(path));
  if (!standIns.wasAlone()) {
    throw Failure(kTryLater, "another command works on " + path + "; wait until it has ended");
  }
  const SystemClock clock;
  app::openStore(path, clock);
  return report(arguments, path, before.schema, before.newest, true);
} catch (const app::StartError& error) {
  if (error.exitCode() != kNotPermitted) throw;
  throw Failure(kNotPermitted,
                std::string(error.what()) + "; " + whomToUse(arguments.configPath()));
}

}  // namespace mbr::cli
