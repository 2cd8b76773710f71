#include "request_log.h"

#include <algorithm>
#include <stdexcept>

#include "json_out.h"

namespace acsim {
namespace {

constexpr std::size_t kKept = 200000;

}  // namespace

RequestLog::RequestLog(const std::string& file) : file_(file, std::ios::app) {
  if (!file_) throw std::runtime_error("cannot write " + file);
}

void RequestLog::add(const LogEntry& entry) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_back(entry);
  if (entries_.size() > kKept) {
    entries_.pop_front();
    ++first_;
  }
  writeLine(entry);
}

void RequestLog::addControl(const LogEntry& entry) {
  const std::lock_guard<std::mutex> lock(mutex_);
  writeLine(entry);
}

std::string RequestLog::after(long after, long limit) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  JsonOut out;
  out.openArray();
  const long end = first_ + static_cast<long>(entries_.size());
  for (long n = std::max(first_, after + 1); n < end && limit > 0; ++n, --limit) {
    const LogEntry& entry = entries_[static_cast<std::size_t>(n - first_)];
    out.open().put("n", n).put("t_ms", entry.at).put("method", entry.method);
    out.put("path", entry.target).put("route", entry.target.substr(0, entry.target.find('?')));
    out.put("status", entry.status).put("remaining", entry.remaining).close();
  }
  return out.closeArray().take();
}

void RequestLog::writeLine(const LogEntry& entry) {
  file_ << centralStamp(entry.at) << ' ' << entry.at << ' ' << entry.method << ' ' << entry.target
        << ' ' << entry.status << ' ' << entry.remaining << std::endl;
}

}  // namespace acsim
