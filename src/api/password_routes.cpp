#include "api/password_routes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "api/auth.h"
#include "api/awaited_change.h"
#include "api/job_json.h"
#include "api/limits.h"
#include "base/json.h"
#include "base/time_format.h"
#include "http/json_body.h"
#include "http/problem.h"
#include "members/job_payload.h"

namespace mbr::api {
namespace {

// The dispatcher keeps the deadline; the server's own answer comes only if it does not.
constexpr std::chrono::seconds kGrace{1};
constexpr std::size_t kMaxActionBytes = 32;
constexpr std::size_t kMaxTokenBytes = 256;
constexpr std::size_t kMaxPasswordBytes = 256;

}  // namespace

struct PasswordRoutes::Wanted {
  enum class Action { kGenerate, kSet, kLink };
  Action action = Action::kSet;
  bool force = false;  // kGenerate
  bool push = false;   // kLink: into the field
  Secret password;
  std::optional<Secret> current;  // with session: a member's own change
  Secret session;

  static Wanted read(http::JsonBody& body);
};

// One request on its way.
struct PasswordRoutes::Task {
  Wanted wanted;
  Patience patience;
  std::string requestId;
  SteadyInstant arrived;
  http::Reply reply;

  void fail(const Error& error) const { reply.send(http::errorResponse(requestId, error)); }
  void conflict(std::string_view detail) const {
    reply.send(http::problemFor(requestId, 409, "conflict", detail));
  }
  void noLinks() const {
    conflict("There are no links: the operator has to set webhooks.public_url first.");
  }
  http::Response finished(http::Response response) const {
    if (patience.applied) {
      response.with("Preference-Applied", "wait=" + std::to_string(patience.applied->count()));
    }
    return response;
  }
};

PasswordRoutes::Wanted PasswordRoutes::Wanted::read(http::JsonBody& body) {
  Wanted wanted;
  const std::string action = body.requiredString("action", kMaxActionBytes);
  if (action == "generate") {
    wanted.action = Action::kGenerate;
    wanted.force = body.optionalBool("force").value_or(false);
  } else if (action == "link") {
    wanted.action = Action::kLink;
    wanted.push = body.optionalBool("push").value_or(false);
  } else if (action == "set") {
    wanted.password = Secret::take(body.requiredString("password", kMaxPasswordBytes));
    auto current = body.optionalString("current_password", kMaxPasswordBytes);
    auto session = body.optionalString("session", kMaxTokenBytes);
    if (current.has_value() != session.has_value()) {
      body.refuse("invalid_request", "Send current_password and session together, or neither.");
    }
    if (current) wanted.current = Secret::take(std::move(*current));
    if (session) wanted.session = Secret::take(std::move(*session));
  } else {
    body.refuse("invalid_request", "The member \"action\" is generate, set or link.");
  }
  return wanted;
}

void PasswordRoutes::registerOn(http::Router& router) {
  router.add(
      "POST", "/membergate/v1/contacts/{contact}/password",
      [this](const http::Request& request, const http::PathParams& params,
             const http::Reply& reply) { change(request, params.find("contact")->second, reply); });
}

void PasswordRoutes::change(const http::Request& request, std::string_view contact,
                            const http::Reply& reply) const {
  using access::Scope;
  const auto caller = authorise(keys_, request, Scope::kAdmin, Scope::kLogin, reply);
  if (!caller) return;
  http::JsonBody body(request, kMaxBodyBytes);
  Wanted wanted = Wanted::read(body);
  if (auto refusal = body.refusal()) return reply.send(*refusal);
  if (!caller->scopes.has(Scope::kAdmin) && !wanted.current) {
    return reply.send(wrongScope(request, Scope::kAdmin));
  }
  const auto task = std::make_shared<const Task>(
      Task{std::move(wanted), Patience(request), request.requestId, request.arrived, reply});
  lookup_.find(request, contact, Refresh::kAuto, reply,
               [this, task](const contacts::CachedContactPtr& found) { carryOut(*task, found); });
}

void PasswordRoutes::carryOut(const Task& task, const contacts::CachedContactPtr& found) const {
  const Contact& contact = found->contact;
  if (!contact.email) return task.conflict("The contact has no e-mail, so it cannot log in.");
  switch (task.wanted.action) {
    case Wanted::Action::kGenerate:
      return generate(task, contact);
    case Wanted::Action::kLink:
      return task.wanted.push ? pushLink(task, contact) : makeLink(task, contact);
    case Wanted::Action::kSet:
      return task.wanted.current ? setOwn(task, contact) : set(task, contact);
  }
}

void PasswordRoutes::generate(const Task& task, const Contact& contact) const {
  changer_.generate(contact.id, contact.email->text(), task.wanted.force,
                    [this, task, id = contact.id](const Result<JobId>& job) {
                      if (job) return await(task, id, *job);
                      if (job.error().code != Code::kConflict) return task.fail(job.error());
                      task.conflict("The contact has a password: send force to replace it.");
                    });
}

void PasswordRoutes::makeLink(const Task& task, const Contact& contact) const {
  changer_.makeLink(
      contact.id, [task, id = contact.id](const Result<members::PasswordLinks::Link>& link) {
        if (!link)
          return link.error().code == Code::kConflict ? task.noLinks() : task.fail(link.error());
        http::Response response =
            http::jsonResponse(200, json::Object{{"contact_id", std::to_string(id)},
                                                 {"link", link->url.reveal()},
                                                 {"expires_at", formatRfc3339(link->expiresAt)}});
        task.reply.send(response.with("Cache-Control", "no-store"));
      });
}

void PasswordRoutes::pushLink(const Task& task, const Contact& contact) const {
  changer_.pushLink(contact.id, contact.email->text(),
                    [this, task, id = contact.id](const Result<JobId>& job) {
                      if (job) return await(task, id, *job);
                      if (job.error().code != Code::kConflict) return task.fail(job.error());
                      task.noLinks();
                    });
}

void PasswordRoutes::set(const Task& task, const Contact& contact) const {
  changer_.set({contact.id, *contact.email, task.wanted.password, std::nullopt},
               [this, task, id = contact.id](const Result<JobId>& job) {
                 if (!job) return task.fail(job.error());
                 await(task, id, *job);
               });
}

void PasswordRoutes::setOwn(const Task& task, const Contact& contact) const {
  const auto session = sessions_.find(task.wanted.session.reveal());
  if (!session) return task.fail(session.error());
  // Whoever came by a link has not shown that he knows the password.
  if (!*session || (*session)->contactId != contact.id || (*session)->via != "password") {
    return task.reply.send(http::problemFor(task.requestId, 404, "not_found",
                                            "There is no such session of this contact in force."));
  }
  const auto admission = throttle_.admit(contact.email->text(), std::nullopt);
  if (!admission.allowed) {
    const auto seconds =
        std::max<Milliseconds::rep>(1, (admission.retryAfter.count() + 999) / 1000);
    return task.reply.send(
        http::problemFor(task.requestId, 429, "throttled",
                         "Too many wrong passwords: try again after Retry-After.")
            .with("Retry-After", std::to_string(seconds)));
  }
  changer_.set({contact.id, *contact.email, task.wanted.password, task.wanted.current},
               [this, task, id = contact.id, ticket = admission.ticket](const Result<JobId>& job) {
                 if (job) {
                   throttle_.succeeded(ticket);
                   return await(task, id, *job);
                 }
                 if (job.error().code != Code::kDenied) {
                   throttle_.released(ticket);
                   return task.fail(job.error());
                 }
                 throttle_.failed(ticket);
                 task.reply.sendAt(task.arrived + options_.failureTime,
                                   http::problemFor(task.requestId, 401, "invalid_credentials",
                                                    "The current password is wrong."));
               });
}

void PasswordRoutes::await(const Task& task, ContactId contact, JobId job) const {
  const auto body = [contact, job](std::string_view state, json::Array results) {
    return json::Object{{"contact_id", std::to_string(contact)},
                        {"job", std::to_string(job)},
                        {"state", state},
                        {"results", std::move(results)}};
  };
  const auto pending =
      task.finished(http::jsonResponse(202, body("pending", {})).with("Location", jobPath(job)));
  const bool waits = !task.patience.applied || task.patience.applied->count() > 0;
  if (!waits || !task.reply.expireAt(task.patience.until + kGrace, pending)) {
    return task.reply.send(pending);
  }
  const auto onEnd = [task, pending, body](const std::optional<Job>& ended) {
    if (!ended) return task.reply.send(pending);
    const auto payload = members::readPasswordPayload(ended->payload);
    if (ended->state == JobState::kDead || ended->state == JobState::kDropped || !payload) {
      return task.fail({Code::kUnavailable, "the job was given up"});
    }
    if (!payload->issued) {
      return task.conflict("ActiveCampaign holds a password: send force to replace it.");
    }
    json::Array results{json::Object{{"kind", "password"},
                                     {"id", nullptr},
                                     {"name", ""},
                                     {"action", "set"},
                                     {"result", "applied"},
                                     {"detail", ""}}};
    task.reply.send(task.finished(http::jsonResponse(200, body("done", std::move(results)))));
  };
  dispatcher_.await(job, task.patience.until, onEnd);
}

}  // namespace mbr::api
