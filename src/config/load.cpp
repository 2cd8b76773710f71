#include <sys/types.h>

#include <algorithm>
#include <map>
#include <utility>

#include "activecampaign/base_url.h"
#include "base/key_value_lines.h"
#include "config/config.h"
#include "config/files.h"
#include "config/rules.h"
#include "config/values.h"

namespace mbr::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::size_t kMaxShown = 80;

// The value as it may be shown: a path key could hold the secret itself by mistake, and an
// address a password.
std::string shown(const Key& key, const std::string& value) {
  if (value.empty()) return "nothing";
  if (key.unit == "an absolute path" && value.front() != '/') return "no absolute path";
  if (value.find("://") != std::string::npos && value.find('@') != std::string::npos) {
    return "an address with a user in it";
  }
  if (value.size() <= kMaxShown) return "`" + value + "`";
  std::size_t end = kMaxShown;
  while ((static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return "`" + value.substr(0, end) + "…`";
}

// The known key that was probably meant, or "".
std::string nearest(const std::string& name) {
  std::string best;
  std::size_t least = name.size() / 3 + 1;
  for (const Rule& rule : rules()) {
    const std::string& known = rule.key.name;
    if (known.rfind(name, 0) == 0 || known.substr(known.find('.') + 1) == name) return known;
    const std::size_t distance = editDistance(name, known);
    if (distance > least || (distance == least && !best.empty())) continue;
    best = known;
    least = distance;
  }
  return best;
}

using Problem = KeyValueLines::Problem;  // line 0: the file as a whole

// Collects what is wrong while the lines become a Config.
class Reading {
 public:
  Reading(std::string path, KeyValueLines lines)
      : path_(std::move(path)),
        entries_(std::move(lines.entries)),
        problems_(std::move(lines.problems)) {}

  void refuseUnknownKeys() {
    for (const auto& entry : entries_) {
      const std::string& name = entry.first;
      const bool known = std::any_of(rules().begin(), rules().end(),
                                     [&](const Rule& rule) { return rule.covers(name); });
      if (known) continue;
      const std::string hint = nearest(name);
      add(name, "unknown" + (hint.empty() ? "" : ", did you mean `" + hint + "`?"));
    }
  }

  void apply(const Rule& rule) {
    if (rule.isFamily()) return applyFamily(rule);
    const Key& key = rule.key;
    const auto entry = entries_.find(key.name);
    if (entry != entries_.end()) {
      const bool mayBeEmpty = rule.mayBeOff || (!key.required && key.fallback.empty());
      if (entry->second.value.empty() && mayBeEmpty) return;
      take(rule, entry->second.value, "");
    } else if (key.required) {
      add(key.name, "missing, " + expectation(key));
    } else if (!key.fallback.empty()) {
      take(rule, key.fallback, " (the default)");
    }
  }

  void applyFamily(const Rule& family) {
    for (const auto& [key, entry] : entries_) {
      if (!family.covers(key)) continue;
      const std::string name = key.substr(family.prefix().size());
      if (!isFamilyName(name)) {
        add(key, kFamilyNameExpectation);
        continue;
      }
      Rule one{family.key, [&](Config& config, std::string_view value) {
                 return family.readNamed(config, name, value);
               }};
      one.key.name = key;
      take(one, entry.value, "");
    }
  }

  // What no key alone can tell.
  void applyRulesAcrossKeys() {
    if (const auto valid = passwords::Generator::validate(config_.generator); !valid) {
      add(isSet("password.alphabet") ? "password.alphabet" : "password.length",
          valid.error().detail);
    }
    if (config_.sessions.absolute < config_.sessions.idle) {
      add(isSet("session.absolute") ? "session.absolute" : "session.idle",
          "session.absolute is below session.idle, expected at least as much");
    }
    if (config_.hooks.wanted && valueOf("webhooks.public_url").empty()) {
      add("webhooks.public_url",
          "missing while webhooks.mode is events, expected an https:// address without a path");
    }
    if (config_.passwordPolicy == PasswordPolicy::kLink && valueOf("webhooks.public_url").empty()) {
      add("webhooks.public_url",
          "missing while password.policy is link, expected an https:// address without a path");
    }
    if (config_.hooks.wanted && valueOf("password.event_rule", "auto") == "auto") {
      config_.passwordRule.who = members::PasswordRule::Who::kAll;
    }
    auto& hidden = config_.hiddenFields;
    hidden.push_back(config_.passwordField);
    if (!config_.autologinTokenField.empty()) {
      if (config_.autologinTokenField == config_.passwordField) {
        add("autologin.token_field", "is password.field, expected a field of its own");
      }
      hidden.push_back(config_.autologinTokenField);
    }
    std::sort(hidden.begin(), hidden.end());
    hidden.erase(std::unique(hidden.begin(), hidden.end()), hidden.end());
    if (std::binary_search(hidden.begin(), hidden.end(), config_.lastLoginField)) {
      add("login.last_login_field", "is a hidden field, expected one that the API may show");
    }
  }

  void refuseMode(mode_t mode) {
    if ((mode & 0002) != 0)
      problems_.push_back({0, "others may write this file, expected mode 0640"});
  }

  Result<Config> finish() && {
    if (problems_.empty()) {
      warn();
      return std::move(config_);
    }
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
      // What has no line comes last.
      return static_cast<unsigned>(a.line) - 1 < static_cast<unsigned>(b.line) - 1;
    });
    std::string detail;
    for (const Problem& problem : problems_) {
      detail += (detail.empty() ? "" : "\n") + position(problem.line) + problem.text;
    }
    return Error{denied_ == problems_.size() ? Code::kDenied : Code::kInvalid, detail};
  }

 private:
  void take(const Rule& rule, const std::string& value, const std::string& origin) {
    const auto objection = value.empty() ? Objection{} : rule.read(config_, value);
    if (!objection) return;
    if (objection->denied) ++denied_;
    add(rule.key.name, "got " + shown(rule.key, value) + origin + ", " +
                           (objection->text.empty() ? expectation(rule.key) : objection->text));
  }

  void warn() {
    const auto& account = config_.activecampaign;
    if (account.rate > 5 && !activecampaign::isLoopbackHost(account.url.host)) {
      config_.warnings.push_back(position(lineOf("activecampaign.rate")) +
                                 "key `activecampaign.rate`: above the 5 requests a second that "
                                 "ActiveCampaign allows an account");
    }
    if (config_.login.requiredTags.empty()) {
      config_.warnings.push_back(position(lineOf("login.required_tags")) +
                                 "key `login.required_tags`: not set, so every contact with a "
                                 "password may log in");
    }
    if (config_.autologin && config_.autologinTokenField.empty()) {
      config_.warnings.push_back(position(lineOf("autologin.enabled")) +
                                 "key `autologin.enabled`: without autologin.token_field whoever "
                                 "holds one link can enter as any member whose id and e-mail he "
                                 "knows");
    }
    const auto& rule = config_.passwordRule;
    if (rule.who == members::PasswordRule::Who::kNone) {
      if (!rule.thenTags.empty()) warnOfNoPassword("password.event_tags");
      if (!rule.thenAutomations.empty()) warnOfNoPassword("password.event_automations");
    }
  }

  void warnOfNoPassword(const std::string& key) {
    config_.warnings.push_back(position(lineOf(key)) + "key `" + key +
                               "`: without effect, since password.event_rule gives no contact a "
                               "password");
  }

  void add(const std::string& key, const std::string& text) {
    problems_.push_back({lineOf(key), "key `" + key + "`: " + text});
  }
  bool isSet(const std::string& key) const { return entries_.count(key) != 0; }
  std::string valueOf(const std::string& key, const char* unset = "") const {
    const auto entry = entries_.find(key);
    return entry == entries_.end() ? unset : entry->second.value;
  }
  int lineOf(const std::string& key) const {
    const auto entry = entries_.find(key);
    return entry == entries_.end() ? 0 : entry->second.line;
  }
  std::string position(int line) const {
    return path_ + (line == 0 ? ": " : ":" + std::to_string(line) + ": ");
  }

  const std::string path_;
  std::map<std::string, KeyValueLines::Entry> entries_;
  std::vector<Problem> problems_;
  std::size_t denied_ = 0;
  Config config_;
};

}  // namespace

Result<Config> load(const std::string& path) {
  auto file = readFile(path, kMaxFileBytes);
  if (!file) return Error{file.error().code, path + ": " + file.error().detail};
  Reading reading(path, parseKeyValueLines(file->text));
  reading.refuseMode(file->mode);
  reading.refuseUnknownKeys();
  for (const Rule& rule : rules()) reading.apply(rule);
  reading.applyRulesAcrossKeys();
  return std::move(reading).finish();
}

}  // namespace mbr::config
