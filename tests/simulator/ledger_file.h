// Keeps a Ledger in a file: one JSON object a line, each with its `kind`.
#pragma once

#include <string>

#include "ledger.h"

namespace acsim {

std::string writeLedger(const Ledger& ledger);

// False if there is no such file. Throws std::runtime_error on a broken one.
bool readLedger(Ledger& ledger, const std::string& path);

// Writes `text` beside `path`, then renames. False if that failed.
bool replaceFile(const std::string& path, const std::string& text);

}  // namespace acsim
