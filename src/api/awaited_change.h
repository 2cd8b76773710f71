// A change that the site asked for: committed as a job, then awaited for a while.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/reply.h"
#include "http/request.h"
#include "members/contact_updater.h"
#include "outbox/dispatcher.h"

namespace mbr::api {

// How long the caller waits for ActiveCampaign.
struct Patience {
  explicit Patience(const http::Request& request);

  SteadyInstant until;
  std::optional<std::chrono::seconds> applied;  // if the caller said how long
};

// Commits `change` and answers: 200 with its results, 422 `refused` with its results if one was
// not applied, 202 with the job's URL when patience ends or too many replies wait already, 503 if
// it could not be committed or the job was given up. Does not wait itself; `updater` and
// `dispatcher` must outlive the reply.
void carryOut(members::ChangePayload change, const Patience& patience, std::string requestId,
              const http::Reply& reply, members::ContactUpdater& updater,
              outbox::Dispatcher& dispatcher);

}  // namespace mbr::api
