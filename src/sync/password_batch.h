// Many passwords at once: pages of reads, imports, a read-back, and a second import for the tags.
#pragma once

#include <vector>

#include "domain/job.h"
#include "outbox/dispatcher.h"
#include "sync/job_handlers.h"

namespace mbr::sync {

// Full pages of reads and full imports: 5 reads, 2 imports, 5 reads, 2 imports, 2 looks.
inline constexpr int kPasswordBatch = 500;

// Whether a password job may go with others. One that is named by e-mail only, has automations left
// to start, or was left over by an earlier batch goes singly.
bool joinsPasswordBatch(const Job& job);

// Carries the jobs out as runPasswordJob() would, with the same commits before each request: fresh
// read, decide and commit, import, confirm by reading back, tags by a second import. A job that the
// bulk way cannot finish is left to go singly, with the reason.
//
// An import says nothing about when it is done. It is awaited for Workshop::importPatience, while
// the jobs' leases are renewed; then they go singly, which does no harm: both write the same text.
std::vector<outbox::Verdict> runPasswordBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                              const StopFlag& stop);

}  // namespace mbr::sync
