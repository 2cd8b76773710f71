#include "account.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "api_import.h"
#include "ledger_file.h"

namespace acsim {

using std::chrono::milliseconds;

Account::Account(std::string stateFile, Deliver deliver)
    : stateFile_(std::move(stateFile)), deliver_(std::move(deliver)) {
  ledger_.now = nowMs();
  if (stateFile_.empty() || !readLedger(ledger_, stateFile_)) ledger_.seed();
  if (!stateFile_.empty()) saver_ = std::thread([this] { saveLoop(); });
}

Account::Scope::Scope(Account& account, bool writes)
    : account_(account), lock_(account.mutex_), writes_(writes) {
  account_.ledger_.now = nowMs();
  if (applyDueImports(account_.ledger_)) writes_ = true;
}

Account::Scope::~Scope() {
  std::vector<Delivery> outgoing;
  outgoing.swap(account_.ledger_.outgoing);
  if (writes_ && !account_.dirty_) {
    account_.dirty_ = true;
    account_.changed_.notify_one();
  }
  lock_.unlock();
  if (!outgoing.empty()) account_.deliver_(std::move(outgoing));
}

void Account::saveLoop() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [this] { return dirty_ || stopping_; });
    if (stopping_) break;
    const Ms started = nowMs();
    save(lock);
    // A large account takes long to write: spend at most a tenth of the time on it.
    const milliseconds pause(std::max<Ms>(200, 10 * (nowMs() - started)));
    changed_.wait_for(lock, pause, [this] { return stopping_; });
  }
}

void Account::save(std::unique_lock<std::mutex>& lock) {
  dirty_ = false;
  const std::string text = writeLedger(ledger_);
  lock.unlock();
  if (!replaceFile(stateFile_, text)) {
    std::fprintf(stderr, "acsim: cannot write %s\n", stateFile_.c_str());
  }
  lock.lock();
}

void Account::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    changed_.notify_all();
  }
  if (!saver_.joinable()) return;
  saver_.join();
  std::unique_lock<std::mutex> lock(mutex_);
  save(lock);
}

}  // namespace acsim
