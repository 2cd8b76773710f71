// jobs list, retry and drop.
#include <algorithm>
#include <iostream>
#include <vector>

#include "base/json_time.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/job_watch.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/words.h"
#include "domain/job.h"
#include "members/job_repair.h"

namespace mbr::cli {
namespace {

constexpr int kMostAtOnce = 10000;

std::optional<JobState> readState(const std::string& text) {
  if (text.empty()) return std::nullopt;
  for (int i = 0; i <= static_cast<int>(JobState::kDropped); ++i) {
    const auto state = static_cast<JobState>(i);
    if (toString(state) == text) return state;
  }
  throw Failure(kUsage,
                "--state: expected waiting, queued, running, done, refused, dead or "
                "dropped, not `" +
                    text + "`");
}

std::vector<Job> search(store::Store& store, const store::JobQuery& query, int limit) {
  std::vector<Job> jobs;
  const Outcome read = store.read([&](store::Reader& reader) -> Outcome {
    jobs = reader.searchJobs(query, limit);
    return Done{};
  });
  if (!read) throw Failure(read.error());
  return jobs;
}

json::Object jsonOf(const Job& job) {
  const auto contact = job.contactId ? std::to_string(*job.contactId) : "";
  const bool open = isOpen(job.state);
  return {{"id", std::to_string(job.id)},
          {"kind", job.kind},
          {"lane", toString(job.lane)},
          {"state", toString(job.state)},
          {"contact_id", orNull(contact)},
          {"attempts", job.attempts},
          {"created_at", timeOrNull(job.createdAt)},
          {"due_at", open ? timeOrNull(job.dueAt) : json::Value()},
          {"ended_at", timeOrNull(job.endedAt)},
          {"reason", job.reason}};
}

Tone toneOf(JobState state) {
  if (state == JobState::kDead || state == JobState::kRefused) return Tone::kBad;
  if (state == JobState::kDone) return Tone::kGood;
  return isOpen(state) ? Tone::kPlain : Tone::kFaint;
}

// All of them or none, in one commit.
std::vector<JobId> retry(store::Store& store, const std::vector<JobId>& jobs) {
  const Outcome written = store.write([&](store::Transaction& tx) -> Outcome {
    for (const JobId id : jobs) {
      if (const Outcome retried = members::retryJob(tx, id, "cli"); !retried) return retried;
    }
    return Done{};
  });
  if (!written) throw Failure(written.error());
  return jobs;
}

// Those that can be taken up again; the others are named.
std::vector<JobId> retryDead(store::Store& store) {
  std::vector<Job> dead = search(store, {JobState::kDead, "", std::nullopt, ""}, kMostAtOnce);
  std::reverse(dead.begin(), dead.end());  // what others wait for goes first
  std::vector<JobId> retried;
  std::vector<std::string> left;
  const Outcome written = store.write([&](store::Transaction& tx) -> Outcome {
    for (const Job& job : dead) {
      const Outcome outcome = members::retryJob(tx, job.id, "cli");
      if (outcome) {
        retried.push_back(job.id);
      } else {
        left.push_back(outcome.error().detail);
      }
    }
    return Done{};
  });
  if (!written) throw Failure(written.error());
  for (const std::string& why : left) warn(why);
  return retried;
}

}  // namespace

int listJobs(const Arguments& arguments) {
  const auto state = readState(arguments.state);
  Workplace place(arguments.configPath());
  const auto jobs =
      search(*place.store, {state, arguments.kind, std::nullopt, ""}, arguments.limit);
  json::Array all;
  std::vector<std::vector<std::string>> rows;
  for (const Job& job : jobs) {
    all.emplace_back(jsonOf(job));
    const Instant at = isOpen(job.state) ? job.dueAt : job.endedAt;
    rows.push_back({std::to_string(job.id), job.kind,
                    painted(toneOf(job.state), std::string(toString(job.state))),
                    job.contactId ? std::to_string(*job.contactId) : "-",
                    std::to_string(job.attempts), timeText(at, place.clock.now()), job.reason});
  }
  if (arguments.json) {
    printJson(std::move(all));
  } else {
    printTable({"ID", "KIND", "STATE", "CONTACT", "TRIES", "DUE OR ENDED", "REASON"}, rows);
  }
  return kOk;
}

int retryJobs(const Arguments& arguments) {
  if (arguments.allDead != arguments.jobs.empty()) {
    throw Failure(kUsage, "jobs retry: expected either ids or --dead");
  }
  const JobWatch watch;
  const auto bench = openBench(arguments);
  const auto jobs =
      arguments.allDead ? retryDead(*bench->store) : retry(*bench->store, arguments.jobs);
  return watch.follow(*bench, jobs, arguments.json);
}

int dropJobs(const Arguments& arguments) {
  Workplace place(arguments.configPath());
  const Outcome written = place.store->write([&](store::Transaction& tx) -> Outcome {
    for (const JobId id : arguments.jobs) {
      if (const Outcome dropped = members::dropJob(tx, id, "cli"); !dropped) return dropped;
    }
    return Done{};
  });
  if (!written) throw Failure(written.error());
  if (arguments.json) {
    printJson(json::Object{{"dropped", static_cast<std::int64_t>(arguments.jobs.size())}});
  } else if (outputIsTerminal()) {
    std::cout << "Given up, with what waited for it.\n";
  }
  return kOk;
}

}  // namespace mbr::cli
