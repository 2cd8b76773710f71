// ActiveCampaign's ids and ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mbr {

using ContactId = std::int64_t;
using TagId = std::int64_t;
using FieldId = std::int64_t;
using ListId = std::int64_t;
using AutomationId = std::int64_t;
using JobId = std::int64_t;

// A positive decimal integer below 2^53 without sign or leading zeros; nothing otherwise.
std::optional<std::int64_t> parseId(std::string_view text);

// "1, 2,3": ids by comma, blanks tolerated, empty items skipped. Nothing if any item is no id.
std::optional<std::vector<std::int64_t>> parseIdList(std::string_view text);

}  // namespace mbr
