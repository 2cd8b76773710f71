// What ActiveCampaign's URL says: the security code, and what is asked for beyond the data.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "domain/delivery.h"

namespace mbr::webhook {

// The value of the one parameter called `name`, percent-decoded once; a '+' stays a '+', since no
// code holds a blank. Nothing if the parameter is absent, broken, or there twice in any spelling:
// whoever appends a second code to a URL must not get to choose which one counts.
std::optional<Secret> securityCode(std::string_view query, std::string_view name);

// The query as sent, without empty parameters and those called `name`.
std::string withoutParameter(std::string_view query, std::string_view name);

// What `mbr_genpass` asks for: a password, then the tags `tid`, then the automations `automation`
// (ids by comma), with `default_pass` instead of a generated one, and no local member with
// autoregister = n, no, 0 or false. Other parameters say nothing.
// Errors: kInvalid, with a detail for the sender.
Result<FollowUp> genpassFollowUp(std::string_view query);

}  // namespace mbr::webhook
