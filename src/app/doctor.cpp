#include "app/doctor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "app/process_lock.h"
#include "contacts/directories.h"
#include "store/sql/inspection.h"
#include "sync/reconciler.h"

namespace mbr::app {
namespace {

constexpr std::int64_t kMegabyte = 1024 * 1024;

std::string megabytes(std::int64_t bytes) { return std::to_string(bytes / kMegabyte) + " MB"; }

std::string folderOf(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

// --- the installation ----------------------------------------------------------------------------

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
  const std::string lock = config.storePath + ".lock";
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
  constexpr std::int64_t kOthers = 256;  // database, sockets, connections to ActiveCampaign
  const std::int64_t needed = static_cast<std::int64_t>(config.server.maxWaiting) + kOthers;
  const std::string what = "the service may open " + std::to_string(*files) + " files";
  if (*files >= needed) {
    remarks.push_back(good("descriptors", what));
  } else {
    remarks.push_back(warning("descriptors",
                              what + "; server.waiting wants " + std::to_string(needed),
                              "LimitNOFILE=65536 in the unit, or ulimit -n before spawn-fcgi"));
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

// --- the state -----------------------------------------------------------------------------------

struct State {
  std::vector<store::CodeRecord> codes;
  std::vector<store::JobCounts> jobs;
  std::vector<Gap> gaps;
  std::int64_t defaults = 0;
  std::int64_t suspended = 0;
  bool swept = false;
};

class StateCheck {
 public:
  explicit StateCheck(Workbench& bench) : bench_(bench), config_(bench.config) {}

  Remarks run() {
    const Outcome read = bench_.store->read([&](store::Reader& reader) -> Outcome {
      state_.codes = reader.listCodes();
      state_.jobs = reader.countJobs();
      state_.gaps = reader.listOpenGaps();
      state_.defaults = reader.countCredentials(CredentialOrigin::kDefault);
      state_.suspended = parseId(reader.findMeta(sync::kSuspended).value_or("")).value_or(0);
      state_.swept = reader.findMeta(sync::kLastFullSweep).has_value();
      return Done{};
    });
    if (!read) {
      return {problem("store", read.error().detail, "Stop the service and look at the disk")};
    }
    checkMembership();
    checkCodes();
    checkDefaults();
    checkAutologin();
    checkInclude();
    checkJobs();
    checkGaps();
    return std::move(remarks_);
  }

 private:
  void add(Remark remark) { remarks_.push_back(std::move(remark)); }

  void checkMembership() {
    if (!config_.login.requiredTags.empty()) {
      return add(good("membership-tag", "login.required_tags is set"));
    }
    add(warning("membership-tag",
                "no login.required_tags: every contact with a password may log in",
                "login.required_tags = the tag that makes a member"));
  }

  void checkCodes() {
    int inForce = 0;
    std::vector<std::string> shortOnes;
    for (const store::CodeRecord& code : state_.codes) {
      if (code.revokedAt) continue;
      ++inForce;
      if (code.isShort) shortOnes.push_back(code.name);
    }
    if (!shortOnes.empty()) {
      return add(warning("codes", "short codes are in force: " + joined(shortOnes),
                         "membergate code create --name NEW, put it into the webhooks, then: "
                         "membergate code revoke --name OLD"));
    }
    if (inForce == 0 && !config_.hooks.wanted) {
      return add(warning("codes", "no security code is in force, so no webhook is taken",
                         "membergate code create --name automations"));
    }
    add(good("codes", std::to_string(inForce) + " in force"));
  }

  void checkDefaults() {
    if (state_.defaults == 0) return add(good("default-pass", "nobody's password is one"));
    add(warning("default-pass",
                std::to_string(state_.defaults) + " members have the default_pass of a webhook, "
                                                  "which others know",
                "Take default_pass out of the webhooks' URLs; a generated password is as easy to "
                "mail"));
  }

  void checkAutologin() {
    if (!config_.autologin) return;
    if (!config_.autologinTokenField.empty()) {
      return add(good("autologin", "links carry a token"));
    }
    add(warning("autologin",
                "login links carry no token: whoever holds one can enter as any member whose id "
                "and e-mail he knows",
                "autologin.token_field = MEMBERTOKEN, and t=%MEMBERTOKEN% in the links"));
  }

  void checkInclude() {
    const std::string& known = bench_.installation.features();
    if (known.find("=no") != std::string::npos) {
      return add(warning("include",
                         "the account does not send tags along with contacts (" + known +
                             "), so a read takes three requests",
                         "Nothing can be done here; expect logins and passes to take longer"));
    }
    add(good("include", known.empty() ? "not known yet whether the account honours it"
                                      : "the account honours it"));
  }

  void checkJobs() {
    std::int64_t dead = 0;
    for (const store::JobCounts& row : state_.jobs) {
      if (row.state == static_cast<int>(JobState::kDead)) dead += row.count;
    }
    if (dead == 0) return add(good("jobs", "none was given up"));
    add(warning("jobs", std::to_string(dead) + " jobs were given up",
                "membergate jobs list --state dead, then: membergate jobs retry ID"));
  }

  void checkGaps() {
    if (state_.suspended > 0) {
      return add(problem("gaps",
                         std::to_string(state_.suspended) +
                             " contacts are missing in ActiveCampaign at once; none was marked "
                             "deleted",
                         "If they were deleted on purpose: membergate sync --confirm-deletions"));
    }
    if (!state_.swept) {
      return add(warning("gaps", "no pass over all contacts has ended yet",
                         "Let the service run, or: membergate sync --full"));
    }
    constexpr std::chrono::hours kLong{1};
    for (const Gap& gap : state_.gaps) {
      if (bench_.clock.now() - gap.openedAt < kLong) continue;
      return add(warning("gaps", "a gap (" + gap.why + ") has been open for more than an hour",
                         "See that the service runs and ActiveCampaign answers, or: membergate "
                         "sync"));
    }
    add(good("gaps", "nothing is known to be missing for long"));
  }

  Workbench& bench_;
  const config::Config& config_;
  State state_;
  Remarks remarks_;
};

// --- the account ---------------------------------------------------------------------------------

class AccountCheck {
 public:
  explicit AccountCheck(Workbench& bench)
      : bench_(bench), config_(bench.config), client_(bench.clients.lease()) {}

  Remarks run() {
    if (!checkKey()) return std::move(remarks_);
    checkTags();
    checkFields();
    checkHooks();
    return std::move(remarks_);
  }

 private:
  void add(Remark remark) { remarks_.push_back(std::move(remark)); }

  bool checkKey() {
    const auto who = client_->whoAmI(bench_.call());
    if (!who) {
      add(failed("activecampaign", who.error()));
      return false;
    }
    add(good("activecampaign", "answers, and the key is good"));
    if (who->ahead) checkClock(*who->ahead);
    return true;
  }

  static Remark failed(const char* check, const Error& error) {
    switch (error.code) {
      case Code::kDenied:
        return problem(check, "ActiveCampaign refuses the API key: " + error.detail,
                       "Settings, Developer in ActiveCampaign shows the key; put it alone into the "
                       "file of activecampaign.key_file, then restart the service");
      case Code::kBusy:
        return warning(check, "the account's requests are used up: " + error.detail,
                       "Try again in a minute; if it stays so, another program uses them");
      default:
        return problem(check, "ActiveCampaign does not answer: " + error.detail,
                       "Compare activecampaign.url with Settings, Developer; see whether this "
                       "machine reaches it by https");
    }
  }

  void checkClock(Milliseconds ahead) {
    const auto apart =
        std::chrono::duration_cast<std::chrono::seconds>(ahead < Milliseconds{0} ? -ahead : ahead);
    constexpr std::chrono::seconds kSlight{30};
    const std::string what = "this machine's clock is " + std::to_string(apart.count()) + " s " +
                             (ahead > Milliseconds{0} ? "behind" : "ahead of") +
                             " ActiveCampaign's";
    if (apart <= kSlight) return add(good("clock", "agrees with ActiveCampaign's"));
    add(problem("clock", what + ", so news may be missed", "timedatectl set-ntp true"));
  }

  // A name that nobody has keeps everybody out.
  void checkTags() {
    std::vector<std::string> wanted = config_.login.requiredTags;
    if (config_.login.banTag) wanted.push_back(*config_.login.banTag);
    if (wanted.empty()) return;
    const auto tags = client_->listTags(bench_.call());
    if (!tags) return add(failed("tags", tags.error()));
    std::vector<std::string> unknown;
    for (const std::string& tag : wanted) {
      const auto id = parseId(tag);
      const bool there = std::any_of(tags->begin(), tags->end(), [&](const store::NamedId& row) {
        return id ? row.id == *id : row.name == tag;
      });
      if (!there) unknown.push_back(tag);
    }
    if (unknown.empty()) return add(good("tags", "those of login.* are in ActiveCampaign"));
    add(problem("tags", "ActiveCampaign has no such tag: " + joined(unknown),
                "Correct login.required_tags and login.ban_tag, or make the tag"));
  }

  void checkFields() {
    const auto fields = client_->listFields(bench_.call());
    if (!fields) return add(failed("password-field", fields.error()));
    std::optional<FieldId> password;
    std::vector<std::string> open;
    for (const store::FieldRecord& field : *fields) {
      if (field.perstag == config_.passwordField) password = field.id;
      const bool hidden = bench_.installation.hiddenFields().count(field.perstag) > 0;
      if (!hidden && field.perstag.find("PASS") != std::string::npos) open.push_back(field.perstag);
    }
    checkPasswordField(password);
    if (open.empty()) return add(good("hidden-fields", "no other field seems to hold passwords"));
    add(warning("hidden-fields",
                "fields that may hold passwords are kept and shown: " + joined(open),
                "contacts.hidden_fields = " + config_.passwordField + ", " + joined(open)));
  }

  void checkPasswordField(const std::optional<FieldId>& field) {
    const std::string name = "field " + config_.passwordField;
    if (!field) {
      return add(warning("password-field", name + " is not in ActiveCampaign yet",
                         "Nothing: it is made with the first password"));
    }
    const auto shown = client_->isFieldShown(bench_.call(), *field);
    if (!shown) return add(failed("password-field", shown.error()));
    if (*shown) return add(good("password-field", name + " is there"));
    add(warning("password-field",
                name + " belongs to no list, so ActiveCampaign's pages and mails "
                       "do not show it",
                "In ActiveCampaign, Contacts, Manage fields: show the field for all lists"));
  }

  void checkHooks() {
    if (!config_.hooks.wanted) return;
    const auto report = bench_.hookStatus();
    if (!report) return add(failed("hooks", report.error()));
    if (report->state == sync::HookState::kRegistered) {
      return add(good("hooks", "the event webhook is registered"));
    }
    const std::string wrong = report->what.empty() ? "" : " (" + report->what + ")";
    add(problem("hooks",
                "the event webhook is " + std::string(sync::toString(report->state)) + wrong,
                "membergate hooks ensure"));
  }

  Workbench& bench_;
  const config::Config& config_;
  const sync::ClientPool::Lease client_;
  Remarks remarks_;
};

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

Remarks checkState(Workbench& bench) { return StateCheck(bench).run(); }

Remarks checkAccount(Workbench& bench) { return AccountCheck(bench).run(); }

}  // namespace mbr::app
