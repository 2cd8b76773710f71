// Many webhook bodies at once, as an automation sends that touches many contacts.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

namespace acsim {

struct Flood {
  std::string url;
  std::vector<std::string> bodies;
  double rate = 0;  // POSTs a second; 0: as fast as the target answers
  long times = 1;   // copies of each body, sent together
};

struct FloodResult {
  long sent = 0;
  std::map<int, long> answers;  // by status; 0: no answer
  long elapsedMs = 0;
};

// Returns when every body was answered, or soon after `stopping` became true.
// Uses up to 32 kept connections, each with a thread of its own.
FloodResult run(const Flood& flood, const std::atomic<bool>& stopping);

}  // namespace acsim
