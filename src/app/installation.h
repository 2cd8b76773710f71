// What this installation remembers of itself, and the parts of a start that can fail.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "activecampaign/poco_transport.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "contacts/directories.h"
#include "domain/job.h"
#include "passwords/key_ring.h"
#include "store/sql/inspection.h"
#include "store/store.h"

namespace mbr::app {

// Immutable after construction.
class Installation {
 public:
  // Compares the master keys with those the database was used with, and adds the fields for
  // passwords and link tokens to those that were ever used: their values stay hidden. Throws
  // StartError.
  Installation(store::Store& store, const passwords::KeyRing& keys, const config::Config& config);

  // Personalization tags that are never stored or served, upper-case.
  const std::set<std::string>& hiddenFields() const { return hiddenFields_; }
  // True for such a field's personalization tag, in any case, or its numeric id.
  bool hides(std::string_view key, const contacts::Names& names) const;

  // When the database was made.
  Instant installedAt() const { return installedAt_; }

  // What was learnt about the account's API; see activecampaign::Features.
  const std::string& features() const { return features_; }

 private:
  std::set<std::string> hiddenFields_;
  std::string features_;
  Instant installedAt_{};
};

void rememberFeatures(store::Store& store, const std::string& features);

// These throw StartError.
passwords::KeyRing loadKeys(const std::string& path);
std::unique_ptr<store::Store> openStore(const std::string& path, const Clock& clock,
                                        int readers = 4, const RightOfWay* loginsFirst = nullptr);
// Looks at the database without opening it for work.
store::sql::FileReport inspectStore(const std::string& path);
std::unique_ptr<activecampaign::PocoNetwork> openNetwork(const activecampaign::Options& options);
void require(const Outcome& outcome);

Result<std::optional<Job>> findJob(store::Store& store, JobId id);

}  // namespace mbr::app
