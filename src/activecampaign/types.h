// What is asked of ActiveCampaign and what it answers, as values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/stop_flag.h"
#include "domain/contact.h"
#include "domain/email.h"
#include "domain/ids.h"
#include "domain/job.h"

namespace mbr::activecampaign {

// How urgent a call is and how long it may take in all, waiting for the budget included.
struct Call {
  Lane lane = Lane::kBackfill;
  SteadyInstant deadline{};
  const StopFlag* stop = nullptr;  // ends the wait for the budget; null = nothing does
};

// How field values are to be read.
struct FieldView {
  // The personalization tag of a field, upper-case; nothing if the directory does not know it.
  std::function<std::optional<std::string>(FieldId)> nameOf;
  std::set<std::string> hidden;  // upper-case; dropped while reading
  std::string passwordField;     // upper-case; its text goes to ContactSnapshot::password only
};

struct ContactRead {
  ContactSnapshot snapshot;
  // A value of a field the directory does not know was dropped: refresh the directory. If it was a
  // text, the password is absent unless it was seen, because it may have been that one.
  bool unknownNames = false;
};

// Absent parts are left alone.
struct ContactWrite {
  std::optional<Email> email;
  std::optional<std::string> firstName;
  std::optional<std::string> lastName;
  std::optional<std::string> phone;
  std::map<FieldId, std::string> fields;
};

// A tag on a contact; removing it needs the association's id.
struct TagAssociation {
  std::int64_t id = 0;
  TagId tag = 0;
};

struct AutomationEntry {
  std::int64_t id = 0;
  AutomationId automation = 0;
  std::optional<Instant> enteredAt;
  bool ended = false;  // the contact has come to its end
};

// What came of asking for an automation.
struct EntryAnswer {
  bool entered = false;
  std::string words;  // ActiveCampaign's own, if it refused
};

// Which contacts a page is to hold, in the order of their ids.
struct PageQuery {
  ContactId after = 0;                  // ids above this one
  std::optional<Instant> updatedAfter;  // none: whatever their udate
};

// At most kPageSize contacts. A part that the account does not side-load is absent in every one of
// them (see Features); none is ever read as empty for that.
struct ContactPage {
  std::vector<ContactRead> contacts;      // ids ascending, all above `after`
  std::optional<std::int64_t> remaining;  // what the answer says there is, this page included
};
inline constexpr int kPageSize = 100;

// One contact of a bulk import: sets the fields and adds the tags of whoever has the e-mail, and
// makes a contact of it if nobody has.
struct ImportRow {
  std::string email;
  std::vector<std::pair<FieldId, Secret>> fields;
  std::vector<std::string> tags;  // by name; ActiveCampaign makes those it does not know
};
inline constexpr int kImportSize = 250;

struct ImportInfo {
  bool completed = false;
  std::vector<ContactId> success;
  std::vector<std::string> failure;  // e-mails, lower-case
};

// A webhook as the account has it registered.
struct Webhook {
  std::int64_t id = 0;
  std::string name;
  Secret url;  // its query holds a security code
  std::vector<std::string> events;
  std::vector<std::string> sources;
  std::int64_t list = 0;  // 0 = all
};

struct ApiUser {
  std::string username;
  std::string zone;  // "Europe/Berlin"
  // By how much ActiveCampaign's clock is ahead of ours, to a second and the time the call took;
  // nothing if it did not tell.
  std::optional<Milliseconds> ahead{};
};

}  // namespace mbr::activecampaign
