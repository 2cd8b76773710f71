#include "app/installation_check.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "app/process_lock.h"
#include "base/files.h"
#include "store/sql/inspection.h"

namespace mbr::app {
namespace {

constexpr std::int64_t kMegabyte = 1024 * 1024;

std::string megabytes(std::int64_t bytes) { return std::to_string(bytes / kMegabyte) + " MB"; }

void checkConfig(const config::Config& config, Remarks& remarks) {
  remarks.push_back(good("config", "can be read and is complete"));
  for (const std::string& text : config.warnings) {
    if (text.find("`login.required_tags`") != std::string::npos) continue;  // see membership-tag
    remarks.push_back(warning("config", text, "See conf/membergate.conf.example"));
  }
}

void checkSecrets(const config::Config& config, Remarks& remarks) {
  bool all = true;
  const auto check = [&](const std::string& path, mode_t forbidden, const char* wanted) {
    struct stat info {};
    if (path.empty() || ::stat(path.c_str(), &info) != 0) return;
    if ((info.st_mode & forbidden) == 0) return;
    all = false;
    remarks.push_back(problem("secrets", path + " is open to users that need not read it",
                              std::string("chmod ") + wanted + " " + path));
  };
  check(config.masterKeyFile, 0037, "0640");
  for (const char* suffix : {"", "-wal", "-shm"}) check(config.storePath + suffix, 0077, "0600");
  if (all) remarks.push_back(good("secrets", "files are closed to others"));
}

void checkTls(const config::Config& config, Remarks& remarks) {
  const std::string& path = config.activecampaign.caFile;
  if (path.empty()) {
    remarks.push_back(good("tls", "trusts the system's certificate authorities"));
    return;
  }
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find("-----BEGIN CERTIFICATE-----") != std::string::npos) {
    remarks.push_back(good("tls", "trusts " + path));
  } else {
    remarks.push_back(problem("tls", path + " holds no certificate, so no connection is trusted",
                              "Give activecampaign.ca_file a PEM file, or remove the key to trust "
                              "the system's authorities"));
  }
}

// The soft limit of open files of a process, from /proc; nothing if it does not tell.
std::optional<std::int64_t> openFilesOf(pid_t pid) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    constexpr std::string_view kName = "Max open files";
    if (line.compare(0, kName.size(), kName) != 0) continue;
    return std::atoll(line.c_str() + kName.size());
  }
  return std::nullopt;
}

void checkDaemon(const config::Config& config, Remarks& remarks) {
  const std::string lock = ProcessLock::pathFor(config.storePath);
  if (!ProcessLock::isHeld(lock)) {
    remarks.push_back(problem("daemon", "the service does not run on this database",
                              "systemctl start membergate, or as README says under \"Setting it "
                              "up on a site\"; why it does not: its log"));
    return;
  }
  const auto pid = ProcessLock::holderOf(lock);
  remarks.push_back(
      good("daemon", "runs" + (pid ? ", pid " + std::to_string(*pid) : std::string())));
  const auto files = pid ? openFilesOf(*pid) : std::nullopt;
  if (!files) return;
  constexpr std::int64_t kOthers = 256;          // database, sockets, connections to ActiveCampaign
  constexpr std::int64_t kKeptByAWorker = 1024;  // nginx/conf.d/membergate.conf: keepalive
  const std::int64_t needed = static_cast<std::int64_t>(config.server.maxWaiting) +
                              kKeptByAWorker * std::thread::hardware_concurrency() + kOthers;
  const std::string what = "the service may open " + std::to_string(*files) + " files";
  if (*files >= needed) {
    remarks.push_back(good("descriptors", what));
  } else {
    remarks.push_back(warning("descriptors",
                              what + "; server.waiting and nginx want " + std::to_string(needed),
                              "LimitNOFILE=" + std::to_string(needed) +
                                  " or more in the unit, or ulimit -n before spawn-fcgi"));
  }
}

void checkShedSocket(const config::Config& config, Remarks& remarks) {
  if (config.shedSocket.empty()) return;
  struct stat info {};
  const bool there = ::stat(config.shedSocket.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
  if (there) {
    remarks.push_back(good("shed-socket", config.shedSocket + " is there"));
    return;
  }
  remarks.push_back(problem(
      "shed-socket",
      config.shedSocket + " is not there, so what nginx turns away is found "
                          "by the next pass only",
      "Start the service; its user must be able to write in " + folderOf(config.shedSocket)));
}

}  // namespace

Remarks checkInstallation(const config::Config& config) {
  Remarks remarks;
  checkConfig(config, remarks);
  checkSecrets(config, remarks);
  checkTls(config, remarks);
  checkDaemon(config, remarks);
  checkShedSocket(config, remarks);
  return remarks;
}

Remarks checkStoreFile(const config::Config& config) {
  Remarks remarks;
  const auto report = store::sql::inspect(config.storePath, true);
  if (!report) {
    const bool missing = report.error().code == Code::kNotFound;
    remarks.push_back(
        problem("store", report.error().detail,
                missing ? "membergate serve makes it; or restore a backup with its master.key"
                        : "Stop the service, keep the file, restore a backup"));
  } else if (!report->damage.empty()) {
    remarks.push_back(problem("store", "the database is damaged: " + report->damage,
                              "Stop the service, keep the file, restore a backup; or: sqlite3 "
                              "membergate.db .recover | sqlite3 new.db"));
  } else if (report->schema > report->newest) {
    remarks.push_back(
        problem("store", "the database was made by a newer release", "Install that release again"));
  } else if (report->schema < report->newest) {
    remarks.push_back(warning("store", "the database is of an older release",
                              "Stop the service, then: membergate migrate"));
  } else {
    remarks.push_back(good("store", "sound, schema " + std::to_string(report->schema) + ", " +
                                        megabytes(report->bytes)));
  }
  if (report && report->walBytes > 64 * kMegabyte) {
    remarks.push_back(warning("wal",
                              "the log beside the database has " + megabytes(report->walBytes),
                              "Something reads the database without end (a backup?): end it, or "
                              "restart the service"));
  }
  struct statvfs disk {};
  if (::statvfs(folderOf(config.storePath).c_str(), &disk) == 0) {
    const auto free =
        static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
    const std::string what = megabytes(free) + " are free for the database";
    if (free < 64 * kMegabyte) {
      remarks.push_back(problem("disk", what, "Make room: webhooks are answered 503 without"));
    } else if (free < 512 * kMegabyte) {
      remarks.push_back(warning("disk", what, "Make room"));
    } else {
      remarks.push_back(good("disk", what));
    }
  }
  return remarks;
}

}  // namespace mbr::app
