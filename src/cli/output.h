// What commands print. On a terminal for a person, otherwise for a program.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"

namespace mbr::cli {

bool outputIsTerminal();

void printJson(const json::Value& value);

// On a terminal a table with its header; otherwise the rows alone, separated by tabs.
void printTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

// The one time that a new secret is shown: the sentence and the secret on a terminal, otherwise
// the secret's line alone. Throws Failure if it could not be written.
void printSecret(const std::string& sentence, const Secret& secret);

// A line on stderr that does not end the command.
void warn(const std::string& sentence);

}  // namespace mbr::cli
