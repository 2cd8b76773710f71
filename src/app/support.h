// What is asked about one contact when somebody asks for help.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/address.h"
#include "app/installation.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "config/config.h"
#include "contacts/directories.h"
#include "contacts/who.h"
#include "members/diagnosis.h"
#include "passwords/key_ring.h"
#include "store/store.h"

namespace mbr::app {

// Something that happened to a contact, or by it.
struct TraceEntry {
  Instant at{};
  std::string kind;  // delivery, job, change, audit, session, link
  std::string what;
};

// Reads the store alone, so it works beside a daemon and without one. Thread-safe.
class Support {
 public:
  // All of them must outlive it.
  Support(store::Store& store, const passwords::KeyRing& keys, const config::Config& config,
          const Installation& installation, const contacts::Directories& directories,
          const Clock& clock);

  // Why the member cannot log in, or pass a gate of rule.`rule`. With the member's address also
  // what is counted against it. Errors: kInvalid (there is no such rule), the store's.
  Result<members::Diagnosis> why(const contacts::Who& question,
                                 const std::optional<std::string>& rule,
                                 const std::optional<access::Address>& address) const;

  // {"contact": as the API shows it, "deleted_at","pulled_at","changed_at","unconfirmed_tags",
  // "credential": {"origin","kind","changed_at","wiped_at"} or null, "link_expires_at","sessions",
  // "open_jobs"}. Errors: kNotFound, the store's.
  Result<json::Object> show(const contacts::Who& question) const;

  // At most so many of each kind, the newest, in the order in which they happened. What has no
  // contact here may have left something all the same. Errors: the store's.
  Result<std::vector<TraceEntry>> trace(const contacts::Who& question, int most) const;

 private:
  void addThrottle(store::Reader& reader, const std::optional<access::Address>& address,
                   members::CaseFile& file) const;
  void addGate(const std::string& rule, const contacts::Names& names,
               members::CaseFile& file) const;

  store::Store& store_;
  const passwords::KeyRing& keys_;
  const config::Config& config_;
  const Installation& installation_;
  const contacts::Directories& directories_;
  const Clock& clock_;
};

}  // namespace mbr::app
