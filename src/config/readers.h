// How a value becomes part of the Config, where it is more than a number in its range or a word of
// a list. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace mbr::config {

// Why a value was not taken, as it follows "got `y`, ": "expected …". Without a text it is what is
// expected of the key.
struct Objection {
  std::string text;
  bool denied = false;  // a file that this user may not read
};
inline constexpr std::nullopt_t kTaken = std::nullopt;
inline Objection asUsual() { return {}; }

// Each puts the value, which is not empty, into the Config, or says why not.
using Reader = std::optional<Objection>(Config&, std::string_view value);
// The same for one key of a family; `name` is what follows the family's prefix.
using NamedReader = std::optional<Objection>(Config&, std::string_view name,
                                             std::string_view value);

Reader readSocket;
Reader readThreads;
Reader readStoreUrl;
Reader readMasterKeyFile;
Reader readAccountUrl;
Reader readAccountKey;
Reader readCaFile;
Reader readRate;
Reader readPasswordField;
Reader readAlphabet;
Reader readPolicy;
Reader readEventRule;  // `auto` reads as none; the mode is judged once all lines are read
Reader readEventTags;
Reader readEventAutomations;
Reader readResetAutomation;
Reader readRequiredTags;
Reader readBanTag;
Reader readPublicUrl;
Reader readEvents;
Reader readSources;
Reader readShedSocket;
Reader readHiddenFields;
Reader readTokenField;
Reader readLastLoginField;
Reader readPageTexts;
NamedReader readGateRule;

}  // namespace mbr::config
