// The two dialects in which ActiveCampaign POSTs a contact, form-encoded as
// PHP's http_build_query does. Field values go along in clear, passwords too.
#pragma once

#include <string>

#include "ledger.h"

namespace acsim {

struct Event {
  std::string type, source;
  std::string tag;  // the tag changed, in tag events
  Id list = 0;
};

// Event webhooks: type, date_time, ..., `contact[fields][12]`, `contact[ip]`.
std::string eventBody(const Ledger& ledger, const Contact& contact, const Event& event);

// The "Webhook" step of automation `seriesid`: no type, no date,
// `contact[fields][perstag]`, `contact[ip4]`.
std::string automationBody(const Ledger& ledger, const Contact& contact,
                           const std::string& seriesid);

}  // namespace acsim
