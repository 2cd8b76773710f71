// A change that the site asked for: committed as a job, then awaited for a while.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "access/api_keys.h"
#include "base/clock.h"
#include "http/reply.h"
#include "http/request.h"
#include "members/change_intake.h"
#include "outbox/dispatcher.h"

namespace mbr::api {

// How long the caller waits for ActiveCampaign.
struct Patience {
  explicit Patience(const http::Request& request);

  SteadyInstant until;
  std::optional<std::chrono::seconds> applied;  // if the caller said how long
};

// Thread-safe.
class AwaitedChanges {
 public:
  // What a request's headers say of the change it asks for.
  struct Terms {
    std::string requestId;
    Patience patience;
    std::optional<members::ChangeIntake::Once> once;  // its Idempotency-Key
  };

  // Both must outlive every reply that is still open.
  AwaitedChanges(members::ChangeIntake& intake, outbox::Dispatcher& dispatcher)
      : intake_(intake), dispatcher_(dispatcher) {}

  // Reads the headers. Nothing, and the request is answered: 400 for an Idempotency-Key that is
  // not 1 to 128 visible ASCII characters; for one that was used within 24 hours what its job has
  // come to, 409 `idempotency_in_progress` while it is open, 422 `idempotency_mismatch` if it was
  // for another request; 503 if that cannot be told.
  std::optional<Terms> admit(const http::Request& request, const access::Caller& caller,
                             const http::Reply& reply) const;

  // Commits `change` and answers: 200 with its results, 201 if a contact was made, 422 `refused`
  // with its results if one was not applied, 409 `email_taken`, 202 with the job's URL when
  // patience ends or too many replies wait already, 503 if it could not be committed or the job
  // was given up. Does not wait itself.
  void carryOut(members::ChangePayload change, Terms terms, const http::Reply& reply) const;

 private:
  members::ChangeIntake& intake_;
  outbox::Dispatcher& dispatcher_;
};

}  // namespace mbr::api
