#include "base/thread_role.h"

#include <sched.h>

namespace mbr {
namespace {

thread_local bool fastWorker = false;

void setPolicy(int policy) {
  const sched_param none{};
  sched_setscheduler(0, policy, &none);
}

}  // namespace

void declareFastWorker() { fastWorker = true; }
bool isFastWorker() { return fastWorker; }

void takeTurns() { setPolicy(SCHED_BATCH); }
void takeCoreAtOnce() { setPolicy(SCHED_OTHER); }

}  // namespace mbr
