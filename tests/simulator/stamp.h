// The account's clock and the ways in which ActiveCampaign writes an instant.
//
// Every stamp is US Central time, whatever the zone of the account: with an
// offset in cdate and udate, without one in the *_timestamp keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace acsim {

using Ms = std::int64_t;  // milliseconds since 1970 UTC

// Milliseconds since 1970, never going back while the process lives.
Ms nowMs();

std::string centralStamp(Ms at);  // 2021-03-23T06:04:43-05:00
std::string centralPlain(Ms at);  // 2021-03-23 06:04:43
std::string centralDate(Ms at);   // 2021-03-23

// Reads `2021-03-23`, or that with a time, with `Z`, an offset, or no zone
// (Central). Nothing if the text is anything else.
std::optional<Ms> parseStamp(std::string_view text);

}  // namespace acsim
