#include "config/readers.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "activecampaign/base_url.h"
#include "config/files.h"
#include "config/values.h"
#include "domain/ids.h"

namespace mbr::config {
namespace {

constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un, with its terminating zero
constexpr std::size_t kMaxApiKey = 512;
constexpr std::size_t kMaxTexts = 64 * 1024;

Objection objection(const Error& error) { return {error.detail, error.code == Code::kDenied}; }

bool isAbsolute(std::string_view path) { return path.size() > 1 && path.front() == '/'; }

bool isSocketPath(std::string_view path) {
  return isAbsolute(path) && path.size() <= kMaxSocketPath;
}

// The items as they are first named.
template <class Item>
std::vector<Item> withoutCopies(const std::vector<Item>& items) {
  std::vector<Item> once;
  for (const Item& item : items) {
    if (std::find(once.begin(), once.end(), item) == once.end()) once.push_back(item);
  }
  return once;
}

std::optional<Objection> readIds(std::vector<std::int64_t>& into, std::string_view text) {
  const auto ids = parseIdList(text);
  if (!ids || ids->empty()) return asUsual();
  into = withoutCopies(*ids);
  return kTaken;
}

// Every item must satisfy `valid`.
template <class Valid>
std::optional<Objection> readWords(std::vector<std::string>& into, std::string_view text,
                                   Valid valid) {
  const auto items = parseList(text);
  if (items.empty() || !std::all_of(items.begin(), items.end(), valid)) return asUsual();
  into = withoutCopies(items);
  return kTaken;
}

}  // namespace

std::optional<Objection> readSocket(Config& config, std::string_view text) {
  if (!isSocketPath(text)) return asUsual();
  config.server.socketPath = text;
  return kTaken;
}

std::optional<Objection> readThreads(Config& config, std::string_view text) {
  const auto value = text == "auto"
                         ? std::max(2, static_cast<int>(std::thread::hardware_concurrency()))
                         : parseCount(text).value_or(0);
  if (value < 1 || value > 256) return asUsual();
  config.server.threads = static_cast<int>(value);
  return kTaken;
}

std::optional<Objection> readStoreUrl(Config& config, std::string_view text) {
  const auto path = parseStoreUrl(text);
  if (!path) return asUsual();
  config.storePath = *path;
  return kTaken;
}

std::optional<Objection> readMasterKeyFile(Config& config, std::string_view text) {
  if (!isAbsolute(text)) return asUsual();
  config.masterKeyFile = text;
  const auto file = readSecretFile(config.masterKeyFile);
  if (!file) return objection(file.error());
  return kTaken;
}

std::optional<Objection> readAccountUrl(Config& config, std::string_view text) {
  auto url = activecampaign::parseBaseUrl(text);
  if (!url) return Objection{"which " + url.error().detail};
  config.activecampaign.url = std::move(url).value();
  return kTaken;
}

std::optional<Objection> readAccountKey(Config& config, std::string_view text) {
  if (!isAbsolute(text)) return asUsual();
  const auto file = readSecretFile(std::string(text));
  if (!file) return objection(file.error());
  std::string_view key = file->reveal();
  key = key.substr(0, key.find_last_not_of(" \t\r\n") + 1);
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || key.size() > kMaxApiKey || !visible) {
    return Objection{"expected a file that holds the API key alone, on one line"};
  }
  config.activecampaign.key = Secret(key);
  return kTaken;
}

std::optional<Objection> readCaFile(Config& config, std::string_view text) {
  if (!isAbsolute(text)) return asUsual();
  config.activecampaign.caFile = text;
  const auto file = readFile(config.activecampaign.caFile, 8 * 1024 * 1024);
  if (!file) return objection(file.error());
  return kTaken;
}

std::optional<Objection> readRate(Config& config, std::string_view text) {
  const auto rate = parseRate(text);
  if (!rate || *rate < 0.1 || *rate > 1000) return asUsual();
  config.activecampaign.rate = *rate;
  return kTaken;
}

std::optional<Objection> readPasswordField(Config& config, std::string_view text) {
  const auto tag = parsePerstag(text);
  if (!tag) return asUsual();
  config.passwordField = *tag;
  return kTaken;
}

std::optional<Objection> readAlphabet(Config& config, std::string_view text) {
  config.generator.alphabet = text;  // judged together with the length
  return kTaken;
}

std::optional<Objection> readPolicy(Config& config, std::string_view text) {
  using namespace std::chrono_literals;
  constexpr std::string_view kWipeAfter = "wipe-after:";
  if (text == "keep") {
    config.passwordPolicy = PasswordPolicy::kKeep;
  } else if (text == "wipe-on-login") {
    config.passwordPolicy = PasswordPolicy::kWipeOnLogin;
  } else if (text == "link") {
    config.passwordPolicy = PasswordPolicy::kLink;
  } else if (text.substr(0, kWipeAfter.size()) == kWipeAfter) {
    const auto after = parseDuration(text.substr(kWipeAfter.size()));
    if (!after || *after < 1min || *after > 90 * 24h) return asUsual();
    config.passwordPolicy = PasswordPolicy::kWipeAfter;
    config.wipeAfter = *after;
  } else {
    return asUsual();
  }
  return kTaken;
}

