#include "faults.h"

#include <algorithm>
#include <sstream>

#include "json_out.h"
#include "web.h"

namespace acsim {
namespace {

Fault faultFrom(const JsonObject& o) {
  Fault fault;
  const std::string match = text(o, "match", "* /");
  const std::size_t blank = match.find(' ');
  if (blank == std::string::npos) {
    fault.prefix = match;
  } else {
    fault.method = match.substr(0, blank);
    fault.prefix = match.substr(blank + 1);
  }
  fault.status = static_cast<int>(integer(o, "status"));
  if (const JsonObject body = child(o, "body")) {
    std::ostringstream rendered;
    body->stringify(rendered);
    fault.body = rendered.str();
  } else {
    fault.body = optionalText(o, "body");
  }
  fault.delayMs = integer(o, "delay_ms");
  fault.reset = truth(o, "reset");
  fault.truncate = truth(o, "truncate");
  fault.after = truth(o, "after");
  fault.retryAfter = text(o, "retry_after");
  fault.times = integer(o, "times", -1);
  if (has(o, "for_s")) fault.until = nowMs() + static_cast<Ms>(1000 * real(o, "for_s"));
  return fault;
}

bool spent(const Fault& fault) {
  return fault.times == 0 || (fault.until != 0 && nowMs() >= fault.until);
}

bool setSwitches(Switches& switches, const JsonObject& o) {
  bool any = false;
  const auto given = [&](const char* key) { return has(o, key) && (any = true); };
  const auto flag = [&](const char* key, bool& member) {
    if (given(key)) member = truth(o, key);
  };
  flag("ignore_id_greater", switches.ignoreIdGreater);
  flag("ignore_updated_after", switches.ignoreUpdatedAfter);
  flag("ignore_ids", switches.ignoreIds);
  flag("numeric_ids", switches.numericIds);
  flag("import_stuck", switches.imports.stuck);
  flag("import_partial_fields", switches.imports.withoutFields);
  if (given("import_fail")) {
    switches.imports.failing.clear();
    for (const std::string& email : texts(o, "import_fail")) {
      switches.imports.failing.insert(lower(email));
    }
  }
  if (given("foreign_rate")) switches.foreignRate = real(o, "foreign_rate");
  if (given("no_include")) switches.noInclude = truth(o, "no_include");
  if (given("day_precise")) switches.dayPrecise = truth(o, "day_precise");
  if (given("limit_status")) switches.limitStatus = static_cast<int>(integer(o, "limit_status"));
  if (given("limit_body")) switches.limitBody = text(o, "limit_body");
  if (given("flicker_403")) switches.flicker403 = integer(o, "flicker_403");
  if (given("import_delay_ms")) switches.importDelayMs = integer(o, "import_delay_ms");
  if (given("imports_per_minute")) switches.importsPerMinute = integer(o, "imports_per_minute");
  return any;
}

}  // namespace

bool Faults::add(const JsonObject& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool any = setSwitches(switches_, request);
  for (auto [key, member] : {std::pair("empty_page", &emptyPage_), {"short_page", &shortPage_}}) {
    if (!has(request, key)) continue;
    *member = integer(request, key);
    any = true;
  }
  emptyTotal_ = truth(request, "empty_page_total", emptyTotal_);
  for (const char* effect : {"match", "status", "body", "delay_ms", "reset", "truncate"}) {
    if (!has(request, effect)) continue;
    faults_.push_back(faultFrom(request));
    any = true;
    break;
  }
  return any;
}

void Faults::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.clear();
  switches_ = Switches();
  emptyPage_ = shortPage_ = 0;
  emptyTotal_ = true;
}

void Faults::clear(const std::string& match) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.erase(std::remove_if(
                    faults_.begin(), faults_.end(),
                    [&](const Fault& fault) { return fault.method + " " + fault.prefix == match; }),
                faults_.end());
}

std::optional<Fault> Faults::match(const std::string& method, const std::string& target) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.erase(std::remove_if(faults_.begin(), faults_.end(), spent), faults_.end());
  for (Fault& fault : faults_) {
    if (fault.method != "*" && fault.method != method) continue;
    if (target.compare(0, fault.prefix.size(), fault.prefix) != 0) continue;
    if (fault.times > 0) --fault.times;
    return fault;
  }
  return {};
}

Switches Faults::switches(bool listsContacts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Switches now = switches_;
  if (!listsContacts) return now;
  if (shortPage_ > 0 && --shortPage_ == 0) now.page = PageTrouble::kHalf;
  if (emptyPage_ > 0 && --emptyPage_ == 0) {
    now.page = emptyTotal_ ? PageTrouble::kEmpty : PageTrouble::kEmptyAndZero;
  }
  return now;
}

bool Faults::flickers() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return switches_.flicker403 > 0 && ++counted_ % switches_.flicker403 == 0;
}

std::string Faults::list() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  JsonOut out;
  out.open().key("faults").openArray();
  for (const Fault& fault : faults_) {
    if (spent(fault)) continue;
    out.open().put("match", fault.method + " " + fault.prefix).put("status", fault.status);
    out.put("times", fault.times).close();
  }
  out.closeArray().putBool("no_include", switches_.noInclude);
  return out.close().take();
}

}  // namespace acsim
