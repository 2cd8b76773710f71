#include "members/reset_requests.h"

namespace mbr::members {

void ResetRequests::ask(const Email& /*email*/, std::string_view /*address*/,
                        std::function<void(Outcome)> done) {  // NOLINT: as the header says
  done(Error{Code::kUnavailable, "not there yet"});
}

}  // namespace mbr::members