std::optional<Objection> readEventRule(Config& config, std::string_view text) {
  using Who = members::PasswordRule::Who;
  constexpr std::string_view kTag = "tag:";
  members::PasswordRule& rule = config.passwordRule;
  if (text == "auto" || text == "none" || text == "all") {
    rule.who = text == "all" ? Who::kAll : Who::kNone;
    return kTaken;
  }
  if (text.substr(0, kTag.size()) != kTag) return asUsual();
  std::vector<TagId> tags;
  for (const std::string& item : parseList(text)) {  // tag:1,2 and tag:1,tag:2 are the same
    const bool named = item.compare(0, kTag.size(), kTag) == 0;
    const auto id = parseId(std::string_view(item).substr(named ? kTag.size() : 0));
    if (!id) return asUsual();
    tags.push_back(*id);
  }
  rule.who = Who::kTagged;
  rule.tags = withoutCopies(tags);
  return kTaken;
}

std::optional<Objection> readEventTags(Config& config, std::string_view text) {
  return readIds(config.passwordRule.thenTags, text);
}

std::optional<Objection> readEventAutomations(Config& config, std::string_view text) {
  return readIds(config.passwordRule.thenAutomations, text);
}

std::optional<Objection> readResetAutomation(Config& config, std::string_view text) {
  config.resetAutomation = parseId(text);
  if (!config.resetAutomation) return asUsual();
  return kTaken;
}

std::optional<Objection> readRequiredTags(Config& config, std::string_view text) {
  config.login.requiredTags = parseList(text);
  return kTaken;
}

std::optional<Objection> readBanTag(Config& config, std::string_view text) {
  config.login.banTag = std::string(text);
  return kTaken;
}

std::optional<Objection> readPublicUrl(Config& config, std::string_view text) {
  constexpr std::string_view kAuthority = "://";
  const auto scheme = text.find(kAuthority);
  if (scheme != std::string_view::npos) {
    // The account's address may hold a path, which parseBaseUrl() would take or name.
    const auto slash = text.find('/', scheme + kAuthority.size());
    if (slash != std::string_view::npos && slash + 1 != text.size()) {
      return Objection{"which must hold no path"};
    }
  }
  const auto url = activecampaign::parseBaseUrl(text);
  if (!url) return Objection{"which " + url.error().detail};
  config.hooks.publicUrl = (url->tls ? "https://" : "http://") + url->authority();
  return kTaken;
}

std::optional<Objection> readEvents(Config& config, std::string_view text) {
  return readWords(config.hooks.events, text, [](const std::string& name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  });
}

std::optional<Objection> readSources(Config& config, std::string_view text) {
  return readWords(config.hooks.sources, text, [](const std::string& name) {
    const auto all = sync::HookOptions{}.sources;
    return std::find(all.begin(), all.end(), name) != all.end();
  });
}

std::optional<Objection> readShedSocket(Config& config, std::string_view text) {
  if (!isSocketPath(text)) return asUsual();
  config.shedSocket = text;
  return kTaken;
}

std::optional<Objection> readTokenField(Config& config, std::string_view text) {
  const auto tag = parsePerstag(text);
  if (!tag) return asUsual();
  config.autologinTokenField = *tag;
  return kTaken;
}

std::optional<Objection> readLastLoginField(Config& config, std::string_view text) {
  const auto tag = parsePerstag(text);
  if (!tag) return asUsual();
  config.lastLoginField = *tag;
  return kTaken;
}

std::optional<Objection> readPageTexts(Config& config, std::string_view text) {
  if (!isAbsolute(text)) return asUsual();
  const auto file = readFile(std::string(text), kMaxTexts);
  if (!file) return objection(file.error());
  auto texts = pages::Texts::parse(file->text);
  if (!texts) return Objection{"where " + texts.error().detail};
  config.pageTexts = std::move(texts).value();
  return kTaken;
}

std::optional<Objection> readHiddenFields(Config& config, std::string_view text) {
  for (const std::string& item : parseList(text)) {
    const auto tag = parsePerstag(item);
    if (!tag) return asUsual();
    config.hiddenFields.push_back(*tag);
  }
  return kTaken;
}

std::optional<Objection> readGateRule(Config& config, std::string_view name,
                                      std::string_view text) {
  auto rule = access::GateRule::parse(text);
  if (!rule) return Objection{rule.error().detail};
  config.gateRules.insert_or_assign(std::string(name), std::move(rule).value());
  return kTaken;
}

std::optional<std::string> parseStoreUrl(std::string_view url) {
  constexpr std::string_view kScheme = "sqlite://";
  if (url.substr(0, kScheme.size()) != kScheme) return std::nullopt;
  url.remove_prefix(kScheme.size());
  // SQLite would read these as the beginning of options or of an escape.
  if (!isAbsolute(url) || url.back() == '/' || url.find_first_of("?#%") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(url);
}

}  // namespace mbr::config
