// /.membergate/authz: may this visitor see what nginx is about to serve?
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "access/gate_rule.h"
#include "access/sessions.h"
#include "base/clock.h"
#include "contacts/contact_cache.h"
#include "contacts/directories.h"
#include "http/router.h"
#include "ops/metrics.h"

namespace mbr::api {

// Handlers may run on several fast workers at once. Nothing is logged: this runs for every image of
// a gated page.
class AuthzRoutes {
 public:
  struct Options {
    std::map<std::string, access::GateRule, std::less<>> rules;  // by their names
    std::optional<std::string> banTag;                           // id or name
  };

  // All of them must outlive the routes.
  AuthzRoutes(access::Sessions& sessions, contacts::ContactCache& cache,
              const contacts::Directories& directories, const Clock& clock, Options options);

  // For nginx's auth_request, which takes no other answers:
  //   204  the rule named by the parameter MEMBERGATE_RULE admits the contact of the session.
  //        X-Membergate-Contact (id), -Email, -Tags (ids by comma): `%` and all that is not
  //        printable ASCII as %XX, so that decoding gives the text back
  //   401  no session in force, or its contact is gone
  //   403  the rule admits it not, or is unknown; the contact carries the ban tag; or it cannot be
  //        told, because the store does not answer or the names of tags are not known
  // Tags are those of now. One that only a body of long ago has added admits nobody.
  void registerOn(http::Router& router);

 private:
  enum class Result { kAdmitted, kNoSession, kNoRule, kBanned, kRefused, kUnavailable };
  static constexpr std::size_t kResults = 6;

  Result judge(const http::Request& request, http::Response& answer) const;
  // Nothing: it cannot be told.
  std::optional<bool> isBanned(const Contact& contact, const contacts::Names& names) const;

  access::Sessions& sessions_;
  contacts::ContactCache& cache_;
  const contacts::Directories& directories_;
  const Clock& clock_;
  const Options options_;
  std::array<ops::Counter*, kResults> results_;
};

}  // namespace mbr::api
