// What is known of one contact, for diagnose().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "contacts/directories.h"
#include "contacts/who.h"
#include "domain/contact.h"
#include "domain/credential.h"
#include "domain/gap.h"
#include "domain/job.h"
#include "members/entitlement.h"
#include "members/tombstones.h"
#include "store/store.h"

namespace mbr::members {

// What of the configuration decides about a login.
struct CaseSettings {
  PasswordPolicy policy = PasswordPolicy::kKeep;
  std::vector<std::string> requiredTags{};  // ids or names
  std::optional<std::string> banTag{};      // id or name
  Milliseconds maxAge{};                    // of data that counts as fresh
};

// All that is known. Lists are newest first and of bounded length.
struct CaseFile {
  contacts::Who question;
  CaseSettings settings;
  Instant now{};

  std::optional<Instant> erasedAt;
  std::optional<Contact> contact;
  std::vector<ContactId> lookAlikes;  // with an e-mail that differs in one or two letters
  std::optional<Credential> credential;
  Entitlement entitlement = Entitlement::kEntitled;
  std::vector<std::string> tags;  // names, or ids of those without one
  std::vector<Job> jobs;
  std::vector<store::DeliveryRecord> deliveries;
  std::vector<store::LinkRecord> links;
  std::vector<store::SessionRecord> sessions;
  std::vector<Gap> openGaps;
  bool sweptOnce = false;  // a pass over all contacts has come to its end

  // For whoever asks to fill in; what is absent is not looked at.
  struct Throttle {
    int failures = 0;      // of the account, within the window
    Milliseconds wait{0};  // until the next try is let through; 0 = now
  };
  std::optional<Throttle> throttle;
  struct Gate {
    std::string rule;
    bool admits = false;
    bool admitsOnceConfirmed = false;  // if the tags that only a webhook named are there
  };
  std::optional<Gate> gate;
};

// `sweptOnce` is the caller's to say. `tombstones` and `names` are used during the call only.
CaseFile readCase(store::Reader& reader, const contacts::Who& question,
                  const CaseSettings& settings, const Tombstones& tombstones,
                  const contacts::Names& names, Instant now);

// Whether a link to set a password works at `now`.
bool isInForce(const store::LinkRecord& link, Instant now);

// Whether two texts differ in one or two letters: one more, one less, another one, or two that have
// changed places. Pure.
bool looksAlike(std::string_view a, std::string_view b);

}  // namespace mbr::members
