// What did not work, told to the operator.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "http/response.h"

namespace mbr::pages {

// Logs the error, once, and says in `page` when to try again.
http::Response afterFailure(http::Response page, const Error& error, std::string_view route,
                            const std::string& requestId);

}  // namespace mbr::pages
