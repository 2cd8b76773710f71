#include "cli/settings.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "app/app.h"
#include "app/process_lock.h"
#include "base/files.h"
#include "cli/exit_code.h"
#include "cli/identity.h"
#include "ops/log.h"

namespace mbr::cli {
namespace {

config::Config load(const std::string& path) {
  auto config = config::load(path);
  if (config) return std::move(config).value();
  if (config.error().code == Code::kDenied) {
    throw Failure(kNotPermitted, config.error().detail + "; " + whomToUse(path));
  }
  throw Failure(kConfiguration, config.error().detail);
}

// Names a user who may, where this one may not.
template <class Look>
auto asPermitted(const std::string& path, Look look) try {
  return look();
} catch (const app::StartError& error) {
  if (error.exitCode() != kNotPermitted) throw;
  throw Failure(kNotPermitted, std::string(error.what()) + "; " + whomToUse(folderOf(path)));
}

std::unique_ptr<store::Store> openStore(const config::Config& config, const Clock& clock) {
  ops::configureLog(ops::LogLevel::kNone, ops::LogFormat::kText);
  requireStore(config);
  return asPermitted(config.storePath, [&] { return app::openStore(config.storePath, clock); });
}

}  // namespace

config::Config loadAsOwner(const std::string& path) {
  config::Config config = load(path);
  const std::string folder = folderOf(config.storePath);
  if (::access(folder.c_str(), F_OK) != 0 && errno == ENOENT) {
    throw Failure(kConfiguration, path + ": key `store.url`: got `sqlite://" + config.storePath +
                                      "`, expected a file in a folder that exists");
  }
  const Identity owner = ownerOf(folder);
  const bool changes = ::geteuid() == 0 && owner.user != 0;
  become(owner);
  if (!changes) return config;
  // Root reads everything; whether the service can is what counts.
  auto asOwner = config::load(path);
  if (asOwner) return std::move(asOwner).value();
  throw Failure(kConfiguration, asOwner.error().detail + " (as " + nameOf(owner.user) +
                                    ", who owns the store's directory)");
}

void requireStore(const config::Config& config) {
  const std::string& path = config.storePath;
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    throw Failure(kConfiguration, path +
                                      ": there is no database; membergate serve makes a new one, "
                                      "or restore the backup with its master.key");
  }
  const auto report = asPermitted(path, [&] { return app::inspectStore(path); });
  if (report.schema > report.newest) {
    throw Failure(kConfiguration, path + ": made by a newer release of membergate; use that one");
  }
  if (report.schema == report.newest) return;
  if (app::ProcessLock::isHeld(app::ProcessLock::pathFor(path))) {
    throw Failure(kTryLater, path + ": of an older release, whose service still runs; restart it");
  }
  throw Failure(kTryLater, path + ": of an older release; run: membergate migrate");
}

Workplace::Workplace(const std::string& configPath)
    : config(loadAsOwner(configPath)),
      keys(app::loadKeys(config.masterKeyFile)),
      store(openStore(config, clock)),
      // A code made with a key that is not this database's would never be accepted.
      installation(*store, keys, config) {}

}  // namespace mbr::cli
