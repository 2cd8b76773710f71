// What the status page shows and does, from the store.
#pragma once

#include <optional>

#include "activecampaign/breaker.h"
#include "app/errands.h"
#include "app/status.h"
#include "app/support.h"
#include "base/clock.h"
#include "base/result.h"
#include "contacts/contact_cache.h"
#include "outbox/dispatcher.h"
#include "pages/status_page.h"
#include "store/store.h"

namespace mbr::app {

// Some of it reads whole tables, so all of it is read on a thread of its own. start() and stop()
// are the owner's; sources() may be called from any thread.
class StatusDesk {
 public:
  // All must outlive the desk. `rate`: ActiveCampaign's budget in requests a second.
  StatusDesk(store::Store& store, contacts::ContactCache& cache, outbox::Dispatcher& dispatcher,
             const activecampaign::Breaker& breaker, const Status& status, const Support& support,
             const Clock& clock, double rate)
      : store_(store),
        cache_(cache),
        dispatcher_(dispatcher),
        breaker_(breaker),
        status_(status),
        support_(support),
        clock_(clock),
        rate_(rate) {}

  void start() { errands_.start(); }
  void stop() { errands_.stop(); }  // answers what was asked; safe to repeat

  pages::StatusPage::Sources sources();

 private:
  template <class T, class ReadFn>
  void onErrand(pages::StatusPage::DoneFn<T> done, ReadFn read);

  Result<pages::StatusBoard> board() const;
  Result<pages::StatusHistory> history(const pages::Span& span) const;
  Result<pages::ContactFile> contact(const contacts::Who& who) const;
  Outcome describe(const contacts::CachedContact& cached, pages::ContactFile& file) const;
  void retry(JobId job, const std::string& actor, std::function<void(Outcome)> done) const;

  store::Store& store_;
  contacts::ContactCache& cache_;
  outbox::Dispatcher& dispatcher_;
  const activecampaign::Breaker& breaker_;
  const Status& status_;
  const Support& support_;
  const Clock& clock_;
  const double rate_;
  Errands errands_;  // goes first
};

}  // namespace mbr::app
