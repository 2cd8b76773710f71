// Stops calling an ActiveCampaign that does not answer, or that no longer takes our key.
#pragma once

#include <mutex>

#include "base/clock.h"
#include "base/result.h"

namespace mbr::activecampaign {

// When to stop calling, and how to find out that calling makes sense again. Pure.
struct Circuit {
  struct Limits {
    int failures;             // in a row, until it opens
    Milliseconds firstPause;  // until the first probe
    Milliseconds lastPause;   // doubled up to this
  };
  int failures = 0;         // in a row
  Milliseconds pause{0};    // 0 = closed
  SteadyInstant probeAt{};  // when open: nobody calls before
  bool probing = false;     // when open: one call is out to see

  bool isOpen() const { return pause > Milliseconds{0}; }
};

struct Admission {
  bool admitted = false;
  bool probe = false;
  Milliseconds wait{0};  // if not admitted
  Circuit after;
};
Admission admit(const Circuit& circuit, SteadyInstant now);
Circuit afterSuccess(const Circuit& circuit);
// `probe`: the failed call was the probe.
Circuit afterFailure(const Circuit& circuit, bool probe, SteadyInstant now, Circuit::Limits limits);
// The call was not made after all.
Circuit afterNothing(const Circuit& circuit, bool probe);

inline constexpr Circuit::Limits kNetworkLimits{5, Milliseconds{1000}, Milliseconds{60000}};
inline constexpr Circuit::Limits kAccountLimits{3, Milliseconds{60000}, Milliseconds{60000}};

enum class AccountState {
  kWorking,
  kRefused,  // the key or its rights: 401 or 403 to whatever is asked
};

// Thread-safe; one for all clients of the process. `clock` must outlive it.
class Breaker {
 public:
  // How a call that was admitted ended.
  enum class End {
    kAnswered,  // ActiveCampaign works and takes the key, whatever it answered
    kBusy,      // it works; nothing is known of the key (429)
    kFailed,    // no answer, or 5xx
    kDenied,    // 401 or 403, also at the second look
    kNotMade,   // nothing is known
  };

  // The leave to make one call. Reports kNotMade if it goes without another report.
  class Pass {
   public:
    Pass(Pass&& other) noexcept;
    Pass& operator=(Pass&&) = delete;
    ~Pass() { end(End::kNotMade); }
    void end(End how);  // the first report counts

   private:
    friend class Breaker;
    Pass(Breaker& breaker, bool networkProbe, bool accountProbe)
        : breaker_(&breaker), networkProbe_(networkProbe), accountProbe_(accountProbe) {}
    Breaker* breaker_;
    bool networkProbe_;
    bool accountProbe_;
  };

  explicit Breaker(const Clock& clock);

  // Errors: kUnavailable (too many failures in a row), kDenied (account refused), both with
  // `retryAfter`. While it is so, one call at a time passes as a probe: after 1 s, doubling to 60
  // s; each 60 s while the account is refused.
  Result<Pass> admit();

  AccountState account() const;
  bool open() const;  // ActiveCampaign counts as down

 private:
  void report(const Pass& pass, End how);
  void publish() const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  Circuit network_;  // guarded by mutex_
  Circuit account_;  // guarded by mutex_
};

}  // namespace mbr::activecampaign
