// Trouble on demand: faults for chosen requests, and switches of the account.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "json_in.h"
#include "ledger.h"
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

// What is wrong with one answer of GET /contacts.
enum class PageTrouble {
  kNone,
  kEmpty,         // no rows, but their number
  kEmptyAndZero,  // no rows, and the number 0
  kHalf           // the last half of the rows is missing
};

struct Switches {
  bool noInclude = false;        // include= is ignored
  bool ignoreIdGreater = false;  // as any unknown filter
  bool ignoreUpdatedAfter = false;
  bool ignoreIds = false;
  bool numericIds = false;  // ids are JSON numbers
  PageTrouble page = PageTrouble::kNone;
  bool dayPrecise = false;         // filters[updated_after] compares days
  int limitStatus = 429;           // 503 as users saw it
  std::string limitBody = "json";  // json, html, empty
  long flicker403 = 0;             // every n-th request is forbidden; 0: none
  long importDelayMs = 300;
  long importsPerMinute = 100;  // 0: no limit
  ImportRules imports;
  double foreignRate = 0;  // requests a second of the account's other clients
};

// Thread-safe.
class Faults {
 public:
  // Takes one fault, or any of the switches, or both. False without either.
  bool add(const JsonObject& request);
  void clear();                          // faults and switches
  void clear(const std::string& match);  // the faults that were given with it

  // Uses up one of the first fault that matches.
  std::optional<Fault> match(const std::string& method, const std::string& target);
  // `page` is set if this is a list of contacts whose turn has come for trouble.
  Switches switches(bool listsContacts = false);
  bool flickers();  // true for every n-th call while the switch is set
  std::string list() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;  // guarded by mutex_
  Switches switches_;          // guarded by mutex_, without `page`
  long emptyPage_ = 0;         // guarded by mutex_: lists of contacts until the empty one; 0: none
  long shortPage_ = 0;         // guarded by mutex_: likewise
  bool emptyTotal_ = true;     // guarded by mutex_: the empty one shows the right number
  long counted_ = 0;           // guarded by mutex_
};

}  // namespace acsim
