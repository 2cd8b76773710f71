#include "sync/reconciler.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <utility>

#include "members/job_payload.h"
#include "ops/log.h"
#include "ops/metrics.h"

namespace mbr::sync {
namespace {

constexpr std::string_view kLongSweep = "sync.long_at";  // when the whole overlap was last used
constexpr std::string_view kFinerFilter = "sync.finer";  // updated_after is finer than a day
constexpr std::chrono::hours kDay{24};
constexpr std::chrono::seconds kIdle{5};
constexpr Milliseconds kUnripe{250};  // while a gap waits for a flood to end
constexpr Milliseconds kFirstPause{1000};
// Its lanes age to the front within a minute; who gives up sooner begins to age anew.
constexpr std::chrono::minutes kCallDeadline{5};
// Notes of a flood come by the second: a pass that begins amid them would have to be made again.
constexpr std::chrono::seconds kQuiet{1};
constexpr std::chrono::seconds kLongestFlood{15};
// A pass over what changed that is older than this is better made anew.
constexpr std::chrono::hours kStale{24};

constexpr std::int64_t kAlwaysAbsent = 20;  // this many may be missing, however few there are
constexpr int kAbsentBatch = 1000;
constexpr int kGapsLookedAt = 1000;  // for the newest that is no timer's: ten days and more

std::optional<Instant> readInstant(store::Reader& reader, std::string_view key) {
  const auto text = reader.findMeta(key);
  std::int64_t ms = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return fromEpochMs(ms);
}

void writeInstant(store::Transaction& tx, std::string_view key, Instant at) {
  tx.setMeta(key, std::to_string(toEpochMs(at)));
}

bool isFlood(const Gap& gap) { return gap.why == gap_reason::kShed; }

// Something is known to have been missed. The timer's passes and the operator's are no sign of it.
bool isLoss(const Gap& gap) {
  return gap.why != gap_reason::kInterval && gap.why != gap_reason::kFullDue &&
         gap.why != gap_reason::kOperator && gap.why != gap_reason::kOperatorFull;
}

// Whether a pass may begin for it now.
bool isRipe(const Gap& gap, Instant now) {
  if (gap.state != GapState::kOpen) return true;
  return !isFlood(gap) || now - gap.to >= kQuiet || now - gap.openedAt >= kLongestFlood;
}

// Those of whom nothing was heard since `since`: a contact that came or was read while the pass ran
// is not missing because an answer of before does not show it.
std::vector<ContactId> unheardOf(store::Reader& reader, const std::vector<ContactId>& ids,
                                 Instant since) {
  std::vector<ContactId> left;
  for (const ContactId id : ids) {
    const auto contact = reader.findContact(id);
    if (!contact) continue;
    const Instant heard = std::max(contact->changedAt, contact->pulledAt.value_or(since));
    if (heard <= since) left.push_back(id);
  }
  return left;
}

ops::Counter& contactsRead(const char* result) {
  return ops::counter("membergate_reconcile_contacts_total",
                      "Contacts that passes over the account have read, by what they brought.",
                      {{"result", result}});
}

ops::Counter& repairedCounter() {
  return ops::counter("membergate_reconcile_repaired_total",
                      "Contacts that only a pass found changed while the event webhook was on.");
}

ops::Gauge& suspendedGauge() {
  return ops::gauge("membergate_reconcile_suspended",
                    "1 while too many contacts are missing in ActiveCampaign to believe it.");
}

}  // namespace

Reconciler::Reconciler(store::Store& store, const Clock& clock, ClientPool& clients,
                       const ContactReader& reader, const members::ContactUpdater& updater,
                       members::HookCoverage& coverage, Options options, DriftFn onDrift)
    : store_(store),
      clock_(clock),
      clients_(clients),
      reader_(reader),
      updater_(updater),
      coverage_(coverage),
      options_(std::move(options)),
      onDrift_(std::move(onDrift)) {
  repairedCounter();  // shows as 0 from the start
}

Reconciler::~Reconciler() { stop(); }

void Reconciler::start() {
  const Outcome opened = store_.write([&](store::Transaction& tx) -> Outcome {
    // What changed while no daemon ran lies after the cursor; without one a full pass is due.
    if (const auto cursor = readInstant(tx, kSyncCursor)) {
      tx.openGap(gap_reason::kStart, *cursor, clock_.now());
    }
    return Done{};
  });
  if (!opened) ops::logWarning("gap_not_opened", {{"detail", opened.error().detail}});
  thread_ = std::thread([this] { run(); });
}

void Reconciler::stop() {
  stop_.raise();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Reconciler::onChanges(const std::vector<store::Change>& changes) {
  const bool any = std::any_of(changes.begin(), changes.end(), [](const store::Change& change) {
    return change.kind == store::ChangeKind::kGap;
  });
  if (!any) return;
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void Reconciler::run() {
  Milliseconds pause = kFirstPause;
  std::uint64_t seen = 0;
  while (!stop_.raised()) {
    {
      const std::lock_guard lock(mutex_);
      seen = wakes_;
    }
    Milliseconds idle = kIdle;
    try {
      openDueGaps();
      if (publishGaps()) idle = kUnripe;
      const auto sweep = take();
      const Outcome done = !sweep ? Outcome(sweep.error()) : *sweep ? work(**sweep, stop_) : Done{};
      publishGaps();
      if (done) {
        pause = kFirstPause;
        if (sweep && *sweep) continue;
      } else if (!stop_.raised()) {
        const bool isFault = done.error().code != Code::kBusy;
        ops::log(isFault ? ops::LogLevel::kWarning : ops::LogLevel::kDebug, "reconcile_waits",
                 {{"detail", done.error().detail}});
        (void)stop_.waitUntil(clock_.steady() + done.error().retryAfter.value_or(pause));
        pause = std::min(options_.longestPause, pause * 2);
        continue;
      }
    } catch (const std::exception& e) {
      ops::logError("reconcile_failed", {{"what", e.what()}});
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, idle, [&] { return wakes_ != seen || stop_.raised(); });
  }
}

Outcome Reconciler::runOnce(const StopFlag& stop) {
  while (!stop.raised()) {
    const auto sweep = take();
    if (!sweep) return sweep.error();
    if (!*sweep) return Done{};
    if (Outcome done = work(**sweep, stop); !done) return done;
  }
  return Done{};
}

// The timer's gaps. Two processes may do it at once: of a reason one gap is open.
void Reconciler::openDueGaps() {
  const Instant now = clock_.now();
  bool passDue = false;
  bool fullDue = false;
  std::optional<Instant> cursor;
  const auto look = [&](store::Reader& reader) -> Outcome {
    const auto isDue = [&](std::string_view key, Milliseconds every) {
      const auto last = readInstant(reader, key);
      return !last || now - *last >= every || *last > now;
    };
    cursor = readInstant(reader, kSyncCursor);
    fullDue = isDue(kLastFullSweep, options_.sweeps.fullEvery);
    passDue = cursor && isDue(kLastSweep, options_.sweeps.interval);
    for (const Gap& gap : reader.listOpenGaps()) {
      if (gap.full) fullDue = false;
      passDue = false;
    }
    return Done{};
  };
  if (!store_.read(look) || (!passDue && !fullDue)) return;
  const Outcome opened = store_.write([&](store::Transaction& tx) -> Outcome {
    if (fullDue) {
      tx.openGap(gap_reason::kFullDue, cursor.value_or(now), now, true);
    } else {
      tx.openGap(gap_reason::kInterval, *cursor, now);
    }
    return Done{};
  });
  if (!opened) ops::logWarning("gap_not_opened", {{"detail", opened.error().detail}});
}

// Tells whether any gap is open.
bool Reconciler::publishGaps() {
  std::vector<Gap> open;
  std::vector<Gap> newest;
  bool suspended = false;
  const Outcome read = store_.read([&](store::Reader& reader) -> Outcome {
    open = reader.listOpenGaps();
    newest = reader.listGaps(kGapsLookedAt);
    suspended = !reader.findMeta(kSuspended).value_or("").empty();
    return Done{};
  });
  if (!read) return true;
  std::optional<Instant> openedAt;
  for (const Gap& gap : newest) {
    if (isLoss(gap)) openedAt = std::max(openedAt.value_or(gap.openedAt), gap.openedAt);
  }
  coverage_.setGaps(std::any_of(open.begin(), open.end(), isLoss), openedAt);
  ops::gauge("membergate_gaps_open", "Gaps that are not worked off yet.")
      .set(static_cast<double>(open.size()));
  suspendedGauge().set(suspended ? 1 : 0);
  return !open.empty();
}

// The pass to work on, under our lease; nothing if there is none to do now.
Result<std::optional<Sweep>> Reconciler::take() {
  std::optional<Sweep> sweep;
  bool others = false;
  const Outcome taken = store_.write([&](store::Transaction& tx) -> Outcome {
    const Instant now = clock_.now();
    sweep = tx.findRunningSweep();
    if (sweep && sweep->holder != options_.holder && !sweep->holder.empty() &&
        sweep->leaseUntil > now && sweep->leaseUntil <= now + options_.lease) {
      others = true;
      return Done{};
    }
    if (sweep) {
      // A lease from before the clock was set back would keep us out for as long.
      if (sweep->leaseUntil > now + options_.lease) tx.releaseSweep();
      const bool stale = !sweep->full && now - sweep->startedAt > kStale;
      sweep->holder = options_.holder;
      sweep->leaseUntil = now + options_.lease;
      if (stale) {
        sweep->state = SweepState::kGivenUp;
        sweep->reason = "too old to go on";
        sweep->endedAt = now;
      }
      tx.saveSweep(*sweep);
      if (!stale) return Done{};
      sweep.reset();
    }
    const auto gaps = tx.listOpenGaps();
    const bool ripe =
        std::any_of(gaps.begin(), gaps.end(), [now](const Gap& gap) { return isRipe(gap, now); });
    return ripe ? begin(tx, gaps, sweep) : Outcome(Done{});
  });
  if (!taken) return taken.error();
  if (others) {
    return Error{Code::kBusy, "another process works on it", std::chrono::seconds{2}};
  }
  return sweep;
}

Outcome Reconciler::begin(store::Transaction& tx, const std::vector<Gap>& gaps,
                          std::optional<Sweep>& sweep) {
  const Instant now = clock_.now();
  const auto cursor = readInstant(tx, kSyncCursor);
  Sweep begun;
  begun.startedAt = now;
  begun.holder = options_.holder;
  begun.leaseUntil = now + options_.lease;
  // Without a cursor there is nothing to go on from.
  begun.full =
      !cursor || std::any_of(gaps.begin(), gaps.end(), [](const Gap& g) { return g.full; });
  if (!begun.full) {
    Instant from = *cursor;
    bool afterStart = false;
    for (const Gap& gap : gaps) {
      from = std::min(from, gap.from);
      afterStart = afterStart || gap.why == gap_reason::kStart;
    }
    const auto lastLong = readInstant(tx, kLongSweep);
    const bool whole = afterStart || tx.findMeta(kFinerFilter) != "yes" || !lastLong ||
                       now - *lastLong >= kDay || *lastLong > now;
    if (whole) writeInstant(tx, kLongSweep, now);
    const Milliseconds shortOverlap = kShortOverlap;
    begun.since =
        from - (whole ? options_.sweeps.overlap : std::min(shortOverlap, options_.sweeps.overlap));
  }
  if (begun.full) tx.clearAbsent();
  begun.id = tx.addSweep(begun);
  sweep = begun;
  return Done{};
}

// Page after page. Ends with the end of the account's contacts, with the first error, or with the
// stop; the row says how far it got.
Outcome Reconciler::work(Sweep sweep, const StopFlag& stop) {
  const auto client = clients_.lease();
  const Lane lane = sweep.full ? Lane::kBackfill : Lane::kReconcile;
  const SteadyInstant startedAt = clock_.steady();
  std::int64_t repaired = 0;
  // The end is believed when two answers say so: a short page and an empty one, or two empty ones.
  // A page that came out empty or short by accident is followed by the rest.
  int signs = 0;
  while (signs < 2) {
    if (stop.raised()) return Error{Code::kBusy, "stopping", Milliseconds{0}};
    const activecampaign::Call call{lane, clock_.steady() + kCallDeadline, &stop};
    const auto page = reader_.readPage(*client, {sweep.lastId, sweep.since}, call);
    if (!page) {
      keepReason(sweep, page.error());
      return page.error();
    }
    const bool empty = page->contacts.empty();
    // Some accounts count all contacts here and not those that remain; no account counts fewer.
    if (empty && page->remaining.value_or(0) > sweep.seen) {
      const Error error{Code::kUnavailable, "a page is empty though contacts remain"};
      keepReason(sweep, error);
      return error;
    }
    const bool isShort =
        page->contacts.size() < static_cast<std::size_t>(activecampaign::kPageSize);
    signs = empty ? signs + 1 : isShort ? 1 : 0;
    if (const Outcome applied = apply(sweep, *page, repaired); !applied) return applied;
  }
  const Outcome finished = finish(sweep, repaired);
  if (!finished) return finished;
  ops::logInfo(
      "reconcile_done",
      {{"full", sweep.full},
       {"calls", sweep.calls},
       {"contacts", sweep.seen},
       {"differed", sweep.differed},
       {"ms", std::chrono::duration_cast<Milliseconds>(clock_.steady() - startedAt).count()}});
  return Done{};
}

// One page and how far the pass got, in one commit.
Outcome Reconciler::apply(Sweep& sweep, const ContactReader::Page& page, std::int64_t& repaired) {
  Sweep after = sweep;
  std::int64_t found = 0;
  const Outcome stored = store_.write([&](store::Transaction& tx) -> Outcome {
    after = sweep;
    found = 0;
    after.calls += page.calls;
    after.reason.clear();
    after.leaseUntil = clock_.now() + options_.lease;
    if (page.remaining) after.expected = sweep.seen + *page.remaining;
    std::set<ContactId> shown;
    for (const ContactSnapshot& snapshot : page.contacts) {
      takeIn(tx, snapshot, after, found);
      shown.insert(snapshot.id);
      after.lastId = snapshot.id;
    }
    if (sweep.full && !shown.empty()) {
      std::vector<ContactId> absent;
      for (ContactId from = sweep.lastId; from < after.lastId;) {
        const auto known = tx.contactIds(from, after.lastId, kAbsentBatch);
        for (const ContactId id : known) {
          if (shown.count(id) == 0) absent.push_back(id);
        }
        if (known.size() < static_cast<std::size_t>(kAbsentBatch)) break;
        from = known.back();
      }
      tx.addAbsent(unheardOf(tx, absent, sweep.startedAt));
    }
    if (sweep.since) learnFilter(tx, sweep, page);
    if (!tx.saveSweep(after)) return Error{Code::kConflict, "another process took the pass over"};
    return Done{};
  });
  if (!stored) return stored;
  static ops::Counter& same = contactsRead("same");
  static ops::Counter& changed = contactsRead("changed");
  const auto differed = static_cast<double>(after.differed - sweep.differed);
  changed.add(differed);
  same.add(static_cast<double>(page.contacts.size()) - differed);
  repaired += found;
  sweep = std::move(after);
  return Done{};
}

void Reconciler::takeIn(store::Transaction& tx, const ContactSnapshot& snapshot, Sweep& sweep,
                        std::int64_t& repaired) const {
  using Taken = members::ContactUpdater::Taken;
  ++sweep.seen;
  const auto touched = snapshot.updatedAt ? snapshot.updatedAt : snapshot.createdAt;
  if (touched) sweep.newest = std::max(sweep.newest.value_or(*touched), *touched);
  // Whether a webhook told of what is new: then a read of the contact is on its way.
  const bool told = tx.hasOpenJob(members::kRefreshJob, snapshot.id) ||
                    tx.hasOpenJob(members::kPasswordJob, snapshot.id);
  bool differs = false;
  if (snapshot.tags && snapshot.fields && snapshot.lists) {
    differs = updater_.applySnapshot(tx, snapshot) == Taken::kChanged;
  } else {
    // The account sends no parts along with a page: who changed is read singly.
    const auto known = tx.findContact(snapshot.id);
    differs = !known || known->updatedAt != snapshot.updatedAt || known->deletedAt;
    if (differs || sweep.full) {
      members::enqueueRefresh(tx, {snapshot.id, snapshot.email ? snapshot.email->text() : ""},
                              Lane::kReconcile);
    }
  }
  if (!differs) return;
  ++sweep.differed;
  if (!told) ++repaired;
}

// The pass has come to its end: the cursor moves, the gaps close.
Outcome Reconciler::finish(Sweep& sweep, std::int64_t repaired) {
  bool isFirst = false;
  bool lost = false;
  const Outcome stored = store_.write([&](store::Transaction& tx) -> Outcome {
    const Instant now = clock_.now();
    for (const Gap& gap : tx.listOpenGaps()) {
      lost = lost || (gap.sweep == sweep.id && isLoss(gap));
    }
    const auto before = readInstant(tx, kSyncCursor);
    isFirst = !before;
    Sweep done = sweep;
    done.state = SweepState::kDone;
    done.endedAt = now;
    if (sweep.full) {
      std::vector<ContactId> tail;
      for (ContactId from = sweep.lastId;;) {
        tail = tx.contactIds(from, std::numeric_limits<ContactId>::max(), kAbsentBatch);
        tx.addAbsent(unheardOf(tx, tail, sweep.startedAt));
        if (tail.size() < static_cast<std::size_t>(kAbsentBatch)) break;
        from = tail.back();
      }
      queueAbsent(tx, sweep);
      writeInstant(tx, kLastFullSweep, sweep.startedAt);
    }
    // What changed behind the pass while it ran is not in it, so the cursor is not beyond its
    // start.
    Instant cursor =
        sweep.newest ? std::min(*sweep.newest, sweep.startedAt) : before.value_or(sweep.startedAt);
    if (before) cursor = std::max(cursor, *before);
    writeInstant(tx, kSyncCursor, cursor);
    writeInstant(tx, kLastSweep, now);
    if (!tx.saveSweep(done)) return Error{Code::kConflict, "another process took the pass over"};
    return Done{};
  });
  if (!stored) return stored;
  ops::counter("membergate_reconcile_runs_total", "Passes over the account that came to their end.",
               {{"full", sweep.full ? "yes" : "no"}})
      .add();
  if (options_.hooksOn && !isFirst && repaired > 0) {
    repairedCounter().add(static_cast<double>(repaired));
    ops::logWarning("reconcile_repaired",
                    {{"contacts", repaired}, {"full", sweep.full}, {"loss_known", lost}});
    if (onDrift_ && !lost) onDrift_(repaired);
  }
  return Done{};
}

// Who is missing is read by his id, unless so many are that ActiveCampaign's answer is the likelier
// mistake.
void Reconciler::queueAbsent(store::Transaction& tx, const Sweep& sweep) const {
  const std::int64_t absent = tx.countAbsent();
  const std::int64_t most = std::max(kAlwaysAbsent, tx.countContacts() / 100);
  if (absent > most) {
    tx.setMeta(kSuspended, std::to_string(absent));
    ops::logError("reconcile_suspended",
                  {{"missing", absent}, {"contacts", sweep.seen}, {"most", most}});
    return;
  }
  (void)confirmDeletions(tx);
}

// A filter that is finer than a day leaves out what changed before `since` on the same day.
void Reconciler::learnFilter(store::Transaction& tx, const Sweep& sweep,
                             const ContactReader::Page& page) const {
  const Instant since = *sweep.since;
  const bool older = std::any_of(page.contacts.begin(), page.contacts.end(), [&](const auto& each) {
    return each.updatedAt && *each.updatedAt < since - std::chrono::minutes{1};
  });
  const auto known = tx.findMeta(kFinerFilter);
  if (older && known == "yes") tx.setMeta(kFinerFilter, "no");
  if (older || known == "yes" || sweep.lastId != 0) return;
  // A witness: a contact with a udate of shortly before, on the same day in UTC and in the zone of
  // ActiveCampaign's stamps. One of another day costs an overlap that is shorter than it might be.
  const auto hour = std::chrono::duration_cast<std::chrono::hours>(since.time_since_epoch()) % kDay;
  const bool sameDay = hour.count() >= 14;
  if (sameDay && tx.hasContactUpdatedIn(since - std::chrono::hours{2}, since - kShortOverlap)) {
    tx.setMeta(kFinerFilter, "yes");
  }
}

void Reconciler::keepReason(Sweep& sweep, const Error& error) const {
  sweep.reason = error.detail;
  sweep.leaseUntil = clock_.now() + options_.lease;
  (void)store_.write([&](store::Transaction& tx) -> Outcome {
    tx.saveSweep(sweep);
    return Done{};
  });
}

std::vector<JobId> confirmDeletions(store::Transaction& tx) {
  std::vector<JobId> jobs;
  while (true) {
    const auto absent = tx.takeAbsent(kAbsentBatch);
    for (const ContactId id : absent) {
      jobs.push_back(members::enqueueRefresh(tx, {id, ""}, Lane::kReconcile));
    }
    if (absent.size() < static_cast<std::size_t>(kAbsentBatch)) break;
  }
  tx.setMeta(kSuspended, "");
  return jobs;
}

}  // namespace mbr::sync
