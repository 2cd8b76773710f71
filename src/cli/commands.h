// The sub-commands. Each does its work and returns the exit code, or throws Failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/ids.h"

namespace mbr::cli {

// What the command line says; each command looks at its own part.
struct Arguments {
  std::optional<std::string> config;  // absent = kDefaultConfig, for init the one in `dir`
  bool json = false;

  std::string name;                      // code, key
  std::string purposes = "genpass";      // code create
  std::optional<std::string> valueFile;  // code create
  std::string scopes;                    // key create

  std::optional<std::string> url;      // init
  std::optional<std::string> keyFile;  // init
  std::optional<std::string> dir;      // init
  bool yes = false;                    // init
  bool rotateKey = false;              // init

  bool listKeys = false;  // check-config
  bool online = false;    // check-config

  bool rotate = false;  // hooks ensure

  bool full = false;              // sync
  bool confirmDeletions = false;  // sync

  std::optional<std::string> contact;    // contact …, password …
  std::optional<std::string> liftEmail;  // contact erase
  std::optional<std::string> rule;       // contact why
  std::optional<std::string> clientIp;   // contact why

  int limit = 50;           // jobs list, contact trace
  std::string state;        // jobs list
  std::string kind;         // jobs list
  std::vector<JobId> jobs;  // jobs retry, drop
  bool allDead = false;     // jobs retry

  std::optional<std::int64_t> delivery;  // replay
  std::optional<std::string> since;      // replay
  std::optional<std::string> until;      // replay

  bool check = false;                    // migrate
  std::optional<std::string> nginxFile;  // doctor
  bool offline = false;                  // doctor

  std::string configPath() const { return config.value_or(kDefaultConfig); }
  static constexpr const char* kDefaultConfig = "/etc/membergate/membergate.conf";
};

int serve(const Arguments& arguments);
int init(const Arguments& arguments);
int checkConfig(const Arguments& arguments);
int createCode(const Arguments& arguments);
int listCodes(const Arguments& arguments);
int revokeCode(const Arguments& arguments);
int createKey(const Arguments& arguments);
int listKeys(const Arguments& arguments);
int revokeKey(const Arguments& arguments);
int hookStatus(const Arguments& arguments);
int ensureHook(const Arguments& arguments);
int removeHook(const Arguments& arguments);
int eraseContact(const Arguments& arguments);
int showContact(const Arguments& arguments);
int explainContact(const Arguments& arguments);  // contact why
int traceContact(const Arguments& arguments);
int listJobs(const Arguments& arguments);
int retryJobs(const Arguments& arguments);
int dropJobs(const Arguments& arguments);
int replay(const Arguments& arguments);
int resetPassword(const Arguments& arguments);
int wipePassword(const Arguments& arguments);
int status(const Arguments& arguments);
int doctor(const Arguments& arguments);
int migrate(const Arguments& arguments);
int syncContacts(const Arguments& arguments);
int version(const Arguments& arguments);

}  // namespace mbr::cli
