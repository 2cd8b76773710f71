// Runs jobs: claims due ones by lane, calls their handler, retries, and tells who waits.
//
// Knows nothing of ActiveCampaign: handlers are registered by job kind.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/stop_flag.h"
#include "domain/job.h"
#include "ops/timer.h"
#include "outbox/chosen_jobs.h"
#include "outbox/waiters.h"
#include "store/store.h"

namespace mbr::outbox {

// How a handler leaves its job.
struct Verdict {
  enum class Kind {
    kDone,     // it is in ActiveCampaign
    kRefused,  // ActiveCampaign said no, to all or part, for good
    kRetry,    // later; see retryAfter
    kDead,     // never
  };
  // Runs in the commit that ends the job, so that effects and end are one.
  using Effects = std::function<void(store::Transaction&)>;

  Kind kind = Kind::kDone;
  std::string result{};  // JSON, for who awaits it
  std::string reason{};  // safe to show
  // For kRetry: wait this long without counting a try (the other side named a time, or nothing was
  // tried). Absent: back off and count.
  std::optional<Milliseconds> retryAfter{};
  Effects effects{};

  static Verdict done(std::string result = {}, Effects effects = {});
  static Verdict refused(std::string result, std::string reason, Effects effects = {});
  static Verdict dead(std::string reason);
  // kBusy, and kUnavailable with a retryAfter: without counting; else with.
  static Verdict retry(const Error& error);
};

// Thread-safe but for handle(), the starts and stop(), which are the owner's.
class Dispatcher {
 public:
  struct Options {
    int workers = 4;  // job threads; one of them takes only what a person waits for
    Milliseconds lease = std::chrono::minutes{2};  // then another process may take the job over
  };
  // Called on a job thread with the claimed job. It may change payload and sealed and store them
  // with checkpoint() as it goes; what it did not store is forgotten if it leaves with kRetry. It
  // should return soon once `stop` is raised (kRetry, 0 ms).
  using Handler = std::function<Verdict(Job& job, const StopFlag& stop)>;
  // Jobs of a kind that are cheaper to carry out together.
  struct Batch {
    int least = 10;  // due at once; fewer go singly; 0 = all go singly
    int most = 100;
    // Whether a job may go with others now; it may be due only later. Called inside a transaction.
    std::function<bool(const Job&, Instant now)> joins;
    // As Handler, with a verdict for each job, in their order. Payloads are stored with
    // checkpointAll(). A job that is no longer kRunning after that is another process's by now.
    std::function<std::vector<Verdict>(std::vector<Job>& jobs, const StopFlag& stop)> run;
  };
  // The job once it has ended; nothing if it had not by the deadline.
  using AwaitFn = Waiters::AwaitFn;

  // All of them must outlive the dispatcher.
  Dispatcher(store::Store& store, const Clock& clock, Random& random, ops::Timer& timer,
             Options options);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  void handle(std::string kind, Handler handler);      // before start()
  void handleTogether(std::string kind, Batch batch);  // beside handle(), before start()
  void start();
  // The same for these jobs and those that must end before them; no other is touched.
  void startWith(const std::vector<JobId>& jobs);
  void stop();  // finishes the jobs in hand, then joins; safe to repeat

  // A job was added or fell due; cheap.
  void wake();

  // Writes payload and sealed of a job in hand, and renews its lease, in one commit with `also`,
  // which runs first and may still change them.
  // Errors: kConflict if the job is no longer ours (the handler must stop), the store's.
  Outcome checkpoint(Job& job, Verdict::Effects also = {});

  // The same for jobs that are carried out together, in one commit: `also` is called for each that
  // is still ours, and says whether it is to be stored; one that is not ours becomes kQueued here.
  // Errors: the store's.
  Outcome checkpointAll(std::vector<Job>& jobs,
                        const std::function<bool(store::Transaction&, Job&)>& also);

  // Calls `done` once, on any thread, when the job has ended or at the deadline. Never waits.
  void await(JobId job, SteadyInstant deadline, AwaitFn done);

  // Jobs changed (by this process or another); for the store's listener.
  void onChanges(const std::vector<store::Change>& changes);

 private:
  void run(Lane lowest);
  bool runOne(Lane lowest);
  Milliseconds untilDue(Lane lowest);
  std::vector<Job> claim(store::Transaction& tx, Lane lowest) const;
  void execute(Job& job);
  void executeTogether(std::vector<Job>& jobs);
  Verdict run(Job& job) const;
  void settle(std::vector<Job>& jobs, const std::vector<Verdict>& verdicts);
  Job leftWith(const Job& job, const Verdict& verdict) const;
  void answerWaiters();
  // Ahead of others if somebody waits for what is in that lane.
  Outcome write(Lane lane, store::Store::Work work);

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  Options options_;
  std::map<std::string, Handler> handlers_;
  std::map<std::string, Batch> batches_;
  ops::Timer& timer_;
  std::shared_ptr<Waiters> waiters_;
  std::unique_ptr<ChosenJobs> chosen_;  // null: all; used in transactions only
  StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wakes_ = 0;           // guarded by mutex_
  std::vector<JobId> changedJobs_;    // guarded by mutex_
  std::vector<std::thread> workers_;  // the owner's thread only
};

}  // namespace mbr::outbox
