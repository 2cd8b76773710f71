// One webhook call of ActiveCampaign, parsed.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "domain/email.h"
#include "domain/ids.h"

namespace mbr {

// What the sender asks for beyond the contact's data.
struct FollowUp {
  bool password = false;                  // issue one if ActiveCampaign has none
  std::vector<TagId> tags;                // after the password, in this order
  std::vector<AutomationId> automations;  // after the tags
  std::optional<Secret> defaultPassword;  // instead of a generated one
  bool autoregister = true;               // false: no local credential

  bool empty() const { return !password && tags.empty() && automations.empty(); }
};

// A key that the body did not hold is absent, which never means empty.
struct Delivery {
  enum class Dialect { kAutomation, kEvent };

  Dialect dialect = Dialect::kAutomation;
  std::string route;      // "mbr_genpass", "events"
  std::string eventType;  // "" in the automation dialect
  std::string requestId;
  Instant receivedAt{};
  std::optional<Instant> happenedAt;  // date_time, if it names an offset

  std::optional<ContactId> contactId;  // at least one of id and email is there
  std::optional<Email> email;
  std::optional<std::string> firstName;
  std::optional<std::string> lastName;
  std::optional<std::string> phone;
  std::optional<std::string> tagText;     // every tag's name, joined by ", "
  std::optional<std::string> changedTag;  // the one tag an event is about
  // By numeric field id or lower-case personalization tag, as sent; hidden fields are not in it.
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<ListId> list;  // the list a (un)subscribe event is about

  FollowUp followUp;
  std::string digest;  // of route, query (without the code) and body; 16 bytes
};

}  // namespace mbr
