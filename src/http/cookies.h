// Cookies that a browser sent.
#pragma once

#include <string_view>

#include "http/request.h"

namespace mbr::http {

// The value of the first cookie of that name, as sent; "" if there is none. Points into `request`.
std::string_view cookie(const Request& request, std::string_view name);

}  // namespace mbr::http
