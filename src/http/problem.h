// Errors as application/problem+json (RFC 9457).
//
// `code` is one of the stable words of the API: invalid_request key scope not_found
// invalid_credentials not_entitled throttled busy unavailable refused email_taken conflict
// precondition too_large method_not_allowed unsupported_media_type contact_missing unknown_field
// idempotency_mismatch idempotency_in_progress resync_needed code internal.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "http/request.h"
#include "http/response.h"

namespace mbr::http {

// The words of RFC 9110 for what the service sends, "Error" for anything else.
std::string_view reasonPhrase(int status);

// {"type":"about:blank","title":…,"status":…,"code":…,"detail":…,"request_id":…} and the members
// of `extra`. `detail` tells the sender what to do; it is shown as it is.
Response problem(const Request& request, int status, std::string_view code, std::string_view detail,
                 const json::Object& extra = {});

// The same with only the request's id, for answers that are made after the request is gone.
Response problemFor(std::string_view requestId, int status, std::string_view code,
                    std::string_view detail, const json::Object& extra = {});

// The one table from Code to status: kInvalid 400, kDenied 403, kNotFound 404, kConflict 409,
// kBusy 503 or 429 by the caller's choice of problem(), kUnavailable 503, kInternal 500. Sets
// Retry-After (whole seconds, rounded up, at least 1) for kBusy and kUnavailable. The error's
// detail is not shown except for kInvalid, whose details are written for the sender.
Response errorResponse(std::string_view requestId, const Error& error);

// The value of Retry-After: whole seconds, rounded up, at least 1.
std::string retryAfterSeconds(Milliseconds wait);

// 200-style answers.
Response jsonResponse(int status, const json::Value& body);

}  // namespace mbr::http
