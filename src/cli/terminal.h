// Questions to the person at the terminal.
#pragma once

#include <string>

#include "base/secret.h"

namespace mbr::cli {

// Whether there is somebody to ask: standard input and output are terminals.
bool canAsk();

// The answer without blanks around it. Throws Failure at the end of input.
std::string ask(const std::string& question);

// The same without showing what is typed.
Secret askSecretly(const std::string& question);

}  // namespace mbr::cli
