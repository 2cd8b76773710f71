// Live pulls for logins and reads: the one place where a person waits for ActiveCampaign.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/stop_flag.h"
#include "contacts/source.h"
#include "members/contact_updater.h"
#include "ops/timer.h"
#include "store/store.h"
#include "sync/contact_reader.h"

namespace mbr::sync {

// Has threads of its own, so that jobs which hang in a slow ActiveCampaign do not stand before a
// login. Pulls of one contact at the same time share one request; each caller is answered at his
// own deadline at the latest, and the request goes on for the others and for the cache.
class LivePull final : public contacts::Source {
 public:
  struct Options {
    int threads = 4;
    std::size_t queue = 256;  // pulls that may wait for a thread
  };

  // All of them must outlive the pull.
  LivePull(const ContactReader& reader, ClientPool& clients, members::ContactUpdater& updater,
           store::Store& store, const Clock& clock, ops::Timer& timer, Options options);
  ~LivePull() override;
  LivePull(const LivePull&) = delete;
  LivePull& operator=(const LivePull&) = delete;

  void start();
  void stop();  // answers everyone, then joins; safe to repeat

  void pull(contacts::Who who, SteadyInstant deadline, DoneFn done) override;

 private:
  struct Flight;  // one request and all who wait for it

  void run();
  Result<contacts::Pulled> fetch(const contacts::Who& who, SteadyInstant deadline);
  void land(const std::shared_ptr<Flight>& flight, const Result<contacts::Pulled>& result);

  const ContactReader& reader_;
  ClientPool& clients_;
  members::ContactUpdater& updater_;
  store::Store& store_;
  const Clock& clock_;
  ops::Timer& timer_;
  const Options options_;
  StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable queued_;
  std::deque<std::shared_ptr<Flight>> queue_;               // guarded by mutex_
  std::map<std::string, std::shared_ptr<Flight>> flights_;  // guarded by mutex_; until answered
  std::vector<std::thread> threads_;                        // the owner's thread only
};

}  // namespace mbr::sync
