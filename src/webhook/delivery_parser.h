// Reads what ActiveCampaign posts.
//
// There are two dialects. The "Webhook" step of an automation names `seriesid` and keys custom
// fields by lower-case personalization tag; an event webhook names `type` and `date_time` and keys
// them by numeric id. Both are read by their raw keys: PHP's reading of brackets would lose numeric
// ones. A body with neither word is read like an automation's.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "domain/delivery.h"
#include "http/form.h"

namespace mbr::webhook {

// True for the key of a custom field (numeric id, or personalization tag in any case) whose value
// must never be stored: the password field above all. Called for each field of each body.
using HiddenField = std::function<bool(std::string_view key)>;

// False for what happens to deals, accounts, lists and campaigns, and for types not known here:
// such a body need not name a contact.
bool isAboutContact(std::string_view eventType);

// The contact's data and the kind of event. Left for the route to fill in: route, requestId,
// followUp, digest.
//
// - A key that is absent stays absent, one with an empty value is an empty text. Of a repeated key
//   the last one counts; a repeated custom field is handed on each time, in order.
// - Values are kept as received ("||a||b||", "&amp;").
// - An e-mail that is none counts as absent if there is an id, and so does an empty one always.
// - `tag` is taken from tag events and `list` from (un)subscriptions only: elsewhere the words mean
//   something else.
// - A date_time without an offset says no instant, and one from the future is not believed.
// Errors: kInvalid, with a detail for the sender (an id that is no positive integer, an e-mail that
// is none and no id, an event type that is no word); kNotFound if the body names no contact.
Result<Delivery> parseDelivery(const http::Form& body, Instant receivedAt,
                               const HiddenField& isHidden);

}  // namespace mbr::webhook
