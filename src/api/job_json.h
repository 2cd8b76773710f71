// Jobs as the API shows them.
#pragma once

#include "base/json.h"
#include "domain/job.h"

namespace mbr::api {

// The `results` of a job that carried out a change; empty before it has ended and for other kinds.
json::Array resultsOf(const Job& job);

// {"id","kind","state","contact_id","attempts","created_at","due_at","reason","results"}: ids as
// text, due_at null once the job has ended. Neither the payload nor what is sealed.
json::Object renderJob(const Job& job);

// The path at which the job is shown.
std::string jobPath(JobId job);

}  // namespace mbr::api
