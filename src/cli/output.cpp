#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/exit_code.h"

namespace mbr::cli {

bool outputIsTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

void printJson(const json::Value& value) { std::cout << json::write(value) << '\n'; }

void printTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows) {
  const bool forPerson = outputIsTerminal();
  std::vector<std::size_t> widths(header.size(), 0);
  const auto measure = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  const auto print = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      std::cout << row[i];
      if (forPerson && !last) std::cout << std::string(widths[i] - row[i].size() + 2, ' ');
      if (!forPerson && !last) std::cout << '\t';
    }
    std::cout << '\n';
  };
  measure(header);
  for (const auto& row : rows) measure(row);
  if (forPerson) print(header);
  for (const auto& row : rows) print(row);
}

void printSecret(const std::string& sentence, const Secret& secret) {
  if (outputIsTerminal()) std::cout << sentence << "\n\n  ";
  std::cout << secret.reveal() << '\n';
  if (!std::cout.flush()) {
    throw Failure(kUnreachable,
                  "the secret could not be written to standard output; revoke it and make another");
  }
}

void warn(const std::string& sentence) { std::cerr << "membergate: warning: " << sentence << '\n'; }

}  // namespace mbr::cli
