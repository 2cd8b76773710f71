#include "app/installation.h"

#include <algorithm>
#include <utility>

#include "app/app.h"
#include "base/ascii.h"
#include "ops/log.h"
#include "store/sql/sql_store.h"

namespace mbr::app {
namespace {

// Every field of ours ever used, for passwords or link tokens, by comma.
constexpr std::string_view kOwnFields = "password.fields";
constexpr std::string_view kInstalledAt = "installed_at";
constexpr std::string_view kFeatures = "activecampaign.features";
constexpr std::string_view kKeyCheck = "master_key.check.";  // and the key's id
constexpr std::string_view kKeyIds = "master_key.ids";       // every one ever used, by comma

constexpr int kExitUnavailable = 69;
constexpr int kExitTryLater = 75;
constexpr int kExitNotPermitted = 77;
constexpr int kExitConfiguration = 78;

[[noreturn]] void refuse(const Error& error) {
  int exitCode = kExitConfiguration;
  if (error.code == Code::kUnavailable || error.code == Code::kBusy) exitCode = kExitUnavailable;
  if (error.retryAfter) exitCode = kExitTryLater;
  if (error.code == Code::kDenied) exitCode = kExitNotPermitted;
  throw StartError(exitCode, error.detail);
}

std::set<std::string> split(std::string_view text) {
  std::set<std::string> parts;
  while (!text.empty()) {
    const auto comma = text.find(',');
    parts.emplace(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

Error foreignFile(const std::string& why) {
  return {Code::kInvalid,
          "secrets.master_key_file: " + why + "; restore the file that belongs to the database"};
}

// Nothing may be left that only a key which is gone can read. A file with none of the keys of
// before belongs to another database, whatever is left.
Outcome checkNothingIsMissing(store::Transaction& tx, const passwords::KeyRing& keys) {
  const std::string before = tx.findMeta(kKeyIds).value_or("");
  std::set<std::string> known = split(before);
  const bool any =
      std::any_of(known.begin(), known.end(), [&](const std::string& id) { return keys.has(id); });
  if (!known.empty() && !any) {
    return foreignFile("key " + *known.begin() +
                       ", with which this database was used, is not in the file");
  }
  for (const store::CodeRecord& code : tx.listCodes()) {
    if (code.revokedAt || keys.has(code.keyId)) continue;
    return foreignFile("key " + code.keyId + ", which code '" + code.name +
                       "' needs, is not in the file");
  }
  std::string all = before;
  for (const std::string& id : keys.ids()) {
    if (!known.insert(id).second) continue;
    all += (all.empty() ? "" : ",") + id;
  }
  if (all != before) tx.setMeta(kKeyIds, all);
  return Done{};
}

// Every key of the file must be the one the database knows by that id; new ids are added.
Outcome checkKeys(store::Transaction& tx, const passwords::KeyRing& keys) {
  for (const std::string& id : keys.ids()) {
    const auto check = keys.checkValue(id);
    if (!check) return check.error();
    const std::string name = std::string(kKeyCheck) + id;
    const auto known = tx.findMeta(name);
    if (!known) tx.setMeta(name, *check);
    if (known && *known != *check) {
      return foreignFile("key " + id + " is not the one this database was made with");
    }
  }
  return checkNothingIsMissing(tx, keys);
}

}  // namespace

Installation::Installation(store::Store& store, const passwords::KeyRing& keys,
                           const config::Config& config) {
  hiddenFields_.insert(config.hiddenFields.begin(), config.hiddenFields.end());
  hiddenFields_.insert(config.passwordField);
  require(store.write([&](store::Transaction& tx) -> Outcome {
    if (const Outcome checked = checkKeys(tx, keys); !checked) return checked;
    std::string all = tx.findMeta(kOwnFields).value_or("");
    std::set<std::string> fields = split(all);
    for (const std::string& own : {config.passwordField, config.autologinTokenField}) {
      if (own.empty() || !fields.insert(own).second) continue;
      all += (all.empty() ? "" : ",") + own;
      tx.setMeta(kOwnFields, all);
    }
    hiddenFields_.merge(fields);
    features_ = tx.findMeta(kFeatures).value_or("");
    installedAt_ = fromEpochMs(parseId(tx.findMeta(kInstalledAt).value_or("")).value_or(0));
    return Done{};
  }));
}

bool Installation::hides(std::string_view key, const contacts::Names& names) const {
  if (const auto id = parseId(key)) {
    const auto perstag = names.perstag(*id);
    return perstag && hiddenFields_.count(*perstag) > 0;
  }
  return hiddenFields_.count(upperCased(key)) > 0;
}

void rememberFeatures(store::Store& store, const std::string& features) {
  const Outcome saved = store.write([&](store::Transaction& tx) -> Outcome {
    tx.setMeta(kFeatures, features);
    return Done{};
  });
  if (!saved) ops::logWarning("features_not_saved", {{"detail", saved.error().detail}});
}

passwords::KeyRing loadKeys(const std::string& path) {
  auto keys = passwords::KeyRing::load(path);
  if (!keys) throw StartError(kExitConfiguration, keys.error().detail);
  return std::move(*keys);
}

std::unique_ptr<store::Store> openStore(const std::string& path, const Clock& clock, int readers,
                                        const RightOfWay* loginsFirst) {
  store::sql::SqlStore::Options options;
  options.path = path;
  options.readers = readers;
  options.loginsFirst = loginsFirst;
  auto store = store::sql::SqlStore::open(options, clock);
  if (!store) refuse(store.error());
  return std::move(*store);
}

store::sql::FileReport inspectStore(const std::string& path) {
  auto report = store::sql::inspect(path, false);
  if (!report) refuse(report.error());
  return *report;
}

std::unique_ptr<activecampaign::PocoNetwork> openNetwork(const activecampaign::Options& options) {
  auto network = activecampaign::PocoNetwork::open(options);
  if (!network) refuse(network.error());
  return std::move(*network);
}

void require(const Outcome& outcome) {
  if (!outcome) refuse(outcome.error());
}

Result<std::optional<Job>> findJob(store::Store& store, JobId id) {
  std::optional<Job> job;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    job = reader.findJob(id);
    return Done{};
  });
  if (!read) return read.error();
  return job;
}

}  // namespace mbr::app
