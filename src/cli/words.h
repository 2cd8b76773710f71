// What the lists of codes and of keys share.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/commands.h"
#include "contacts/who.h"
#include "domain/email.h"

namespace mbr::cli {

// "a,b" -> ["a","b"]
json::Array words(std::string_view text);

// An e-mail address or an id, as a command's argument. Throws Failure (kUsage).
contacts::Who readContactName(const std::string& text);
// An e-mail address alone.
Email readEmail(const std::string& text);
// How the operator named it.
std::string nameOf(const contacts::Who& question);

// null for empty text
json::Value orNull(const std::string& text);

// Says that a code or key is revoked; 1 if there was none of that name. Throws Failure.
int reportRevoked(const Arguments& arguments, const std::string& what, const Outcome& outcome);

}  // namespace mbr::cli
