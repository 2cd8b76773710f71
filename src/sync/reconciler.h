// Makes up for news that did not arrive: works off gaps by reading the account's contacts, page by
// page in the order of their ids.
//
// A pass over what changed asks for contacts with a udate after the cursor, less an overlap; a full
// pass reads all of them and finds what udate does not show: removed tags, deletions, merges. The
// cursor is the greatest udate seen by a pass that came to its end, never our clock, and moves with
// that end alone. Progress is committed with every page, so a pass goes on where it was.
//
// Of a contact that a full pass does not show nothing is concluded but that it must be read by its
// id. If more than 1 % of all contacts (and more than 20) are missing at once, not even that: the
// pass is suspended until the operator confirms.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/stop_flag.h"
#include "domain/gap.h"
#include "members/contact_updater.h"
#include "members/hook_coverage.h"
#include "store/store.h"
#include "sync/contact_reader.h"
#include "sync/options.h"

namespace mbr::sync {

// meta keys of the state between passes; times in milliseconds.
inline constexpr std::string_view kSyncCursor = "sync.cursor";
inline constexpr std::string_view kLastSweep = "sync.last_at";
inline constexpr std::string_view kLastFullSweep = "sync.full_at";
inline constexpr std::string_view kSuspended = "sync.suspended";  // how many contacts were missing

// Thread-safe but for start() and stop(), which are the owner's.
class Reconciler {
 public:
  struct Options {
    SweepOptions sweeps;
    bool hooksOn = false;  // then a contact that only a pass finds changed is a sign of lost hooks
    std::string holder;    // names this process among those that share the store
    Milliseconds lease = std::chrono::minutes{2};
    Milliseconds longestPause = std::chrono::minutes{1};  // between tries that fail
  };
  // After a pass in event mode: how many contacts no webhook had told of, though nothing was known
  // to have been missed.
  using DriftFn = std::function<void(std::int64_t contacts)>;

  // All of them must outlive the reconciler.
  Reconciler(store::Store& store, const Clock& clock, ClientPool& clients,
             const ContactReader& reader, const members::ContactUpdater& updater,
             members::HookCoverage& coverage, Options options, DriftFn onDrift = {});
  ~Reconciler();
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  // Opens the gap of the time before the start, and works off gaps on a thread of its own.
  void start();
  void stop();  // leaves the pass in hand where it is, then joins; safe to repeat

  // Gaps changed (by this process or another); for the store's listener.
  void onChanges(const std::vector<store::Change>& changes);

  // Works off what is open, on the caller's thread, until nothing is or `stop` is raised. For the
  // command line. Errors: kBusy (another process works on it), and what kept the pass from going
  // on.
  Outcome runOnce(const StopFlag& stop);

 private:
  struct Page;

  void run();
  void openDueGaps();
  bool publishGaps();
  Result<std::optional<Sweep>> take();
  Outcome begin(store::Transaction& tx, const std::vector<Gap>& gaps, std::optional<Sweep>& sweep);
  Outcome work(Sweep sweep, const StopFlag& stop);
  Outcome apply(Sweep& sweep, const ContactReader::Page& page, std::int64_t& repaired);
  void takeIn(store::Transaction& tx, const ContactSnapshot& snapshot, Sweep& sweep,
              std::int64_t& repaired) const;
  Outcome finish(Sweep& sweep, std::int64_t repaired);
  void queueAbsent(store::Transaction& tx, const Sweep& sweep) const;
  void learnFilter(store::Transaction& tx, const Sweep& sweep,
                   const ContactReader::Page& page) const;
  void keepReason(Sweep& sweep, const Error& error) const;

  store::Store& store_;
  const Clock& clock_;
  ClientPool& clients_;
  const ContactReader& reader_;
  const members::ContactUpdater& updater_;
  members::HookCoverage& coverage_;
  const Options options_;
  const DriftFn onDrift_;
  StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wakes_ = 0;  // guarded by mutex_
  std::thread thread_;       // the owner's only
};

// Has the contacts read that a full pass missed, each by its id: those that ActiveCampaign no
// longer has are marked deleted. The jobs that do it. Within a transaction.
std::vector<JobId> confirmDeletions(store::Transaction& tx);

}  // namespace mbr::sync
