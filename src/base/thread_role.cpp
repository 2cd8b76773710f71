#include "base/thread_role.h"

namespace mbr {
namespace {

thread_local bool fastWorker = false;

}  // namespace

void declareFastWorker() { fastWorker = true; }
bool isFastWorker() { return fastWorker; }

}  // namespace mbr
