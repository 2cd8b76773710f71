// The command line.
#pragma once

#include <optional>
#include <string>

namespace acsim {

struct Options {
  unsigned short port = 0;  // 0: any free one
  std::string dir;          // for acsim.log
  std::string token = "sim-token";
  double rate = 5;                // requests a second; 0: no limit
  std::string retryAfter = "30";  // of a 429; empty: no such header
  std::string portFile, stateFile;
  std::string certFile, keyFile;  // both: https
};

extern const char* const kUsage;

// Nothing if the arguments are wrong; `error` then says how.
std::optional<Options> readOptions(int argc, char** argv, std::string& error);

}  // namespace acsim
