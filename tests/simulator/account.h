// The account behind a lock: every request sees and changes it as one step.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ledger.h"

namespace acsim {

// Thread-safe. Imports that have become due are applied before anything else
// is seen; event webhooks go to `deliver` after the lock is released.
class Account {
 public:
  using Deliver = std::function<void(std::vector<Delivery>)>;

  // Loads `stateFile` if it is given and exists, else starts with the seeds.
  // With a state file, changes are saved at most every 200 ms (less often when
  // saving takes long) and by stop().
  Account(std::string stateFile, Deliver deliver);
  ~Account() { stop(); }

  // Runs work(Ledger&) under the lock. `writes` says whether to save afterwards.
  template <class Work>
  auto with(bool writes, Work work) {
    Scope scope(*this, writes);
    return work(ledger_);
  }

  void stop();  // saves; safe to repeat

 private:
  class Scope {
   public:
    Scope(Account& account, bool writes);
    ~Scope();

   private:
    Account& account_;
    std::unique_lock<std::mutex> lock_;
    bool writes_;
  };

  void saveLoop();
  void save(std::unique_lock<std::mutex>& lock);

  const std::string stateFile_;
  const Deliver deliver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Ledger ledger_;          // guarded by mutex_
  bool dirty_ = false;     // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread saver_;
};

}  // namespace acsim
