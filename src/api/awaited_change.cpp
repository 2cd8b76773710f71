#include "api/awaited_change.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "api/job_json.h"
#include "api/prefer.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

// The dispatcher keeps the deadline; the server's own answer comes only if it does not.
constexpr std::chrono::seconds kGrace{1};

// What the answer to a committed change needs.
struct Committed {
  ContactId contact = 0;
  JobId job = 0;
  std::string requestId;
  std::optional<std::chrono::seconds> applied;

  http::Response finished(http::Response response) const {
    if (applied) response.with("Preference-Applied", "wait=" + std::to_string(applied->count()));
    return response;
  }

  json::Object body(std::string_view state, json::Array results) const {
    return {{"contact_id", std::to_string(contact)},
            {"job", std::to_string(job)},
            {"state", state},
            {"results", std::move(results)}};
  }

  http::Response pending() const {
    auto response = http::jsonResponse(202, body("pending", {}));
    response.with("Location", jobPath(job));
    return finished(std::move(response));
  }

  http::Response done(const Job& ended) const {
    if (ended.state == JobState::kDead || ended.state == JobState::kDropped) {
      return finished(http::errorResponse(requestId, {Code::kUnavailable, "the job was given up"}));
    }
    auto results = resultsOf(ended);
    const bool complete = std::all_of(results.begin(), results.end(), [](const json::Value& row) {
      const std::string result = row["result"].textOr("");
      return result == "applied" || result == "already";
    });
    if (complete && ended.state == JobState::kDone) {
      return finished(http::jsonResponse(200, body("done", std::move(results))));
    }
    return finished(http::problemFor(requestId, 422, "refused",
                                     "ActiveCampaign did not take all of it: see results.",
                                     body("done", std::move(results))));
  }
};

void await(const Committed& committed, SteadyInstant until, const http::Reply& reply,
           outbox::Dispatcher& dispatcher) {
  const auto pending = committed.pending();
  if (!reply.expireAt(until + kGrace, pending)) return reply.send(pending);
  dispatcher.await(committed.job, until, [committed, reply](const std::optional<Job>& ended) {
    reply.send(ended ? committed.done(*ended) : committed.pending());
  });
}

}  // namespace

Patience::Patience(const http::Request& request)
    : applied(preferredWait(request.header("prefer"))) {
  until = request.arrived + applied.value_or(kDefaultWait);
}

void carryOut(members::ChangePayload change, const Patience& patience, std::string requestId,
              const http::Reply& reply, members::ContactUpdater& updater,
              outbox::Dispatcher& dispatcher) {
  Committed committed{change.contactId, 0, std::move(requestId), patience.applied};
  updater.submitChange(std::move(change), [committed = std::move(committed), patience, reply,
                                           &dispatcher](const Result<JobId>& job) mutable {
    if (!job) return reply.send(http::errorResponse(committed.requestId, job.error()));
    committed.job = *job;
    const bool waits = !patience.applied || patience.applied->count() > 0;
    if (!waits) return reply.send(committed.pending());
    await(committed, patience.until, reply, dispatcher);
  });
}

}  // namespace mbr::api
