// What commands print. On a terminal for a person, otherwise for a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"

namespace mbr::cli {

bool outputIsTerminal();

void printJson(const json::Value& value);

enum class Tone { kPlain, kGood, kWarning, kBad, kFaint };
// What others wrote, such as the name of a contact, without characters that would command the
// terminal or break a line.
std::string printable(std::string_view text);
// The same in colour on a terminal, unless NO_COLOR is set or the terminal is a dumb one.
std::string painted(Tone tone, const std::string& text);

// On a terminal local and with its age, "2026-01-31 09:30:00 (3 min ago)"; otherwise RFC 3339. ""
// for none.
std::string timeText(const std::optional<Instant>& at, Instant now);
// "3 min"
std::string durationText(Milliseconds duration);

// On a terminal a table with its header; otherwise the rows alone, separated by tabs. Cells are
// made printable, but for the colours of painted().
void printTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

// The one time that a new secret is shown: the sentence and the secret on a terminal, otherwise
// the secret's line alone. Throws Failure if it could not be written.
void printSecret(const std::string& sentence, const Secret& secret);

// A line on stderr that does not end the command.
void warn(const std::string& sentence);

}  // namespace mbr::cli
