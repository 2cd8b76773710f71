// Requests for a new password.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "domain/email.h"

namespace mbr::members {

class ResetRequests {
 public:
  // Takes a request for a new password. Always the same to its sender: whether the e-mail is known,
  // and whether the bounds were passed, is not told. Calls `done` once, on any thread, with Done
  // also if nothing was done; errors are the store's only. `address`: the visitor's, as text.
  void ask(const Email& email, std::string_view address, std::function<void(Outcome)> done);
};

}  // namespace mbr::members
