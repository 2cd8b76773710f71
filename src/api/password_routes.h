// POST /membergate/v1/contacts/{contact}/password
#pragma once

#include <string>

#include "access/api_keys.h"
#include "access/sessions.h"
#include "access/throttle.h"
#include "api/contact_lookup.h"
#include "http/router.h"
#include "members/password_changer.h"
#include "outbox/dispatcher.h"

namespace mbr::api {

// Handlers may run on several fast workers at once.
class PasswordRoutes {
 public:
  struct Options {
    // A wrong current password is refused no sooner than this after its arrival.
    Milliseconds failureTime{500};
  };

  // All of them must outlive the routes, and the routes every reply that is still open.
  PasswordRoutes(access::ApiKeys& keys, access::Throttle& throttle, access::Sessions& sessions,
                 const ContactLookup& lookup, members::PasswordChanger& changer,
                 outbox::Dispatcher& dispatcher, Options options)
      : keys_(keys),
        throttle_(throttle),
        sessions_(sessions),
        lookup_(lookup),
        changer_(changer),
        dispatcher_(dispatcher),
        options_(options) {}

  // {"action":"generate","force"?}: 409 `conflict` if there is a password and no force.
  // {"action":"set","password","current_password"?,"session"?}: with the last two, a member's own
  // change, which needs the scope login only; 401 if the current password is wrong, 404 if the
  // session is not the contact's or was not begun with a password. Scope admin for all else.
  // {"action":"link","push"?}: a single-use link to set a password: in the answer, {"contact_id",
  // "link","expires_at"}, or with push in the password field; 409 if links have no address.
  // Awaited as other writes are: 200, or 202 with the job's URL; no answer holds a password.
  void registerOn(http::Router& router);

 private:
  struct Wanted;
  struct Task;

  void change(const http::Request& request, std::string_view contact,
              const http::Reply& reply) const;
  void carryOut(const Task& task, const contacts::CachedContactPtr& contact) const;
  void generate(const Task& task, const Contact& contact) const;
  void makeLink(const Task& task, const Contact& contact) const;
  void pushLink(const Task& task, const Contact& contact) const;
  void set(const Task& task, const Contact& contact) const;
  void setOwn(const Task& task, const Contact& contact) const;
  void await(const Task& task, ContactId contact, JobId job) const;

  access::ApiKeys& keys_;
  access::Throttle& throttle_;
  access::Sessions& sessions_;
  const ContactLookup& lookup_;
  members::PasswordChanger& changer_;
  outbox::Dispatcher& dispatcher_;
  const Options options_;
};

}  // namespace mbr::api
