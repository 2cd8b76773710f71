#include "pages/failure.h"

#include <utility>

#include "base/clock.h"
#include "http/problem.h"
#include "ops/log.h"

namespace mbr::pages {

http::Response afterFailure(http::Response page, const Error& error, std::string_view route,
                            const std::string& requestId) {
  ops::logWarning("page_failed", {{"route", route},
                                  {"code", toString(error.code)},
                                  {"detail", error.detail},
                                  {"request_id", requestId}});
  page.with("Retry-After", http::retryAfterSeconds(error.retryAfter.value_or(Milliseconds{0})));
  return page;
}

}  // namespace mbr::pages
