// One request to ActiveCampaign, from the budget to a judged answer. Used by Client alone.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "activecampaign/breaker.h"
#include "activecampaign/rate_budget.h"
#include "activecampaign/transport.h"
#include "activecampaign/types.h"
#include "base/json.h"
#include "base/result.h"
#include "base/right_of_way.h"

namespace mbr::activecampaign {

struct Request {
  std::string method;
  std::string path;  // below /api/3/
  std::vector<std::pair<std::string, std::string>> query{};
  std::string body{};               // JSON; empty = none
  std::vector<std::string> ours{};  // texts of ours that an error's words may quote
  bool repeatable = false;          // may be sent again if a kept connection gave no answer
  bool emptyIsFine = false;         // a success may come without a body
};

struct Reply {
  int status = 0;
  json::Value body;  // an object or an array; null if a denial or an `emptyIsFine` held none
  Instant sentAt{};
  std::optional<Instant> date{};  // the Date header
  bool success() const { return status / 100 == 2; }
};

// What a reply that is no success means; see the list in client.h.
Error refusal(const Reply& reply, const Request& request);

// One thread at a time.
class Exchange {
 public:
  // `loginsFirst` may be null.
  Exchange(Transport& transport, RateBudget& budget, Breaker& breaker, const Clock& clock,
           const RightOfWay* loginsFirst)
      : transport_(transport),
        budget_(budget),
        breaker_(breaker),
        clock_(clock),
        loginsFirst_(loginsFirst) {}

  // A reply is a success or a readable 4xx that is no denial; the 403 of an automation that cannot
  // be entered is one too. Errors: kUnavailable, kBusy, kDenied as in client.h.
  Result<Reply> send(const Call& call, const Request& request);

  // As send(), with every reply but a success turned into its error.
  Result<Reply> ask(const Call& call, const Request& request);

 private:
  Result<Reply> attempt(const Call& call, const Request& request, bool lastLook);
  Result<Reply> judge(const HttpAnswer& answer, const Request& request, bool lastLook,
                      Breaker::Pass& pass);
  // What the answer means to the budget: a freeze, the end of one, another client, or nothing.
  void tellBudget(const HttpAnswer* answer, const Permit& permit);

  Transport& transport_;
  RateBudget& budget_;
  Breaker& breaker_;
  const Clock& clock_;
  const RightOfWay* const loginsFirst_;
};

}  // namespace mbr::activecampaign
