// What was asked of the account, for tests that count calls.
#pragma once

#include <deque>
#include <fstream>
#include <mutex>
#include <string>

#include "stamp.h"

namespace acsim {

struct LogEntry {
  Ms at = 0;  // when the request arrived
  std::string method, target;
  int status = 0;       // 0: the connection was reset instead
  long remaining = -1;  // of the rate limit; -1: not counted
};

// Thread-safe. Numbers entries from 1 in the order of their answers and keeps
// the last 200,000; control routes go to the file alone.
class RequestLog {
 public:
  explicit RequestLog(const std::string& file);

  void add(const LogEntry& entry);
  void addControl(const LogEntry& entry);

  // A JSON array of the entries with a number above `after`, oldest first.
  std::string after(long after, long limit) const;

 private:
  void writeLine(const LogEntry& entry);

  mutable std::mutex mutex_;
  std::ofstream file_;            // guarded by mutex_
  std::deque<LogEntry> entries_;  // guarded by mutex_
  long first_ = 1;                // guarded by mutex_: number of entries_.front()
};

}  // namespace acsim
