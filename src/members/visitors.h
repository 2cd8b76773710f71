// Members who are on the site right now: their data is kept younger than the sweeps keep it.
#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace mbr::members {

inline constexpr std::chrono::minutes kVisitLasts{30};  // after the last use of a session

// Calls for a refresh, behind all that somebody waits for, of each contact with a session used
// within kVisitLasts whose last pull is older than `maxAge`; at most 1,000 at a time. One that is
// called for already is left as it is, so that what fails backs off. Returns how many were called
// for. For a background thread. Errors: those of the store.
Result<int> refreshVisitors(store::Store& store, const Clock& clock, Milliseconds maxAge);

}  // namespace mbr::members
