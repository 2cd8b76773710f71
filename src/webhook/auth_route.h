// `mbr_auth`: ActiveMember360's remote authentication.
#pragma once

#include <set>
#include <string>

#include "access/codes.h"
#include "contacts/directories.h"
#include "http/router.h"
#include "logins/logins.h"
#include "webhook/admission.h"
#include "webhook/delivery_parser.h"

namespace mbr::webhook {

// Handlers may run on several fast workers at once.
class AuthRoute {
 public:
  struct Options {
    // Required; must be thread-safe. Asked once for each call; such fields are never answered.
    std::function<HiddenField()> hiddenFields;
  };

  // All of them must outlive the route, and the route every reply that is still open.
  AuthRoute(Options options, access::Codes& codes, logins::Logins& logins,
            const contacts::Directories& directories);

  // The action `mbr_auth`: checks `user` (an e-mail) and `pass` as the REST login does, and makes
  // no session. POST with a form; the code stands in the query, the other parameters in the body or
  // in the query, where the body's go first. `pass` in the query is 400: URLs are logged on their
  // way. GET is 405 for the same reason.
  //
  //   required_tags  tag ids by comma: the contact must have all of them
  //   retfields      names by comma, in any case: id, email, first_name, last_name, phone and
  //                  personalization tags; unknown and hidden ones are left out. Default: these
  //                  five and all fields
  //   client_ip      the address of the person who logs in, as with POST /v1/login. The caller's
  //                  own address is that of a server and tells nothing, so without this one only
  //                  the counter of the account applies
  //
  // 200 {"result":true,"contact":{name: text}}, fields by their personalization tag in upper case;
  // 401 {"result":false}, the same for unknown e-mail, wrong password and none yet; 403
  // not_entitled for a right password; 429 throttled; 503 busy (nothing was checked), unavailable.
  void registerOn(http::Router& router);

 private:
  struct Wish;

  void serve(const http::Request& request, const http::Reply& reply);
  http::Response answer(const logins::Answer& answer, const std::string& requestId,
                        const std::set<std::string>& names) const;
  std::string render(const Contact& contact, const std::set<std::string>& names) const;

  const Options options_;
  const FormRoute route_;
  access::Codes& codes_;
  logins::Logins& logins_;
  const contacts::Directories& directories_;
};

}  // namespace mbr::webhook
