// Makes an installation: configuration, master key, database.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>

#include "app/installation.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/identity.h"
#include "cli/new_files.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/waiting_service.h"

namespace mbr::cli {
namespace {

constexpr const char* kConfigFolder = "/etc/membergate";
constexpr const char* kStoreFolder = "/var/lib/membergate";
constexpr const char* kSocketFolder = "/run/membergate";
constexpr const char* kServiceUser = "membergate";
constexpr mode_t kFileMode = 0640;

// Where everything goes, and what is written into the configuration.
struct Plan {
  std::string config;
  std::string masterKey;
  std::string database;
  std::string shedSocket;  // empty: as by default
  std::string url;
  std::string keyFile;  // the given one, or where the key that is typed in goes
  Secret key;
  std::string membershipTag;
};

std::string absolute(const std::string& path) {
  if (path.empty() || path.find('\n') != std::string::npos) {
    throw Failure(kUsage, "expected the path of a file or directory");
  }
  std::string clean = std::filesystem::absolute(path).lexically_normal();
  if (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

// NAME of /etc/membergate/NAME.conf, one of several accounts: membergate@NAME.service serves it.
std::optional<std::string> accountOf(const std::string& config) {
  const std::filesystem::path path(config);
  if (path.parent_path() != kConfigFolder || path.extension() != ".conf") return std::nullopt;
  if (config == Arguments::kDefaultConfig) return std::nullopt;
  return path.stem().string();
}

Plan planOf(const Arguments& arguments) {
  Plan plan;
  const auto folder = arguments.dir ? std::optional(absolute(*arguments.dir)) : std::nullopt;
  plan.config = absolute(
      arguments.config.value_or(folder ? *folder + "/membergate.conf" : Arguments::kDefaultConfig));
  const auto account = folder ? std::nullopt : accountOf(plan.config);
  const std::string prefix = account ? "/" + *account + "." : "/";
  plan.masterKey = folder.value_or(kConfigFolder) + prefix + "master.key";
  plan.database =
      folder.value_or(kStoreFolder) + (account ? "/" + *account : "") + "/membergate.db";
  if (account) plan.shedSocket = kSocketFolder + prefix + "shed.sock";
  plan.url = arguments.url.value_or("");
  plan.keyFile = arguments.keyFile ? absolute(*arguments.keyFile)
                                   : folderOf(plan.config) + prefix + "activecampaign.key";
  return plan;
}

// Asks for what the command line does not say; only a terminal can be asked.
void complete(Plan& plan, const Arguments& arguments) {
  if (!canAsk()) {
    if (arguments.url && arguments.keyFile && arguments.yes) return;
    throw Failure(kUsage, "without a terminal init needs --url, --key-file and --yes");
  }
  if (!arguments.url) plan.url = ask("ActiveCampaign's API address (https://…):");
  if (!arguments.keyFile) {
    plan.key = askSecretly("Its API key (not shown):");
  }
  if (arguments.yes) return;
  plan.membershipTag = ask("Tag that makes a contact a member (empty: every contact):");
  const std::string answer =
      ask("Write " + plan.config + ", " + plan.masterKey + " and " + plan.database + "? (yes/no)");
  if (answer != "yes" && answer != "y") throw Failure(kNegative, "nothing was changed");
}

// Who the service runs as: the owner of the store's folder. Where that is still to be made, root
// makes it for the system's user, if there is one; a folder of the caller's choice is his own.
Identity serviceIdentity(const Plan& plan, bool ownFolder) {
  struct stat info {};
  if (::stat(folderOf(plan.database).c_str(), &info) == 0) return {info.st_uid, info.st_gid};
  const passwd* user = ::geteuid() == 0 && !ownFolder ? ::getpwnam(kServiceUser) : nullptr;
  return user == nullptr ? Identity{::geteuid(), ::getegid()}
                         : Identity{user->pw_uid, user->pw_gid};
}

// Root's files in /etc become readable for the service by its group.
void giveTo(const std::string& path, uid_t user, gid_t group) {
  if (::geteuid() != 0 || ::chown(path.c_str(), user, group) == 0) return;
  throw Failure(kUnreachable, path + ": " + std::strerror(errno));
}

void requireWritable(const std::string& folder) {
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return;
  throw Failure(kNotPermitted, folder + ": this user may not write here; " + whomToUse(folder));
}

void refuseExisting(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) {
    throw Failure(kNegative, path + ": exists already and is not overwritten");
  }
}

std::string configText(const Plan& plan) {
  std::string text =
      "# Membergate. Every key with its default and range: membergate check-config --keys\n\n"
      "store.url = sqlite://" +
      plan.database + "\nsecrets.master_key_file = " + plan.masterKey +
      "\nactivecampaign.url = " + plan.url + "\nactivecampaign.key_file = " + plan.keyFile + "\n";
  if (!plan.shedSocket.empty()) text += "shed.socket = " + plan.shedSocket + "\n";
  if (!plan.membershipTag.empty()) {
    text += "login.required_tags = " + plan.membershipTag + "\n";
  }
  return text;
}

void requireOneLine(const std::string& what, const std::string& text) {
  if (text.find_first_of("\r\n") != std::string::npos) {
    throw Failure(kUsage, what + " must be one line");
  }
}

// Reads the new configuration and makes the store, both as the service will.
std::vector<std::string> openAsService(const Plan& plan, const Identity& service) {
  const ActingAs owner(service);
  const auto config = config::load(plan.config);
  if (!config) throw Failure(kConfiguration, config.error().detail);
  const SystemClock clock;
  const auto store = app::openStore(config->storePath, clock);
  const app::Installation remembered(*store, app::loadKeys(config->masterKeyFile), *config);
  return config->warnings;
}

std::vector<std::string> carryOut(const Plan& plan, const Arguments& arguments) {
  for (const auto& path : {plan.config, plan.masterKey, plan.database}) refuseExisting(path);
  requireOneLine("the address", plan.url);
  const Identity service = serviceIdentity(plan, arguments.dir.has_value());
  NewFiles files;
  const auto makeFolder = [&](const std::string& path, mode_t mode, uid_t user) {
    struct stat info {};
    const bool exists = ::stat(path.c_str(), &info) == 0;
    files.makeFolder(path, mode);
    if (!exists) giveTo(path, user, service.group);
    requireWritable(path);
  };
  makeFolder(folderOf(plan.database), 0700, service.user);
  for (const auto& path : {plan.config, plan.masterKey}) makeFolder(folderOf(path), 0750, 0);

  if (!arguments.keyFile) {
    files.write(plan.keyFile, plan.key.reveal() + "\n", kFileMode);
    giveTo(plan.keyFile, 0, service.group);
  }
  SystemRandom random;
  const Outcome created = passwords::KeyRing::create(plan.masterKey, random);
  if (!created) throw Failure(kUnreachable, created.error().detail);
  files.expect(plan.masterKey);
  giveTo(plan.masterKey, 0, service.group);
  files.write(plan.config, configText(plan), kFileMode);
  giveTo(plan.config, 0, service.group);

  for (const char* suffix : {"", "-wal", "-shm"}) files.expect(plan.database + suffix);
  const auto warnings = openAsService(plan, service);
  files.keep();
  return warnings;
}

int rotateKey(const Arguments& arguments) {
  const auto config = config::load(arguments.configPath());
  if (!config) {
    const bool denied = config.error().code == Code::kDenied;
    throw Failure(denied ? kNotPermitted : kConfiguration,
                  config.error().detail + (denied ? "; " + whomToUse(arguments.configPath()) : ""));
  }
  const std::string& path = config->masterKeyFile;
  requireWritable(folderOf(path));
  SystemRandom random;
  if (const auto rotated = passwords::KeyRing::rotate(path, random); !rotated) {
    const bool unreachable = rotated.error().code == Code::kUnavailable;
    throw Failure(unreachable ? kUnreachable : kConfiguration, rotated.error().detail);
  }
  const std::string id = app::loadKeys(path).currentId();
  if (arguments.json) {
    printJson(json::Object{{"master_key", path}, {"key_id", id}});
  } else {
    std::cout << path << ": new things use key " << id
              << " once the service has been started again; keep the older lines\n";
  }
  return kOk;
}

}  // namespace

int init(const Arguments& arguments) {
  ::umask(0077);
  if (arguments.rotateKey) return rotateKey(arguments);
  Plan plan = planOf(arguments);
  complete(plan, arguments);
  const auto warnings = carryOut(plan, arguments);
  const bool started = startWaitingService(plan.config);
  if (arguments.json) {
    json::Array all;
    for (const std::string& warning : warnings) all.emplace_back(warning);
    printJson(json::Object{{"config", plan.config},
                           {"master_key", plan.masterKey},
                           {"store", plan.database},
                           {"started", started},
                           {"warnings", std::move(all)}});
    return kOk;
  }
  for (const std::string& warning : warnings) warn(warning);
  std::cout << plan.config << '\n' << plan.masterKey << '\n' << plan.database << '\n';
  if (started) std::cout << "membergate.service: started\n";
  return kOk;
}

}  // namespace mbr::cli
