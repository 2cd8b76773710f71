#include "api/awaited_change.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "api/job_json.h"
#include "api/prefer.h"
#include "http/problem.h"

namespace mbr::api {
namespace {

using members::ChangeIntake;
using members::ChangePayload;

// The dispatcher keeps the deadline; the server's own answer comes only if it does not.
constexpr std::chrono::seconds kGrace{1};

constexpr std::size_t kMaxKeyBytes = 128;

json::Value idOrNull(std::int64_t id) {
  return id == 0 ? json::Value() : json::Value(std::to_string(id));
}

// The answers to one request.
class Answers {
 public:
  explicit Answers(const AwaitedChanges::Terms& terms)
      : requestId_(terms.requestId), applied_(terms.patience.applied) {}

  http::Response pending(JobId job, ContactId contact) const {
    auto response = http::jsonResponse(202, body(job, contact, "pending", {}));
    response.with("Location", jobPath(job));
    return finished(std::move(response));
  }

  http::Response ended(const Job& job) const {
    if (job.state == JobState::kDead || job.state == JobState::kDropped) {
      return error({Code::kUnavailable, "the job was given up"});
    }
    const auto read = members::readChangePayload(job.payload);
    const ChangePayload change = read ? *read : ChangePayload{};
    const ContactId contact = change.contactId != 0 ? change.contactId : job.contactId.value_or(0);
    auto results = resultsOf(job);
    const bool complete = std::all_of(results.begin(), results.end(), [](const json::Value& row) {
      const std::string result = row["result"].textOr("");
      return result == "applied" || result == "already";
    });
    const json::Object all = body(job.id, contact, "done", std::move(results));
    if (change.emailTaken) {
      return finished(problem(409, "email_taken", "Another contact has this e-mail.", all));
    }
    if (!complete || job.state != JobState::kDone) {
      return finished(
          problem(422, "refused", "ActiveCampaign did not take all of it: see results.", all));
    }
    if (!change.created) return finished(http::jsonResponse(200, all));
    auto response = http::jsonResponse(201, all);
    response.with("Location", "/membergate/v1/contacts/" + std::to_string(contact));
    return finished(std::move(response));
  }

  http::Response repeated(const ChangeIntake::Earlier& earlier) const {
    if (!earlier.sameRequest) {
      return problem(422, "idempotency_mismatch",
                     "This Idempotency-Key was used for another request.");
    }
    if (!isOpen(earlier.job.state)) return ended(earlier.job);
    return problem(409, "idempotency_in_progress",
                   "The request with this Idempotency-Key is still being carried out.")
        .with("Retry-After", "1");
  }

  http::Response error(const Error& error) const {
    return finished(http::errorResponse(requestId_, error));
  }

 private:
  http::Response problem(int status, std::string_view code, std::string_view detail,
                         const json::Object& more = {}) const {
    return http::problemFor(requestId_, status, code, detail, more);
  }

  http::Response finished(http::Response response) const {
    if (applied_) {
      response.with("Preference-Applied", "wait=" + std::to_string(applied_->count()));
    }
    return response;
  }

  static json::Object body(JobId job, ContactId contact, std::string_view state,
                           json::Array results) {
    return {{"contact_id", idOrNull(contact)},
            {"job", std::to_string(job)},
            {"state", state},
            {"results", std::move(results)}};
  }

  std::string requestId_;
  std::optional<std::chrono::seconds> applied_;
};

bool isKey(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKeyBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// No two requests that differ have the same text: a path holds no line break.
std::string digestOf(const http::Request& request) {
  const std::string all = request.method + '\n' + request.path + '\n' + request.body;
  std::string out(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(out.data()),
                     reinterpret_cast<const unsigned char*>(all.data()), all.size());
  return out;
}

}  // namespace

Patience::Patience(const http::Request& request)
    : applied(preferredWait(request.header("prefer"))) {
  until = request.arrived + applied.value_or(kDefaultWait);
}

std::optional<AwaitedChanges::Terms> AwaitedChanges::admit(const http::Request& request,
                                                           const access::Caller& caller,
                                                           const http::Reply& reply) const {
  Terms terms{request.requestId, Patience(request), std::nullopt};
  const auto key = request.headers.find("idempotency-key");
  if (key == request.headers.end()) return terms;
  if (!isKey(key->second)) {
    reply.send(http::problem(request, 400, "invalid_request",
                             "An Idempotency-Key is 1 to 128 visible ASCII characters."));
    return std::nullopt;
  }
  terms.once = ChangeIntake::Once{caller.id, key->second, digestOf(request)};
  const auto earlier = intake_.findEarlier(*terms.once);
  if (earlier && !*earlier) return terms;
  const Answers answers(terms);
  reply.send(earlier ? answers.repeated(**earlier) : answers.error(earlier.error()));
  return std::nullopt;
}

void AwaitedChanges::carryOut(ChangePayload change, Terms terms, const http::Reply& reply) const {
  const ContactId contact = change.contactId;
  const auto answer = [contact, answers = Answers(terms), patience = terms.patience, reply,
                       &dispatcher = dispatcher_](const Result<ChangeIntake::Taken>& taken) {
    if (!taken) return reply.send(answers.error(taken.error()));
    if (taken->earlier) return reply.send(answers.repeated(*taken->earlier));
    const auto pending = answers.pending(taken->job, contact);
    const bool waits = !patience.applied || patience.applied->count() > 0;
    if (!waits || !reply.expireAt(patience.until + kGrace, pending)) return reply.send(pending);
    dispatcher.await(taken->job, patience.until,
                     [answers, pending, reply](const std::optional<Job>& ended) {
                       reply.send(ended ? answers.ended(*ended) : pending);
                     });
  };
  intake_.submit(std::move(change), std::move(terms.once), answer);
}

}  // namespace mbr::api
