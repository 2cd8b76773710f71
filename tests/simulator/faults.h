// Trouble on demand: faults for chosen requests, and switches of the account.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "json_in.h"
#include "stamp.h"

namespace acsim {

struct Fault {
  std::string method = "*", prefix = "/";
  int status = 0;  // 0: the real answer
  std::optional<std::string> body;
  long delayMs = 0;
  bool reset = false;     // TCP reset instead of an answer
  bool truncate = false;  // less is sent than Content-Length says
  bool after = false;     // the request takes effect, only its answer is replaced
  std::string retryAfter;
  long times = -1;  // still to be used; -1: no limit
  Ms until = 0;     // 0: until cleared
};

struct Switches {
  bool noInclude = false;          // include= is ignored
  bool dayPrecise = false;         // filters[updated_after] compares days
  int limitStatus = 429;           // 503 as users saw it
  std::string limitBody = "json";  // json, html, empty
  long flicker403 = 0;             // every n-th request is forbidden; 0: none
  long importDelayMs = 300;
  long importsPerMinute = 100;  // 0: no limit
};

// Thread-safe.
class Faults {
 public:
  // Takes one fault, or any of the switches, or both. False without either.
  bool add(const JsonObject& request);
  void clear();  // faults and switches

  // Uses up one of the first fault that matches.
  std::optional<Fault> match(const std::string& method, const std::string& target);
  Switches switches() const;
  bool flickers();  // true for every n-th call while the switch is set
  std::string list() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;  // guarded by mutex_
  Switches switches_;          // guarded by mutex_
  long counted_ = 0;           // guarded by mutex_
};

}  // namespace acsim
