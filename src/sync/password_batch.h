// Many passwords at once: pages of reads, imports, a read-back, and a second import for the tags.
#pragma once

#include <vector>

#include "domain/job.h"
#include "outbox/dispatcher.h"
#include "sync/job_handlers.h"

namespace mbr::sync {

// Full pages of reads and full imports: 5 reads and 2 imports, 5 read-backs and 2 imports for the
// tags, 2 looks at those.
inline constexpr int kPasswordBatch = 500;

// Whether a password job may go with others now. One that is named by e-mail only, has nothing but
// automations left, or was left over by an earlier batch goes singly; one whose import is under way
// waits for its time.
bool joinsPasswordBatch(const Job& job, Instant now);

// Takes each job one stage further, with the commits of runPasswordJob() before each request:
//
//   fresh read, decide and commit, import  ->  read back, import of the tags  ->  look, done
//
// Nothing waits here for an import, which may take seconds or minutes: the jobs are due again later
// (Workshop::importFirstLook, importLook), and which import they are in is in their payload. A job
// that the bulk way cannot finish is left to go singly, with the reason; that does no harm to an
// import which is still under way, since both write the same text.
std::vector<outbox::Verdict> runPasswordBatch(const Workshop& workshop, std::vector<Job>& jobs,
                                              const StopFlag& stop);

}  // namespace mbr::sync
