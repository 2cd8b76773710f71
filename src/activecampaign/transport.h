// The seam to the network: one request out, one answer back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace mbr::activecampaign {

struct HttpCall {
  std::string method;  // GET, POST, PUT, DELETE
  std::string path;    // below /api/3/: "contacts/42"; letters, digits, '/', '_', '-' only
  // Names and values as they are; the transport encodes them.
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;          // JSON; empty = none
  bool repeatable = false;   // sending it twice does no harm
  SteadyInstant deadline{};  // of the whole call, waiting for the token included

  // Takes one request out of the budget. Called with the connection open, immediately before the
  // request is written, and again if the request has to be written a second time. Answers with the
  // wall-clock instant the send is counted at; its error ends the call and is returned as it is.
  std::function<Result<Instant>()> takeToken;
};

struct HttpAnswer {
  int status = 0;
  std::string retryAfter;  // the header as sent; empty = none
  std::string body;
  Instant sentAt{};  // what takeToken said of the request that was answered
  // RateLimit-Limit and RateLimit-Remaining; nothing where they are absent or no numbers.
  std::optional<int> rateLimit{};
  std::optional<int> rateRemaining{};
  std::string date{};  // the Date header as sent; empty = none
};

// One thread at a time; one object per worker.
class Transport {
 public:
  virtual ~Transport() = default;

  // Any answer but a redirect is a success here. Errors: those of takeToken; kUnavailable (no
  // connection, cut short, too large, redirect, took longer than the transport's time-out); kBusy
  // (the call's own deadline left less than that and passed); kInvalid (the call is malformed;
  // nothing was sent).
  virtual Result<HttpAnswer> send(const HttpCall& call) = 0;
};

}  // namespace mbr::activecampaign
