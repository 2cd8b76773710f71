// The configuration file, read once into what every room needs to be told.
//
// The file holds `key = value` lines; blank lines and lines that begin with # are skipped, and
// nothing follows a value on its line. The keys are in keys.h and in conf/membergate.conf.example.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate_rule.h"
#include "access/sessions.h"
#include "activecampaign/options.h"
#include "base/clock.h"
#include "base/result.h"
#include "contacts/contact_cache.h"
#include "domain/credential.h"
#include "fastcgi/server.h"
#include "members/delivery_applier.h"
#include "members/login_verifier.h"
#include "members/password_rule.h"
#include "ops/log.h"
#include "outbox/dispatcher.h"
#include "pages/texts.h"
#include "passwords/generator.h"
#include "passwords/hash_pool.h"
#include "sync/options.h"

namespace mbr::config {

// Valid as a whole: every value is in its range and every file named is there. Keys that the file
// does not set have their default.
struct Config {
  fastcgi::Options server;
  std::string storePath;      // the SQLite file, absolute
  std::string masterKeyFile;  // absolute; its text is for passwords::KeyRing
  activecampaign::Options activecampaign;

  std::string passwordField;  // personalization tag, upper-case
  PasswordPolicy passwordPolicy = PasswordPolicy::kKeep;
  Milliseconds wipeAfter = std::chrono::hours{24};     // with kWipeAfter
  Milliseconds linkLife = std::chrono::hours{7 * 24};  // of links to set a password
  std::optional<AutomationId> resetAutomation;
  members::PasswordRule passwordRule;  // `auto` is resolved
  int bulkFrom = 10;                   // passwords that wait; from here on by import, 0 = never
  passwords::Generator::Options generator;
  passwords::HashPool::Options hashPool;
  members::LoginOptions login;
  std::string lastLoginField;          // personalization tag, upper-case; empty = off
  Milliseconds loginFailureTime{500};  // a 401 is sent no sooner than this after arrival
  access::Sessions::Options sessions;
  Milliseconds sessionRefresh = std::chrono::minutes{15};  // data of members on the site
  bool autologin = false;                                  // links in e-mails may let members in
  std::string autologinTokenField;  // personalization tag, upper-case; empty = links carry none
  pages::Texts pageTexts;           // as shipped, or with those of a file of the operator's
  std::map<std::string, access::GateRule, std::less<>> gateRules;  // rule.NAME by NAME

  std::size_t maxWebhookBodyBytes = 256 * 1024;
  members::DeliveryApplier::Options deliveries;
  sync::HookOptions hooks;  // with a publicUrl if wanted
  sync::SweepOptions sweeps;
  std::string shedSocket;  // absolute; empty = off
  outbox::Dispatcher::Options outbox;
  contacts::ContactCache::Options cache;
  std::vector<std::string> hiddenFields;  // upper-case; passwordField is among them

  ops::LogLevel logLevel = ops::LogLevel::kInfo;
  ops::LogFormat logFormat = ops::LogFormat::kJson;

  std::vector<std::string> warnings;  // sentences for the operator, FILE:LINE first
};

// Reads and checks everything, as the user that calls. `detail` of an error holds every problem,
// one a line, as "FILE:LINE: key `x`: got `y`, expected …"; never a secret.
// Errors: kDenied (the file, or a file it names, may not be read by this user, and nothing else is
// wrong), kInvalid (all else).
Result<Config> load(const std::string& path);

// The path behind a store.url; nothing if it is none that is supported.
// sqlite:///var/lib/membergate/membergate.db
std::optional<std::string> parseStoreUrl(std::string_view url);

}  // namespace mbr::config
